//! What a search returns beside and of its matches, and histories of more than one resource.

use std::sync::Arc;

use adapter::{Adapter as _, Call, ErrorKind};
use fhir::{Compartment, Interaction, Query, ResourceType};
use serde_json::Value;
use store::Store;

use super::fresh;
use crate::support::{BASE, Place, call, ids, json, search, search_call, update};

async fn put(store: &Store, kind: &str, id: &str, members: &str) {
    let json = format!(r#"{{"resourceType":"{kind}","id":"{id}",{members}}}"#);
    update(store, id, &json).await.unwrap();
}

fn appointment(actors: &[&str]) -> String {
    let participants: Vec<String> =
        actors.iter().map(|actor| format!(r#"{{"actor":{{"reference":"{actor}"}},"status":"accepted"}}"#)).collect();
    format!(r#""status":"booked","participant":[{}]"#, participants.join(","))
}

async fn practice() -> (Place, Store) {
    let (folder, store) = fresh();
    put(&store, "Organization", "o1", r#""name":"North""#).await;
    put(&store, "Organization", "o2", r#""name":"South","partOf":{"reference":"Organization/o1"}"#).await;
    let managed = format!(r#""managingOrganization":{{"reference":"{BASE}/Organization/o2"}}"#);
    put(&store, "Patient", "p1", &format!(r#""active":true,"birthDate":"1970-01-01",{managed}"#)).await;
    put(&store, "Patient", "p2", r#""active":true"#).await;
    put(&store, "Practitioner", "d1", r#""active":true"#).await;
    put(&store, "Appointment", "a1", &appointment(&["Patient/p1", "Practitioner/d1", "Patient/gone"])).await;
    put(&store, "Appointment", "a2", &appointment(&["Patient/p2", "Practitioner/d1/_history/1"])).await;
    (folder, store)
}

/// `Type/id` of the entries of a mode, in order.
fn entries(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["fullUrl"].as_str().unwrap().replace(&format!("{BASE}/"), "")).collect()
}

#[tokio::test]
async fn an_include_brings_what_matches_refer_to_once_and_counts_matches_only() {
    let (_folder, store) = practice().await;
    for (query, matches, included) in [
        ("_include=Appointment:actor", vec!["a1", "a2"], vec!["Patient/p1", "Practitioner/d1", "Patient/p2"]),
        ("_include=Appointment:actor:Practitioner", vec!["a1", "a2"], vec!["Practitioner/d1"]),
        ("_include=Appointment:patient&_id=a2", vec!["a2"], vec!["Patient/p2"]),
        ("_include=*&_id=a2", vec!["a2"], vec!["Patient/p2", "Practitioner/d1"]),
        ("_include=Patient:organization&_id=a1", vec!["a1"], vec![]),
        (
            "_include=Appointment:patient&_include:iterate=Patient:organization&_id=a1",
            vec!["a1"],
            vec!["Patient/p1", "Organization/o2"],
        ),
        (
            "_include=Appointment:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof&_id=a1",
            vec!["a1"],
            vec!["Patient/p1", "Organization/o2", "Organization/o1"],
        ),
        ("_include=Appointment:patient&_revinclude:iterate=Appointment:patient&_id=a1", vec!["a1"], vec!["Patient/p1"]),
    ] {
        let bundle = search(&store, "Appointment", query).await.unwrap();
        let wanted: Vec<String> = matches.iter().map(|id| format!("Appointment/{id}")).collect();
        assert_eq!(entries(&bundle, "match"), wanted, "{query}");
        assert_eq!(entries(&bundle, "include"), included, "{query}");
        assert_eq!(bundle["total"], matches.len(), "{query}");
    }
}

#[tokio::test]
async fn a_revinclude_brings_what_refers_to_matches() {
    let (_folder, store) = practice().await;
    for (kind, query, included) in [
        ("Patient", "_id=p1&_revinclude=Appointment:patient", vec!["Appointment/a1"]),
        ("Patient", "_revinclude=Appointment:actor", vec!["Appointment/a1", "Appointment/a2"]),
        ("Organization", "_id=o2&_revinclude=Patient:organization", vec!["Patient/p1"]),
        (
            "Organization",
            "_id=o2&_revinclude=Patient:organization&_revinclude:iterate=Appointment:patient",
            vec!["Patient/p1", "Appointment/a1"],
        ),
        ("Practitioner", "_revinclude=Appointment:actor:Patient", vec![]),
        (
            "Patient",
            "_id=p1&_revinclude=Appointment:*&_include=Patient:organization",
            vec!["Organization/o2", "Appointment/a1"],
        ),
    ] {
        let bundle = search(&store, kind, query).await.unwrap();
        assert_eq!(entries(&bundle, "include"), included, "{query}");
    }
}

#[tokio::test]
async fn a_confined_call_gets_nothing_from_outside_included() {
    let (_folder, store) = practice().await;
    let confined = |kind: &str, query: &str| {
        let patient = Compartment { resource_type: ResourceType::PATIENT, id: "p1".parse().unwrap() };
        let directory = Arc::from([ResourceType::PRACTITIONER]);
        Call { directory, ..search_call(kind, query, Some(patient)) }
    };
    for (kind, query, included) in [
        ("Appointment", "_include=*&_include:iterate=*", vec!["Patient/p1", "Practitioner/d1"]),
        ("Practitioner", "_revinclude=Appointment:actor", vec!["Appointment/a1"]),
        (
            "Practitioner",
            "_revinclude=Appointment:actor&_include:iterate=Appointment:patient",
            vec!["Appointment/a1", "Patient/p1"],
        ),
    ] {
        let bundle = json(&store.perform(confined(kind, query)).await.unwrap());
        assert_eq!(entries(&bundle, "include"), included, "{query}");
    }
}

#[tokio::test]
async fn what_comes_along_is_bounded_and_the_bundle_says_so() {
    let (_folder, store) = practice().await;
    for number in 0..1_010 {
        put(&store, "Slot", &format!("s{number}"), r#""schedule":{"reference":"Schedule/x"},"status":"free""#).await;
    }
    put(&store, "Schedule", "x", r#""active":true"#).await;
    let bundle = search(&store, "Schedule", "_revinclude=Slot:schedule").await.unwrap();
    assert_eq!(entries(&bundle, "include").len(), 1_000);
    let outcome = bundle["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(outcome["search"]["mode"], "outcome");
    assert_eq!(outcome["resource"]["issue"][0]["code"], "incomplete");
}

#[tokio::test]
async fn a_summary_or_elements_are_parts_of_resources_tagged_as_such() {
    let (_folder, store) = practice().await;
    let narrated = r#""active":true,"text":{"status":"generated","div":"<div>x</div>"},"photo":[{"title":"x"}]"#;
    put(&store, "Patient", "p3", narrated).await;
    for (query, members) in [
        ("_summary=true", vec!["active", "id", "meta", "resourceType"]),
        ("_summary=text", vec!["id", "meta", "resourceType", "text"]),
        ("_summary=data", vec!["active", "id", "meta", "photo", "resourceType"]),
        ("_elements=photo", vec!["active", "id", "meta", "photo", "resourceType"]),
        ("_elements=photo,active", vec!["active", "id", "meta", "photo", "resourceType"]),
    ] {
        let bundle = search(&store, "Patient", &format!("_id=p3&{query}")).await.unwrap();
        let resource = bundle["entry"][0]["resource"].as_object().unwrap();
        let mut names: Vec<&str> = resource.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, members, "{query}");
        assert_eq!(resource["meta"]["tag"][0]["code"], "SUBSETTED", "{query}");
    }
    let whole = search(&store, "Patient", "_id=p3&_summary=false").await.unwrap();
    assert_eq!(whole["entry"][0]["resource"]["meta"]["tag"], Value::Null);
}

fn changes(resource_type: Option<&str>, query: &str) -> Call {
    let query = Query::parse(query);
    call(match resource_type {
        Some(kind) => Interaction::HistoryType { resource_type: kind.parse().unwrap(), query },
        None => Interaction::HistorySystem { query },
    })
}

/// `Type/id/version` of every entry on all pages.
async fn all_changes(store: &Store, resource_type: Option<&str>, query: &str) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), Some(query.to_owned()));
    while let Some(query) = next {
        let bundle = json(&store.perform(changes(resource_type, &query)).await.unwrap());
        assert_eq!(bundle["type"], "history");
        for entry in bundle["entry"].as_array().cloned().unwrap_or_default() {
            let url = entry["fullUrl"].as_str().unwrap().replace(&format!("{BASE}/"), "");
            let version = entry["response"]["etag"].as_str().unwrap();
            all.push(format!("{} {url} {version}", entry["request"]["method"].as_str().unwrap()));
        }
        let links = bundle["link"].as_array().unwrap().clone();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned());
    }
    all
}

#[tokio::test]
async fn a_history_of_a_type_and_of_the_system_has_every_version_newest_first_on_pages_of_any_size() {
    let (_folder, store) = practice().await;
    put(&store, "Patient", "p1", r#""active":false"#).await;
    let delete =
        Interaction::Delete { resource_type: ResourceType::PATIENT, id: "p2".parse().unwrap(), if_match: None };
    store.perform(call(delete)).await.unwrap();
    let patients =
        [r#"DELETE Patient/p2 W/"2""#, r#"PUT Patient/p1 W/"2""#, r#"PUT Patient/p2 W/"1""#, r#"PUT Patient/p1 W/"1""#];
    for count in [1, 3, 50] {
        assert_eq!(all_changes(&store, Some("Patient"), &format!("_count={count}")).await, patients, "{count}");
        let all = all_changes(&store, None, &format!("_count={count}")).await;
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (9, patients[0], patients[1]), "{count}");
    }
    assert!(all_changes(&store, Some("Encounter"), "").await.is_empty());
    assert!(all_changes(&store, Some("Patient"), "_since=2999-01-01T00:00:00Z").await.is_empty());
    assert_eq!(all_changes(&store, Some("Patient"), "_at=2999").await, [patients[0], patients[1]]);
    assert!(all_changes(&store, Some("Patient"), "_at=1999").await.is_empty());
    for query in ["_sort=name", "_at=yesterday", "_since=x", "_count=x", "_page=x"] {
        let error = store.perform(changes(Some("Patient"), query)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}");
    }
    let patient = Compartment { resource_type: ResourceType::PATIENT, id: "p1".parse().unwrap() };
    let confined = Call { confined_to: Some(patient), ..changes(Some("Patient"), "") };
    assert_eq!(store.perform(confined).await.unwrap_err().kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn pages_of_a_search_have_the_includes_of_their_own_matches() {
    let (_folder, store) = practice().await;
    let first = search(&store, "Appointment", "_count=1&_include=Appointment:patient").await.unwrap();
    assert_eq!(ids(&first), ["a1", "p1"]);
    let link = first["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap().clone();
    let query = link["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    assert_eq!(ids(&search(&store, "Appointment", &query).await.unwrap()), ["a2", "p2"]);
}

#[tokio::test]
async fn a_reference_to_a_version_brings_that_version_along() {
    let (_folder, store) = fresh();
    put(&store, "Patient", "p", r#""active":true"#).await;
    put(&store, "Patient", "p", r#""active":false"#).await;
    let version =
        |reference: &str| format!(r#""status":"booked","participant":[{{"actor":{{"reference":"{reference}"}}}}]"#);
    for (id, reference, expected) in [
        ("old", "Patient/p/_history/1".to_owned(), vec![("old", "1"), ("p", "1")]),
        ("now", "Patient/p/_history/2".to_owned(), vec![("now", "1"), ("p", "2")]),
        ("none", "Patient/p/_history/9".to_owned(), vec![("none", "1")]),
        ("other", "Patient/p/_history/x".to_owned(), vec![("other", "1")]),
        ("absolute", format!("{BASE}/Patient/p/_history/1"), vec![("absolute", "1"), ("p", "1")]),
        ("plain", "Patient/p".to_owned(), vec![("plain", "1"), ("p", "2")]),
    ] {
        put(&store, "Appointment", id, &version(&reference)).await;
        let query = format!("_id={id}&_include=Appointment:patient");
        let bundle = search(&store, "Appointment", &query).await.unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|entry| &entry["resource"])
            .map(|found| (found["id"].as_str().unwrap(), found["meta"]["versionId"].as_str().unwrap()))
            .collect();
        assert_eq!((found, &bundle["total"]), (expected, &1.into()), "{reference}");
    }
}
