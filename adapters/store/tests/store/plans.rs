//! How common searches are found: by an index, whatever there is beside.

use std::fmt::Write as _;

use adapter::{Adapter as _, Call};
use fhir::{Interaction, Resource, ResourceType, Version};
use store::Store;

use super::{fresh, planning};
use crate::support::{call, ids, json, search, search_call};

async fn transaction(store: &Store, entries: impl Iterator<Item = (String, String)>) {
    let entries: Vec<String> = entries
        .map(|(url, resource)| format!(r#"{{"resource":{resource},"request":{{"method":"PUT","url":"{url}"}}}}"#))
        .collect();
    let json = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","));
    let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, json);
    store.perform(call(Interaction::Batch { bundle, transaction: true })).await.unwrap();
}

/// A calendar: 4,500 appointments, one an hour, of 50 patients and 3 practitioners; one in a hundred has no time yet.
async fn calendar(store: &Store) {
    for part in 0..9 {
        let entries = (part * 500..(part + 1) * 500).map(|number| {
            let (patient, practitioner) = (number % 50, number % 3);
            let mut json = format!(
                r#"{{"resourceType":"Appointment","id":"a{number}","status":"{}","participant":[
                {{"actor":{{"reference":"Patient/p{patient}"}},"status":"accepted"}},
                {{"actor":{{"reference":"Practitioner/d{practitioner}"}},"status":"accepted"}}]"#,
                if number % 2 == 0 { "booked" } else { "cancelled" }
            );
            if number % 100 != 99 {
                let day = fhirpath::Temporal::from_micros(1_700_000_000_000_000 + i64::from(number) * 3_600_000_000);
                let _ = write!(json, r#","start":"{day}""#);
            }
            (format!("Appointment/a{number}"), json + "}")
        });
        transaction(store, entries).await;
    }
}

/// Whether a step of a plan reads all of a table or of an index.
fn is_scan(step: &str) -> bool {
    let step = step.trim_start_matches(['-', '>', ' ']);
    let reads_all =
        step.starts_with("SCAN ") && !step.starts_with("SCAN matched") && !step.starts_with("SCAN CONSTANT");
    reads_all || step.starts_with("Seq Scan")
}

#[tokio::test]
async fn the_searches_of_a_booking_read_an_index_and_nothing_whole() {
    let (_folder, store) = planning();
    calendar(&store).await;
    let one = |kind: &str| (format!("{kind}/x"), format!(r#"{{"resourceType":"{kind}","id":"x","language":"en"}}"#));
    transaction(&store, ["Slot", "Patient", "Observation"].map(one).into_iter()).await;
    for (kind, query) in [
        ("Slot", "schedule=Schedule/1&start=ge2024-05-01&start=lt2024-05-02&status=free"),
        ("Slot", "schedule=Schedule/1&start=ge2024-05-01&status=free&_sort=start&_count=10"),
        ("Appointment", "patient=Patient/p1&date=ge2024-01-01"),
        ("Appointment", "patient=Patient/p1&_sort=-date&_count=10"),
        ("Appointment", "practitioner=Practitioner/d1&date=ge2024-01-01&date=lt2024-01-08&_sort=date"),
        ("Appointment", "actor=Practitioner/d1&date=ge2024-01-01&_sort=date&_count=20"),
        ("Appointment", "date=ge2024-01-01&_sort=date&_count=20"),
        ("Appointment", "status=booked&_sort=-date&_count=20"),
        ("Appointment", "_sort=date&_count=20"),
        ("Patient", "name=smith"),
        ("Patient", "name:exact=Smith"),
        ("Patient", "identifier=urn:x|1"),
        ("Patient", "birthdate=1970-03-01"),
        ("Patient", "family=smith&birthdate=1970-03-01"),
        ("Patient", "_lastUpdated=gt2024-01-01"),
        ("Patient", "_has:Appointment:patient:date=ge2024-06-01"),
        ("Observation", "value-quantity=gt5|http://unitsofmeasure.org|mg"),
        ("Observation", "patient=Patient/p1&_sort=value-quantity"),
    ] {
        let plan = store.explain(&search_call(kind, query, None)).await.unwrap();
        assert!(!plan.is_empty(), "{kind}?{query}");
        let scans: Vec<_> = plan.iter().filter(|step| is_scan(step)).collect();
        assert!(scans.is_empty(), "{kind}?{query}: {scans:?} of\n{}", plan.join("\n"));
    }
}

#[tokio::test]
async fn what_is_read_in_the_order_of_an_index_comes_in_order_once_and_whole() {
    let (_folder, store) = fresh();
    calendar(&store).await;
    let on_a_day = "date=ge2024-01-10&date=lt2024-01-11";
    let day = search(&store, "Appointment", &format!("{on_a_day}&_sort=-date&_count=100")).await.unwrap();
    assert_eq!((ids(&day).len(), day["total"].as_u64()), (24, Some(24)));
    let first: u32 = ids(&day)[23][1..].parse().unwrap();
    assert_eq!(ids(&day), (first..first + 24).rev().map(|number| format!("a{number}")).collect::<Vec<_>>());
    for (query, expected) in [
        ("_sort=date&_count=700&_total=none", all(false)),
        ("_sort=-date&_count=700&_total=none", all(true)),
        (
            "_sort=date,_id&status=booked&_count=900&_total=none",
            all(false).into_iter().filter(|id| is_booked(id)).collect(),
        ),
    ] {
        assert_eq!(pages(&store, query).await, expected, "{query}");
    }
    // Wide ranges begin long before what finds them.
    let long = r#"{"resourceType":"Encounter","id":"long","period":{"start":"2020-01-01","end":"2024-03-01"}}"#;
    let open = r#"{"resourceType":"Encounter","id":"open","period":{"start":"2021-01-01"}}"#;
    let short = r#"{"resourceType":"Encounter","id":"short","period":{"start":"2024-02-29","end":"2024-02-29"}}"#;
    let all = [("long", long), ("open", open), ("short", short)];
    transaction(&store, all.iter().map(|(id, json)| (format!("Encounter/{id}"), (*json).to_owned()))).await;
    for (query, expected) in [
        ("date=ge2024-02-28&_sort=date", vec!["long", "open", "short"]),
        ("date=ge2024-02-28&date=lt2024-03-02", vec!["long", "open", "short"]),
        ("date=gt2024-03-01&_sort=-date", vec!["open"]),
        ("date=ap2023-06", vec!["long", "open"]),
        ("date=2024-02-29", vec!["short"]),
    ] {
        assert_eq!(ids(&search(&store, "Encounter", query).await.unwrap()), expected, "{query}");
    }
}

/// Every appointment by its time; those without one last, in the order of their creation.
fn all(descending: bool) -> Vec<String> {
    let mut timed: Vec<u32> = (0..4_500).filter(|number| number % 100 != 99).collect();
    if descending {
        timed.reverse();
    }
    let none = (0..4_500).filter(|number| number % 100 == 99);
    timed.into_iter().chain(none).map(|number| format!("a{number}")).collect()
}

fn is_booked(id: &str) -> bool {
    id[1..].parse::<u32>().unwrap() % 2 == 0
}

async fn pages(store: &Store, query: &str) -> Vec<String> {
    let mut call: Call = search_call("Appointment", query, None);
    let mut all = Vec::new();
    loop {
        let bundle = json(&store.perform(call).await.unwrap());
        all.extend(ids(&bundle));
        let links = bundle["link"].as_array().unwrap();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { return all };
        call = search_call("Appointment", next["url"].as_str().unwrap().split_once('?').unwrap().1, None);
    }
}

#[tokio::test]
async fn names_are_read_in_order_with_the_lowest_or_the_highest_of_each() {
    let (_folder, store) = fresh();
    transaction(
        &store,
        (0..40).map(|number| {
            let names = format!(
                r#"{{"family":"{}{}"}},{{"family":"m{number}"}}"#,
                if number % 2 == 0 { "a" } else { "z" },
                99 - number
            );
            let names = if number == 7 { String::new() } else { format!(r#","name":[{names}]"#) };
            let id = format!("p{number:02}");
            (format!("Patient/{id}"), format!(r#"{{"resourceType":"Patient","id":"{id}"{names}}}"#))
        }),
    )
    .await;
    for (sort, first, last) in [("family", "p38", "p07"), ("-family", "p01", "p07")] {
        let mut all = Vec::new();
        let mut call = search_call("Patient", &format!("_sort={sort}&_count=7"), None);
        loop {
            let bundle = json(&store.perform(call).await.unwrap());
            all.extend(ids(&bundle));
            let links = bundle["link"].as_array().unwrap();
            let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
            call = search_call("Patient", next["url"].as_str().unwrap().split_once('?').unwrap().1, None);
        }
        assert_eq!((all.len(), all[0].as_str(), all[39].as_str()), (40, first, last), "{sort}: {all:?}");
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 40, "{sort}");
    }
}
