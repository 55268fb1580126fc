//! Criteria on other resources than those that are returned, and searches over several types.

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

async fn found(store: &Store, kind: &str, query: &str) -> Vec<String> {
    ids(&search(store, kind, query).await.unwrap())
}

fn appointment(actors: &[&str]) -> String {
    let participants: Vec<String> =
        actors.iter().map(|actor| format!(r#"{{"actor":{{"reference":"{actor}"}},"status":"accepted"}}"#)).collect();
    format!(r#""status":"booked","participant":[{}]"#, participants.join(","))
}

/// Two patients of two organizations, a practitioner, and their appointments.
async fn practice() -> (Place, Store) {
    let (folder, store) = fresh();
    put(&store, "Organization", "o1", r#""name":"North","identifier":[{"system":"urn:o","value":"1"}]"#).await;
    put(&store, "Organization", "o2", r#""name":"South","partOf":{"reference":"Organization/o1"}"#).await;
    put(
        &store,
        "Patient",
        "p1",
        r#""name":[{"family":"Smith"}],"managingOrganization":{"reference":"Organization/o1"}"#,
    )
    .await;
    let south = format!(
        r#""name":[{{"family":"Jones"}}],"gender":"male","managingOrganization":{{"reference":"{BASE}/Organization/o2"}}"#
    );
    put(&store, "Patient", "p2", &south).await;
    put(&store, "Practitioner", "d1", r#""name":[{"family":"Smith"}]"#).await;
    put(&store, "Appointment", "a1", &appointment(&["Patient/p1", "Practitioner/d1"])).await;
    put(&store, "Appointment", "a2", &appointment(&["Patient/p2"])).await;
    put(&store, "Appointment", "a3", &appointment(&["Practitioner/d1/_history/1", "Patient/p2"])).await;
    let elsewhere = appointment(&["http://elsewhere/fhir/Patient/p1"]);
    put(&store, "Appointment", "a4", &elsewhere).await;
    (folder, store)
}

#[tokio::test]
async fn a_chain_follows_references_of_this_gateway_to_what_meets_its_end() {
    let (_folder, store) = practice().await;
    for (kind, query, expected) in [
        ("Appointment", "patient.name=smith", vec!["a1"]),
        ("Appointment", "actor:Patient.name=smith", vec!["a1"]),
        ("Appointment", "actor:Practitioner.name=smith", vec!["a1", "a3"]),
        ("Appointment", "actor.name=smith", vec!["a1", "a3"]),
        ("Appointment", "patient.name=smith&actor:Practitioner.name=smith", vec!["a1"]),
        ("Appointment", "patient.organization.name=south", vec!["a2", "a3"]),
        ("Appointment", "patient:Patient.organization:Organization.partof.identifier=urn:o|1", vec!["a2", "a3"]),
        ("Appointment", "patient.gender:not=male", vec!["a1"]),
        ("Appointment", "patient._id=p2&status=booked", vec!["a2", "a3"]),
        ("Appointment", "patient.name=smith,jones", vec!["a1", "a2", "a3"]),
        ("Appointment", "patient.name=nobody", vec![]),
        ("Appointment", "location.name=anywhere", vec![]),
        ("Patient", "organization.name=north", vec!["p1"]),
        ("Patient", "organization.name=south&_sort=-family", vec!["p2"]),
    ] {
        let found = search(&store, kind, query).await.unwrap();
        assert_eq!((ids(&found), found["total"].as_u64()), (owned(&expected), Some(expected.len() as u64)), "{query}");
    }
}

#[tokio::test]
async fn has_finds_what_is_referred_to_by_what_meets_its_end() {
    let (_folder, store) = practice().await;
    for (kind, query, expected) in [
        ("Patient", "_has:Appointment:patient:status=booked", vec!["p1", "p2"]),
        ("Patient", "_has:Appointment:patient:_id=a3", vec!["p2"]),
        ("Patient", "_has:Appointment:actor:practitioner=d1&family=jones", vec!["p2"]),
        ("Patient", "_has:Appointment:patient:practitioner.name=smith", vec!["p1", "p2"]),
        ("Organization", "_has:Patient:organization:_has:Appointment:patient:_id=a2", vec!["o2"]),
        ("Organization", "_has:Patient:organization:name=jones", vec!["o2"]),
        ("Practitioner", "_has:Appointment:actor:patient.name=smith", vec!["d1"]),
        ("Appointment", "patient._has:Appointment:patient:_id=a2", vec!["a2", "a3"]),
        ("Patient", "_has:Encounter:patient:status=planned", vec![]),
    ] {
        let found = search(&store, kind, query).await.unwrap();
        assert_eq!((ids(&found), found["total"].as_u64()), (owned(&expected), Some(expected.len() as u64)), "{query}");
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn what_has_no_index_is_decided_behind_a_reference_too() {
    let (_folder, store) = practice().await;
    put(&store, "Observation", "h", &observation("Patient/p1", 180)).await;
    put(&store, "Observation", "k", &observation("Patient/p2", 90)).await;
    assert_eq!(found(&store, "Patient", "_has:Observation:subject:value-quantity=gt100").await, ["p1"]);
    assert_eq!(found(&store, "Patient", "_has:Observation:subject:value-quantity=gt1000").await, [""; 0]);
}

fn observation(subject: &str, value: u32) -> String {
    format!(
        r#""status":"final","code":{{"text":"x"}},"subject":{{"reference":"{subject}"}},"valueQuantity":{{"value":{value}}}"#
    )
}

#[tokio::test]
async fn a_condition_may_look_through_references() {
    let (_folder, store) = practice().await;
    let criteria = Query::parse("patient.name=smith");
    let delete = Interaction::ConditionalDelete { resource_type: ResourceType::APPOINTMENT, criteria };
    store.perform(call(delete)).await.unwrap();
    assert_eq!(found(&store, "Appointment", "").await, ["a2", "a3", "a4"]);
}

fn patient(id: &str) -> Option<Compartment> {
    Some(Compartment { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() })
}

fn confined(kind: &str, query: &str, id: &str) -> Call {
    let directory = Arc::from([ResourceType::PRACTITIONER, ResourceType::ORGANIZATION]);
    Call { directory, ..search_call(kind, query, patient(id)) }
}

#[tokio::test]
async fn a_confined_call_learns_nothing_of_what_lies_outside() {
    let (_folder, store) = practice().await;
    for (kind, query, expected) in [
        ("Appointment", "patient.name=smith", vec!["a1"]),
        ("Appointment", "patient.name=jones", vec![]),
        ("Appointment", "actor.name=smith", vec!["a1"]),
        ("Practitioner", "", vec!["d1"]),
        ("Practitioner", "_has:Appointment:actor:_id=a1", vec!["d1"]),
        ("Practitioner", "_has:Appointment:actor:_id=a3", vec![]),
        ("Organization", "_has:Patient:organization:family=smith", vec!["o1"]),
        ("Organization", "_has:Patient:organization:family=jones", vec![]),
        ("Organization", "_has:Organization:partof:name=south", vec!["o1"]),
        ("Patient", "organization.name=south", vec![]),
    ] {
        let bundle = json(&store.perform(confined(kind, query, "p1")).await.unwrap());
        assert_eq!(
            (ids(&bundle), bundle["total"].as_u64()),
            (owned(&expected), Some(expected.len() as u64)),
            "{query}"
        );
    }
}

fn system(query: &str, compartment: Option<Compartment>) -> Call {
    call(Interaction::SearchSystem { compartment, query: Query::parse(query) })
}

async fn system_ids(store: &Store, query: &str, compartment: Option<Compartment>) -> Vec<String> {
    let (mut all, mut call) = (Vec::new(), system(query, compartment));
    loop {
        let bundle = json(&store.perform(call).await.unwrap());
        all.extend(ids(&bundle));
        let Some(next) = next(&bundle) else { return all };
        call = system(&next, None);
    }
}

fn next(bundle: &Value) -> Option<String> {
    let link = bundle["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    Some(link["url"].as_str()?.strip_prefix(BASE)?.split_once('?')?.1.to_owned())
}

#[tokio::test]
async fn a_system_search_finds_resources_of_all_types_or_of_those_named_in_one_order() {
    let (_folder, store) = practice().await;
    let all = ["o1", "o2", "p1", "p2", "d1", "a1", "a2", "a3", "a4"];
    for count in [1, 2, 4, 50] {
        assert_eq!(system_ids(&store, &format!("_count={count}"), None).await, all, "{count}");
        let sorted = system_ids(&store, &format!("_sort=-_id&_count={count}"), None).await;
        assert_eq!(sorted, ["p2", "p1", "o2", "o1", "d1", "a4", "a3", "a2", "a1"], "{count}");
        let named = system_ids(&store, &format!("_type=Patient,Practitioner&family=smith&_count={count}"), None).await;
        assert_eq!(named, ["p1", "d1"], "{count}");
    }
    let bundle = json(&store.perform(system("_id=p1,d1", None)).await.unwrap());
    assert_eq!((ids(&bundle), bundle["total"].as_u64()), (owned(&["p1", "d1"]), Some(2)));
    let first = &bundle["entry"][0];
    assert_eq!(first["fullUrl"], format!("{BASE}/Patient/p1"));
    assert_eq!(bundle["link"][0]["url"], format!("{BASE}?_id=p1%2Cd1"));
}

#[tokio::test]
async fn a_compartment_is_searched_whole_and_by_its_links() {
    let (_folder, store) = practice().await;
    assert_eq!(system_ids(&store, "_count=1", patient("p2")).await, ["p2", "a2", "a3"]);
    assert_eq!(system_ids(&store, "_type=Appointment", patient("p1")).await, ["a1"]);
    let outside = Call { confined_to: patient("p1"), ..system("", patient("p2")) };
    assert_eq!(json(&store.perform(outside).await.unwrap())["total"], 0);
}

#[tokio::test]
async fn what_cannot_be_a_chain_is_refused() {
    let (_folder, store) = practice().await;
    for query in ["name.x=1", "patient.colour=blue", "_has:Appointment:status:_id=1", "_has:Appointment=1"] {
        let error = search(&store, "Appointment", query).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}");
    }
}
