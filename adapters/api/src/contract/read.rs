//! Rules of read, vread and history (http.html#read, #vread, #history).

use fhir::{Interaction, Query, ResourceType};

use super::bench::{refused, same, unexpected, version_of, whole};
use super::{Bench, Checked, Rule, Verdict, expect, rule};
use crate::ErrorKind;

pub(super) const RULES: &[Rule] = &[
    rule!(Must, [Read], "a read of what never was is not found", unknown_is_not_found),
    rule!(Must, [Create, Update, Vread], "every version can be read as it was", versions_stay),
    rule!(Must, [Create, Update, HistoryInstance], "a history lists the versions, newest first", history_lists),
];

async fn unknown_is_not_found(bench: &Bench) -> Checked {
    let Ok(id) = bench.unique().parse() else { return Err("the suite's own mark is no id".to_owned()) };
    let read = bench.perform(Interaction::Read { resource_type: ResourceType::PATIENT, id }).await;
    refused(&read, &[ErrorKind::NotFound], "a read of what never was")?;
    Ok(Verdict::Kept)
}

async fn versions_stay(bench: &Bench) -> Checked {
    let resource_type = ResourceType::PATIENT;
    let mark = bench.unique();
    let (id, first) = bench.create(bench.patient(&mark, "First")).await?;
    let second = bench
        .update(&id, bench.patient(&mark, "Second"), None)
        .await
        .map_err(|error| unexpected("an update", &error))?;
    for (version_id, family) in [(version_of(&first)?, "First"), (version_of(&second)?, "Second")] {
        let vread = Interaction::Vread { resource_type, id: id.clone(), version_id };
        let reply = bench.perform(vread).await.map_err(|error| unexpected("a vread", &error))?;
        let bytes = whole(reply).await?;
        expect(same(&bench.patient(&mark, family).bytes, &bytes), || format!("expected the version `{family}`"))?;
    }
    let Ok(version_id) = "no-such-version".parse() else { return Err("not a version id".to_owned()) };
    let unknown = bench.perform(Interaction::Vread { resource_type, id, version_id }).await;
    refused(&unknown, &[ErrorKind::NotFound, ErrorKind::Invalid], "a vread of what never was")?;
    Ok(Verdict::Kept)
}

async fn history_lists(bench: &Bench) -> Checked {
    let resource_type = ResourceType::PATIENT;
    let mark = bench.unique();
    let (id, first) = bench.create(bench.patient(&mark, "First")).await?;
    let second = bench
        .update(&id, bench.patient(&mark, "Second"), None)
        .await
        .map_err(|error| unexpected("an update", &error))?;
    let history = Interaction::HistoryInstance { resource_type, id, query: Query::default() };
    let reply = bench.perform(history).await.map_err(|error| unexpected("a history", &error))?;
    let bundle: serde_json::Value = serde_json::from_slice(&whole(reply).await?).unwrap_or_default();
    expect(bundle["type"] == "history", || "expected a Bundle of type history".to_owned())?;
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let versions: Vec<&str> =
        entries.iter().filter_map(|entry| entry["resource"]["meta"]["versionId"].as_str()).collect();
    let (first, second) = (version_of(&first)?, version_of(&second)?);
    expect(versions == [second.as_str(), first.as_str()], || format!("expected both versions: {versions:?}"))?;
    let has_request = entries.iter().all(|entry| entry["request"]["method"].is_string());
    expect(has_request, || "expected `request` in every entry (bundle.html, bdl-3)".to_owned())?;
    Ok(Verdict::Kept)
}
