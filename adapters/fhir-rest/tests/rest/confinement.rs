use adapter::{Call, ErrorKind};
use fhir::{Compartment, Interaction, Query, Resource, ResourceType, Version};
use serde_json::json;

use crate::raw::{Act, Raw, fhir, serve};
use crate::support::{adapter, call, failure, perform, update};

async fn empty() -> Raw {
    serve(|_, _| Act::Answer(fhir(200, r#"{"resourceType":"Bundle","type":"searchset"}"#))).await
}

fn patient(id: &str) -> Compartment {
    Compartment { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() }
}

fn confined(resource_type: ResourceType, query: &str) -> Call {
    let query = Query::parse(query);
    let mut call = call(Interaction::SearchType { resource_type, compartment: None, query });
    call.confined_to = Some(patient("1"));
    call
}

/// The target of the one request that a call becomes.
async fn target(call: Call, more: serde_json::Value) -> String {
    let raw = empty().await;
    perform(&*adapter(&raw.base, more).await, call).await.unwrap();
    raw.seen.requests()[0].split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_confined_search_carries_the_compartment_to_the_back_end() {
    let appointments = confined(ResourceType::APPOINTMENT, "status=booked");
    assert_eq!(target(appointments.clone(), json!({})).await, "/fhir/Appointment?status=booked&actor=Patient%2F1");
    let by_url = target(appointments, json!({ "compartment-search": true })).await;
    assert_eq!(by_url, "/fhir/Patient/1/Appointment?status=booked");
    let patients = confined(ResourceType::PATIENT, "_id=2");
    assert_eq!(target(patients, json!({})).await, "/fhir/Patient?_id=2&_id=1");
}

#[tokio::test]
async fn the_clients_compartment_and_the_tokens_both_hold() {
    let mut asked = confined(ResourceType::APPOINTMENT, "");
    if let Interaction::SearchType { compartment, .. } = &mut asked.interaction {
        *compartment = Some(patient("2"));
    }
    assert_eq!(target(asked, json!({})).await, "/fhir/Appointment?actor=Patient%2F2&actor=Patient%2F1");
}

#[tokio::test]
async fn the_condition_of_a_confined_create_carries_the_compartment() {
    let raw = empty().await;
    let resource = Resource::new(ResourceType::APPOINTMENT, Version::R4, r#"{"resourceType":"Appointment"}"#);
    let create = Interaction::Create { resource, if_none_exist: Some(Query::parse("identifier=a|1")) };
    let call = Call { confined_to: Some(patient("1")), ..call(create) };
    let _ = perform(&*adapter(&raw.base, json!({})).await, call).await;
    assert!(raw.seen.requests()[0].contains("if-none-exist: identifier=a%7C1&actor=Patient%2F1\r\n"));
}

#[tokio::test]
async fn an_update_that_must_create_is_not_sent() {
    let raw = empty().await;
    let call = Call { must_create: true, ..update("1", None) };
    assert_eq!(failure(&*adapter(&raw.base, json!({})).await, call).await, ErrorKind::Forbidden);
    assert!(raw.seen.requests().is_empty());
}

#[tokio::test]
async fn what_cannot_be_confined_is_refused_and_nothing_is_sent() {
    let mut history = call(Interaction::HistoryType { resource_type: ResourceType::PATIENT, query: Query::default() });
    history.confined_to = Some(patient("1"));
    let refused = [
        // In the compartment by several parameters, or not in it at all.
        confined(ResourceType::COVERAGE, ""),
        confined(ResourceType::SLOT, ""),
        // Decided by resources outside.
        confined(ResourceType::APPOINTMENT, "actor:Patient.name=Everywoman"),
        confined(ResourceType::APPOINTMENT, "_has:AuditEvent:entity:agent=x"),
        confined(ResourceType::APPOINTMENT, "_filter=name eq 1"),
    ];
    let raw = empty().await;
    let resources = json!({ "Patient": { "interactions": ["read", "search-type", "history-type"] } });
    let adapter = adapter(&raw.base, json!({ "resources": resources })).await;
    for call in refused.into_iter().chain([history]) {
        assert_eq!(failure(&*adapter, call).await, ErrorKind::Forbidden);
    }
    assert!(raw.seen.requests().is_empty());
}
