//! Rules of transactions (http.html#transaction, #trules), for an adapter that offers them.

use fhir::{Interaction, InteractionCode, ResourceType};
use serde_json::{Value, json};

use super::bench::{refused, unexpected, whole};
use super::{Bench, Checked, Rule, Verdict, expect, rule};
use crate::{Error, ErrorKind, Reply};

pub(super) const RULES: &[Rule] = &[
    rule!(Must, [Create, Read], "a transaction answers each entry in the order of the Bundle", in_order),
    rule!(Must, [Create, Read, Update], "of a transaction all entries are done, or none", all_or_none),
    rule!(Must, [Create, Read], "references between entries become the ids that their resources get", references),
    rule!(Must, [Create, Read, Update, Delete], "deletes come first and reads last, wherever they stand", sequence),
    rule!(Must, [Create, Read], "an entry's condition is decided inside of the transaction", conditions),
];

const URN: &str = "urn:uuid:6c1ab4a8-9df8-4f1e-8b9c-0d8f6f5b3a01";

impl Bench {
    /// Whether there is nothing to check.
    fn has_no_transactions(&self) -> bool {
        !self.adapter.capability().offers(None, InteractionCode::Transaction)
    }

    async fn transact(&self, entries: &Value) -> Result<Reply, Error> {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let bundle = self.resource(ResourceType::BUNDLE, bundle.to_string());
        self.perform(Interaction::Batch { bundle, transaction: true }).await
    }

    /// The entries of the answer to a transaction that must succeed.
    async fn transacted(&self, entries: &Value) -> Result<Vec<Value>, String> {
        let reply = self.transact(entries).await.map_err(|error| unexpected("a transaction", &error))?;
        let bundle: Value = serde_json::from_slice(&whole(reply).await?).map_err(|_| "expected a Bundle".to_owned())?;
        expect(bundle["type"] == "transaction-response", || "expected a transaction-response".to_owned())?;
        Ok(bundle["entry"].as_array().cloned().unwrap_or_default())
    }

    /// What is read of a Patient, now.
    async fn patient_at(&self, place: &str) -> Result<Value, String> {
        let id = place.strip_prefix("Patient/").and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| "expected the location of a Patient".to_owned())?;
        let bytes = self.read(ResourceType::PATIENT, &id).await?;
        serde_json::from_slice(&bytes).map_err(|_| "expected a Patient".to_owned())
    }

    fn sample(&self, mark: &str) -> Value {
        serde_json::from_slice(&self.patient(mark, "Transacted").bytes).unwrap_or_default()
    }
}

/// An entry.
fn entry(method: &str, url: &str, resource: Option<&Value>) -> Value {
    let mut entry = json!({ "request": { "method": method, "url": url } });
    if let (Some(resource), Some(members)) = (resource, entry.as_object_mut()) {
        members.insert("resource".to_owned(), resource.clone());
    }
    entry
}

/// An entry with a member more, of itself or of its request.
fn with(mut entry: Value, pointer: &str, name: &str, value: &str) -> Value {
    if let Some(members) = entry.pointer_mut(pointer).and_then(Value::as_object_mut) {
        members.insert(name.to_owned(), value.into());
    }
    entry
}

/// `Patient/1` of the location of an answer, with or without a base and a version.
fn place(answer: &Value) -> Result<String, String> {
    let location = answer["response"]["location"].as_str().unwrap_or_default();
    let location = location.split("/_history/").next().unwrap_or_default();
    let from = location.rfind("Patient/").ok_or_else(|| format!("expected a location: {}", answer["response"]))?;
    Ok(location.get(from..).unwrap_or_default().to_owned())
}

fn expect_status(answer: &Value, status: &str) -> Result<(), String> {
    let answered = answer["response"]["status"].as_str().unwrap_or_default();
    expect(answered.starts_with(status), || format!("expected an entry with status {status}: {answered}"))
}

async fn in_order(bench: &Bench) -> Checked {
    if bench.has_no_transactions() {
        return Ok(Verdict::NotOffered);
    }
    let (id, _) = bench.create(bench.patient(&bench.unique(), "Read")).await?;
    let marks = [bench.unique(), bench.unique()];
    let create = |mark: &str| entry("POST", "Patient", Some(&bench.sample(mark)));
    let read = entry("GET", &format!("Patient/{id}"), None);
    let answers = bench.transacted(&json!([create(&marks[0]), read, create(&marks[1])])).await?;
    expect(answers.len() == 3, || format!("expected 3 answers: {}", answers.len()))?;
    for ((answer, status), mark) in answers.iter().zip(["201", "200", "201"]).zip([&marks[0], "", &marks[1]]) {
        expect_status(answer, status)?;
        if !mark.is_empty() {
            let made = bench.patient_at(&place(answer)?).await?;
            expect(made["identifier"][0]["value"] == mark, || {
                "expected the answers in the order of entries".to_owned()
            })?;
        }
    }
    expect(answers.get(1).is_some_and(|answer| answer["resource"]["id"] == id.as_str()), || {
        "expected the resource that was read in its entry".to_owned()
    })?;
    Ok(Verdict::Kept)
}

/// An entry that cannot be done takes the others with it, those before it too.
async fn all_or_none(bench: &Bench) -> Checked {
    if bench.has_no_transactions() {
        return Ok(Verdict::NotOffered);
    }
    let (id, _) = bench.create(bench.patient(&bench.unique(), "Before")).await?;
    let (mark, stale) = (bench.unique(), bench.unique());
    let changed = |mark: &str| with(bench.sample(mark), "", "id", id.as_str());
    let url = format!("Patient/{id}");
    let entries = json!([
        entry("POST", "Patient", Some(&bench.sample(&mark))),
        with(entry("PUT", &url, Some(&changed(&stale))), "/request", "ifMatch", "W/\"no-such-version\""),
    ]);
    let result = bench.transact(&entries).await;
    refused(&result, &[ErrorKind::VersionMismatch], "a transaction with a stale version")?;
    let kept = bench.patient_at(&url).await?;
    expect(kept["identifier"][0]["value"] != stale.as_str(), || "expected the stale entry not to be done".to_owned())?;
    if bench.adapter.capability().offers(Some(ResourceType::PATIENT), InteractionCode::SearchType) {
        let found = bench.found(bench.search(&format!("identifier=urn:frontdesk:contract%7C{mark}"))).await?;
        expect(found.ids().is_empty(), || "expected no entry to be done when one is not".to_owned())?;
    }
    Ok(Verdict::Kept)
}

async fn references(bench: &Bench) -> Checked {
    if bench.has_no_transactions() {
        return Ok(Verdict::NotOffered);
    }
    let mut referring = bench.sample(&bench.unique());
    if let Some(members) = referring.as_object_mut() {
        members.insert("link".to_owned(), json!([{ "other": { "reference": URN }, "type": "seealso" }]));
    }
    let entries = json!([
        entry("POST", "Patient", Some(&referring)),
        with(entry("POST", "Patient", Some(&bench.sample(&bench.unique()))), "", "fullUrl", URN),
    ]);
    let answers = bench.transacted(&entries).await?;
    let places = answers.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let [referring, referred] = places.as_slice() else { return Err("expected two answers".to_owned()) };
    let read = bench.patient_at(referring).await?;
    let reference = &read["link"][0]["other"]["reference"];
    expect(reference == referred.as_str(), || format!("expected the reference to be {referred}: {reference}"))?;
    Ok(Verdict::Kept)
}

async fn sequence(bench: &Bench) -> Checked {
    if bench.has_no_transactions() {
        return Ok(Verdict::NotOffered);
    }
    let (kept, _) = bench.create(bench.patient(&bench.unique(), "Kept")).await?;
    let (gone, _) = bench.create(bench.patient(&bench.unique(), "Gone")).await?;
    let mark = bench.unique();
    let url = format!("Patient/{kept}");
    let changed = with(bench.sample(&mark), "", "id", kept.as_str());
    let entries = json!([
        entry("GET", &url, None),
        entry("PUT", &url, Some(&changed)),
        entry("DELETE", &format!("Patient/{gone}"), None),
    ]);
    let answers = bench.transacted(&entries).await?;
    let seen = answers.first().map(|answer| answer["resource"]["identifier"][0]["value"].clone());
    expect(seen == Some(mark.into()), || "expected a read to see what the transaction wrote".to_owned())?;
    let result = bench.perform(Interaction::Read { resource_type: ResourceType::PATIENT, id: gone }).await;
    refused(&result, &[ErrorKind::Gone, ErrorKind::NotFound], "a read of what the transaction deleted")?;
    Ok(Verdict::Kept)
}

async fn conditions(bench: &Bench) -> Checked {
    if bench.has_no_transactions() || !bench.offered().conditional_create {
        return Ok(Verdict::NotOffered);
    }
    let (mark, new) = (bench.unique(), bench.unique());
    let (known, _) = bench.create(bench.patient(&mark, "Known")).await?;
    let once = |mark: &str| {
        let condition = format!("identifier=urn:frontdesk:contract|{mark}");
        with(entry("POST", "Patient", Some(&bench.sample(mark))), "/request", "ifNoneExist", &condition)
    };
    let answers = bench.transacted(&json!([once(&mark), once(&new)])).await?;
    let places = answers.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let [found, made] = places.as_slice() else { return Err("expected two answers".to_owned()) };
    expect(*found == format!("Patient/{known}"), || "expected the condition to find the resource".to_owned())?;
    expect(found != made, || "expected a new resource where the condition finds none".to_owned())?;
    Ok(Verdict::Kept)
}
