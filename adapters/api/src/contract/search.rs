//! Rules of search (search.html, http.html#search, #paging).

use std::collections::BTreeSet;

use fhir::{InteractionCode, ResourceType};

use super::bench::{BASE, Page, compartment, refused};
use super::{Bench, Checked, Rule, Verdict, expect, rule};
use crate::ErrorKind;

pub(super) const RULES: &[Rule] = &[
    rule!(Must, [Create, SearchType], "a search finds what matches and nothing else", search_finds),
    rule!(
        Must,
        [Create, SearchType],
        "of values with commas between them each is looked for, or they are refused",
        either
    ),
    rule!(Must, [Create, SearchType], "a search that matches nothing is an empty searchset", empty_is_empty),
    rule!(Must, [SearchType], "an unknown parameter never means everything", unknown_parameter),
    rule!(Must, [Create, SearchType], "pages never repeat and never skip, even while resources are created", pages),
    rule!(Must, [Create, SearchType], "a page link that was changed is refused", changed_link),
    rule!(Must, [Create, SearchType], "an accurate total is the number of matches", total),
    rule!(Must, [Create, SearchType], "a confined search returns nothing outside of its compartment", confined),
    rule!(Must, [Create, SearchType], "a page link does not open in another compartment", link_is_bound),
    rule!(Should, [Create, SearchType, Update], "a search sees the current version only", current_only),
];

fn by_identifier(mark: &str) -> String {
    format!("identifier=urn:frontdesk:contract%7C{mark}")
}

async fn search_finds(bench: &Bench) -> Checked {
    let mark = bench.unique();
    let (id, _) = bench.create(bench.patient(&mark, "Sought")).await?;
    bench.create(bench.patient(&bench.unique(), "Other")).await?;
    let page = bench.found(bench.search(&by_identifier(&mark))).await?;
    expect(page.ids() == [id.as_str()], || format!("expected the one match: {} found", page.ids().len()))?;
    let bundle = &page.0;
    expect(bundle["type"] == "searchset", || "expected a Bundle of type searchset".to_owned())?;
    let entry = &bundle["entry"][0];
    let full_url = format!("{BASE}/Patient/{id}");
    expect(entry["fullUrl"] == full_url, || format!("expected fullUrl on the call's base: {}", entry["fullUrl"]))?;
    expect(entry["search"]["mode"] == "match", || "expected search.mode match".to_owned())?;
    expect(page.link("self").is_some_and(|url| url.starts_with(BASE)), || "expected a self link".to_owned())?;
    Ok(Verdict::Kept)
}

/// search.html#combining: a comma is an OR. Who cannot do it refuses: nothing found would be believed.
async fn either(bench: &Bench) -> Checked {
    let marks = [bench.unique(), bench.unique()];
    let mut expected = BTreeSet::new();
    for mark in &marks {
        expected.insert(bench.create(bench.patient(mark, "Either")).await?.0.to_string());
    }
    bench.create(bench.patient(&bench.unique(), "Neither")).await?;
    let query = marks.map(|mark| format!("urn:frontdesk:contract%7C{mark}")).join(",");
    let result = bench.adapter.perform(bench.search(&format!("identifier={query}"))).await;
    if refused(&result, &[ErrorKind::Invalid, ErrorKind::NotSupported], "a search by two values").is_ok() {
        return Ok(Verdict::Kept);
    }
    let found = bench.found(bench.search(&format!("identifier={query}"))).await?.ids();
    let found: BTreeSet<String> = found.into_iter().collect();
    expect(found == expected, || format!("expected both matches: {} found", found.len()))?;
    Ok(Verdict::Kept)
}

async fn empty_is_empty(bench: &Bench) -> Checked {
    bench.create(bench.patient(&bench.unique(), "Other")).await?;
    let page = bench.found(bench.search(&by_identifier(&bench.unique()))).await?;
    expect(page.ids().is_empty(), || "expected no match".to_owned())?;
    // json.html: an array is never empty.
    let entry = &page.0["entry"];
    expect(entry.as_array().is_none_or(|entries| !entries.is_empty()), || "expected no empty array".to_owned())?;
    Ok(Verdict::Kept)
}

async fn unknown_parameter(bench: &Bench) -> Checked {
    let result = bench.adapter.perform(bench.search("no-such-parameter=1")).await;
    refused(&result, &[ErrorKind::Invalid, ErrorKind::NotSupported], "a search by an unknown parameter")?;
    Ok(Verdict::Kept)
}

/// Makes patients of one family and pages through them; creates another one meanwhile.
async fn pages(bench: &Bench) -> Checked {
    let family = format!("Pages{}", bench.unique());
    let mut expected = BTreeSet::new();
    for _ in 0..7 {
        expected.insert(bench.create(bench.patient(&bench.unique(), &family)).await?.0.to_string());
    }
    let mut query = Some(format!("family={family}&_count=2"));
    let mut seen = Vec::new();
    while let Some(current) = query {
        let page = bench.found(bench.search(&current)).await?;
        let ids = page.ids();
        expect(ids.len() <= 2, || format!("expected at most 2 entries on a page: {}", ids.len()))?;
        if seen.is_empty() {
            bench.create(bench.patient(&bench.unique(), &family)).await?;
        }
        seen.extend(ids);
        expect(seen.len() <= 9, || "expected the pages to end".to_owned())?;
        query = page.next()?;
    }
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    expect(distinct.len() == seen.len(), || "expected no entry twice".to_owned())?;
    expect(distinct.is_superset(&expected), || format!("expected all {}: {} seen", expected.len(), distinct.len()))?;
    Ok(Verdict::Kept)
}

/// The first of several pages.
async fn first_page(bench: &Bench) -> Result<Page, String> {
    let family = format!("Link{}", bench.unique());
    for _ in 0..3 {
        bench.create(bench.patient(&bench.unique(), &family)).await?;
    }
    bench.found(bench.search(&format!("family={family}&_count=2"))).await
}

async fn changed_link(bench: &Bench) -> Checked {
    let page = first_page(bench).await?;
    let Some(next) = page.next()? else { return Err("expected a next link".to_owned()) };
    let (name, token) = next.split_once('=').unwrap_or(("", ""));
    let mut changed = token.as_bytes().to_vec();
    let Some(middle) = changed.get_mut(token.len() / 2) else { return Err("expected a token".to_owned()) };
    *middle = if *middle == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap_or_default();
    let result = bench.adapter.perform(bench.search(&format!("{name}={changed}"))).await;
    refused(&result, &[ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Gone], "a changed page link")?;
    Ok(Verdict::Kept)
}

async fn total(bench: &Bench) -> Checked {
    let family = format!("Total{}", bench.unique());
    for _ in 0..3 {
        bench.create(bench.patient(&bench.unique(), &family)).await?;
    }
    let page = bench.found(bench.search(&format!("family={family}&_count=2&_total=accurate"))).await?;
    expect(page.0["total"] == 3, || format!("expected a total of 3: {}", page.0["total"]))?;
    let count = bench.found(bench.search(&format!("family={family}&_summary=count"))).await?;
    expect(count.0["total"] == 3 && count.ids().is_empty(), || "expected the count alone".to_owned())?;
    Ok(Verdict::Kept)
}

async fn confined(bench: &Bench) -> Checked {
    let (own, _) = bench.create(bench.patient(&bench.unique(), "Own")).await?;
    let (other, _) = bench.create(bench.patient(&bench.unique(), "Other")).await?;
    let call = bench.search_of(ResourceType::PATIENT, "birthdate=1970-03-01", Some(compartment(&own)));
    // Refusing is fail-closed too.
    if let Ok(page) = bench.found(call).await {
        expect(page.ids().iter().all(|id| id == own.as_str()), || "expected the patient alone".to_owned())?;
        expect(page.0["total"].as_u64().is_none_or(|total| total <= 1), || "expected a total of 1".to_owned())?;
    }
    let capability = bench.adapter.capability();
    let needs = [InteractionCode::Create, InteractionCode::SearchType];
    if !needs.iter().all(|code| capability.offers(Some(ResourceType::APPOINTMENT), *code)) {
        return Ok(Verdict::Kept);
    }
    let (mine, _) = bench.create(appointment(bench, &own)).await?;
    bench.create(appointment(bench, &other)).await?;
    let call = bench.search_of(ResourceType::APPOINTMENT, "status=booked", Some(compartment(&own)));
    if let Ok(page) = bench.found(call).await {
        expect(page.ids() == [mine.as_str()], || "expected the patient's own appointment alone".to_owned())?;
    }
    Ok(Verdict::Kept)
}

fn appointment(bench: &Bench, patient: &fhir::Id) -> fhir::Resource {
    bench.resource(
        ResourceType::APPOINTMENT,
        format!(
            r#"{{"resourceType":"Appointment","status":"booked","start":"2030-01-01T09:00:00Z","end":"2030-01-01T09:20:00Z","participant":[{{"actor":{{"reference":"Patient/{patient}"}},"status":"accepted"}}]}}"#
        ),
    )
}

async fn link_is_bound(bench: &Bench) -> Checked {
    let (own, _) = bench.create(bench.patient(&bench.unique(), "Own")).await?;
    let page = first_page(bench).await?;
    let Some(next) = page.next()? else { return Err("expected a next link".to_owned()) };
    let result = bench.adapter.perform(bench.search_of(ResourceType::PATIENT, &next, Some(compartment(&own)))).await;
    expect(result.is_err(), || "expected the link of an unconfined search to be refused".to_owned())?;
    let result = bench.adapter.perform(bench.search_of(ResourceType::APPOINTMENT, &next, None)).await;
    expect(result.is_err(), || "expected the link to be refused for another type".to_owned())?;
    Ok(Verdict::Kept)
}

async fn current_only(bench: &Bench) -> Checked {
    let (before, after) = (bench.unique(), bench.unique());
    let (id, _) = bench.create(bench.patient(&before, "Current")).await?;
    bench
        .update(&id, bench.patient(&after, "Current"), None)
        .await
        .map_err(|error| super::bench::unexpected("an update", &error))?;
    let old = bench.found(bench.search(&by_identifier(&before))).await?;
    expect(old.ids().is_empty(), || "expected the old identifier to find nothing".to_owned())?;
    let new = bench.found(bench.search(&by_identifier(&after))).await?;
    expect(new.ids() == [id.as_str()], || "expected the new identifier to find the resource".to_owned())?;
    Ok(Verdict::Kept)
}
