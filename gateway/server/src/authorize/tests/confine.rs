//! What a patient's token sees and writes.

use adapter::reply::Subject;
use adapter::{Body, ErrorKind, Reply, Status};
use bytes::Bytes;
use fhir::{Query, Resource, VersionId};
use futures_util::stream;
use http::StatusCode;

use super::*;
use crate::authorize::confine;

const MOST: usize = 1 << 20;

async fn as_patient(interaction: Interaction) -> Permitted {
    let world = World::new();
    let token = world.patient_token("patient/*.cruds", "p1").await;
    world.permit(&token, interaction).await.expect("permitted")
}

fn ok(body: &Value) -> Reply {
    Reply::new(Status::Ok).with_body(body.to_string())
}

fn json_of(reply: Reply) -> Value {
    match reply.body {
        Body::Bytes(bytes) => serde_json::from_slice(&bytes).expect("json"),
        other => panic!("expected a body, found {other:?}"),
    }
}

async fn sees(interaction: Interaction, body: &Value) -> Result<Value, StatusCode> {
    let permitted = as_patient(interaction).await;
    confine::reply(&permitted, ok(body), MOST).await.map(json_of).map_err(|failure| failure.status)
}

fn appointment(patients: &[&str]) -> Value {
    let actor = |reference: String| json!({ "actor": { "reference": reference }, "status": "accepted" });
    let mut participants: Vec<Value> = patients.iter().map(|id| actor(format!("Patient/{id}"))).collect();
    participants.push(actor("Practitioner/d1".into()));
    json!({ "resourceType": "Appointment", "id": "a1", "meta": { "versionId": "3" }, "status": "booked",
        "comment": "brings Eve", "participant": participants })
}

#[tokio::test]
async fn the_own_record_is_read_whole_and_another_ones_does_not_exist() {
    let patient =
        |id: &str| json!({ "resourceType": "Patient", "id": id, "link": [{ "other": { "reference": "Patient/p1" } }] });
    let own = patient("p1");
    assert_eq!(sees(read(ResourceType::PATIENT, "p1"), &own).await, Ok(own));
    // Linked or not: a link is a claim of whoever wrote it.
    assert_eq!(sees(read(ResourceType::PATIENT, "p2"), &patient("p2")).await, Err(StatusCode::NOT_FOUND));
    let own = appointment(&["p1"]);
    assert_eq!(sees(read(ResourceType::APPOINTMENT, "a1"), &own).await, Ok(own));
    assert_eq!(sees(read(ResourceType::APPOINTMENT, "a1"), &appointment(&["p2"])).await, Err(StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn what_is_outside_and_what_does_not_exist_are_answered_alike() {
    let permitted = as_patient(read(ResourceType::APPOINTMENT, "a1")).await;
    let outside = confine::reply(&permitted, ok(&appointment(&["p2"])), MOST).await.expect_err("outside");
    for kind in [ErrorKind::NotFound, ErrorKind::Gone] {
        let absent = confine::error(&permitted, adapter::Error::new(kind, "deleted yesterday"));
        assert_eq!((absent.status, &absent.issues), (outside.status, &outside.issues));
    }
    let other = confine::error(&permitted, adapter::Error::new(ErrorKind::Timeout, "slow"));
    assert_eq!(other.status, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_list_of_patients_that_names_others_is_not_shown_at_all() {
    let member = |id: &&str| json!({ "entity": { "reference": format!("Patient/{id}") } });
    let group = |ids: &[&str]| json!({ "resourceType": "Group", "id": "g", "member": ids.iter().map(member).collect::<Vec<_>>() });
    let read = || read("Group".parse().expect("a type"), "g");
    assert!(sees(read(), &group(&["p1"])).await.is_ok());
    assert_eq!(sees(read(), &group(&["p1", "p2"])).await, Err(StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn a_group_visit_is_shown_without_its_other_patients() {
    let shown = sees(read(ResourceType::APPOINTMENT, "a1"), &appointment(&["p1", "p2"])).await.expect("shown");
    let text = shown.to_string();
    assert!(!text.contains("p2") && !text.contains("Eve"), "{text}");
    assert_eq!(shown["participant"].as_array().map(Vec::len), Some(2), "the patient and the practitioner");
    assert_eq!((&shown["status"], &shown["meta"]["versionId"]), (&json!("booked"), &json!("3")));
    assert_eq!(shown["meta"]["security"][0]["code"], "REDACTED");
}

#[tokio::test]
async fn a_participant_who_cannot_be_told_is_taken_out_too() {
    let odd = [
        json!({ "actor": { "display": "Eve Other" } }),
        json!({ "actor": { "type": "Patient", "identifier": { "value": "eve" } } }),
        json!({ "actor": { "reference": "#eve" } }),
        json!({ "actor": { "reference": "urn:uuid:eve" } }),
        json!({ "actor": { "reference": "https://other.example/fhir/Patient/p1", "display": "eve" } }),
    ];
    for participant in odd {
        let mut appointment = appointment(&["p1"]);
        appointment["contained"] = json!([{ "resourceType": "Patient", "id": "eve" }]);
        appointment["participant"].as_array_mut().expect("an array").push(participant.clone());
        let shown = sees(read(ResourceType::APPOINTMENT, "a1"), &appointment).await.expect("shown");
        assert!(!shown.to_string().to_lowercase().contains("eve"), "{participant}");
    }
}

#[tokio::test]
async fn a_search_drops_what_is_outside_and_with_it_the_total() {
    let entry = |resource: Value| json!({ "fullUrl": "x", "resource": resource, "search": { "mode": "match" } });
    let bundle = |entries: Vec<Value>| {
        json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len(),
        "link": [{ "relation": "self", "url": "y" }], "entry": entries })
    };
    let search = || search(ResourceType::APPOINTMENT, "_include=Appointment:actor");

    let inside =
        bundle(vec![entry(appointment(&["p1"])), entry(json!({ "resourceType": "Practitioner", "id": "d1" }))]);
    assert_eq!(sees(search(), &inside).await, Ok(inside));

    let other_patient = entry(json!({ "resourceType": "Patient", "id": "p2" }));
    let no_resource = json!({ "fullUrl": "Patient/p2" });
    let untyped = entry(json!({ "id": "p2" }));
    let mixed =
        bundle(vec![entry(appointment(&["p1"])), entry(appointment(&["p2"])), other_patient, no_resource, untyped]);
    let shown = sees(search(), &mixed).await.expect("shown");
    assert_eq!(shown["entry"].as_array().map(Vec::len), Some(1));
    assert!(shown.get("total").is_none() && shown["link"].is_array() && !shown.to_string().contains("p2"));

    let nothing = sees(search(), &bundle(vec![entry(appointment(&["p2"]))])).await.expect("shown");
    assert!(nothing.get("entry").is_none() && nothing.get("total").is_none());
    let redacted = sees(search(), &bundle(vec![entry(appointment(&["p1", "p2"]))])).await.expect("shown");
    assert_eq!(redacted["total"], 1, "nothing was dropped");
    assert!(!redacted.to_string().contains("p2"));
}

#[tokio::test]
async fn what_cannot_be_read_is_withheld() {
    let bodies = ["", "{", "[]", "null", "<html>", r#"{"resourceType":"Patient","resourceType":"Slot"}"#];
    for body in bodies {
        let permitted = as_patient(read(ResourceType::PATIENT, "p1")).await;
        let reply = Reply::new(Status::Ok).with_body(Bytes::copy_from_slice(body.as_bytes()));
        assert!(confine::reply(&permitted, reply, MOST).await.is_err(), "{body}");
        let permitted = as_patient(search(ResourceType::APPOINTMENT, "")).await;
        let reply = Reply::new(Status::Ok).with_body(Bytes::copy_from_slice(body.as_bytes()));
        let failure = confine::reply(&permitted, reply, MOST).await.expect_err(body);
        assert_eq!(failure.status, StatusCode::BAD_GATEWAY, "{body}");
    }
    let permitted = as_patient(read(ResourceType::PATIENT, "p1")).await;
    assert!(confine::reply(&permitted, Reply::new(Status::Ok), MOST).await.is_err(), "no body");
}

#[tokio::test]
async fn a_stream_is_held_to_be_checked_and_is_bounded() {
    let permitted = as_patient(read(ResourceType::PATIENT, "p1")).await;
    let text = json!({ "resourceType": "Patient", "id": "p1" }).to_string();
    let stream = |text: &str| {
        let pieces: Vec<_> = text.as_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Reply { body: Body::Stream(None, Box::pin(stream::iter(pieces))), ..Reply::new(Status::Ok) }
    };
    let shown = confine::reply(&permitted, stream(&text), MOST).await.expect("shown");
    assert_eq!(json_of(shown)["id"], "p1");
    assert!(confine::reply(&permitted, stream(&text), 20).await.is_err());
}

#[tokio::test]
async fn a_system_token_sees_what_came_and_only_types_in_its_scopes_with_it() {
    let world = World::new();
    let token = world.token("system/Appointment.rs").await;
    let bundle = json!({ "resourceType": "Bundle", "total": 1, "entry": [
        { "resource": appointment(&["p1", "p2"]) }, { "resource": { "resourceType": "Patient", "id": "p2" } }] });
    let see = async |query: &str| {
        let permitted = world.permit(&token, search(ResourceType::APPOINTMENT, query)).await.expect("permitted");
        json_of(confine::reply(&permitted, ok(&bundle), MOST).await.expect("shown"))
    };
    let included = see("_include=Appointment:patient").await;
    assert_eq!(included["entry"].as_array().map(Vec::len), Some(1));
    assert_eq!(included["entry"][0]["resource"], appointment(&["p1", "p2"]), "nothing is redacted for a system");
}

fn create(resource_type: ResourceType, body: &Value) -> Interaction {
    Interaction::Create { resource: Resource::new(resource_type, Version::R4, body.to_string()), if_none_exist: None }
}

fn update(resource_type: ResourceType, id: &str, body: &Value) -> Interaction {
    let resource = Resource::new(resource_type, Version::R4, body.to_string());
    Interaction::Update { id: id.parse().expect("an id"), resource, if_match: None }
}

#[tokio::test]
async fn a_patients_token_writes_only_what_is_of_the_patient_alone() {
    let may = async |interaction| confine::payload(&as_patient(interaction).await).map_err(|failure| failure.status);
    let of = ResourceType::APPOINTMENT;
    assert_eq!(may(create(of, &appointment(&["p1"]))).await, Ok(()));
    assert_eq!(may(create(of, &appointment(&["p2"]))).await, Err(StatusCode::FORBIDDEN));
    assert_eq!(may(create(of, &appointment(&["p1", "p2"]))).await, Err(StatusCode::FORBIDDEN));
    assert_eq!(may(create(of, &appointment(&[]))).await, Err(StatusCode::FORBIDDEN));
    let mut contained = appointment(&["p1"]);
    contained["contained"] = json!([{ "resourceType": "Patient", "id": "x" }]);
    assert_eq!(may(create(of, &contained)).await, Err(StatusCode::FORBIDDEN));
    let patient = json!({ "resourceType": "Patient", "id": "p1" });
    assert_eq!(may(update(ResourceType::PATIENT, "p1", &patient)).await, Ok(()));
    assert_eq!(may(update(ResourceType::PATIENT, "p2", &patient)).await, Err(StatusCode::NOT_FOUND));
    assert_eq!(may(create(ResourceType::PATIENT, &patient)).await, Err(StatusCode::FORBIDDEN));
    assert_eq!(may(create(of, &patient)).await, Err(StatusCode::FORBIDDEN), "not the type that the URL says");
}

#[tokio::test]
async fn what_is_stored_decides_whether_it_may_be_changed() {
    let permitted = as_patient(update(ResourceType::APPOINTMENT, "a1", &appointment(&["p1"]))).await;
    assert!(confine::needs_current(&permitted));
    let may = |stored: &Value| {
        let stored = Resource::new(ResourceType::APPOINTMENT, Version::R4, stored.to_string());
        confine::current(&permitted, &stored).map_err(|failure| failure.status)
    };
    assert_eq!(may(&appointment(&["p1"])), Ok(()));
    assert_eq!(may(&appointment(&["p2"])), Err(StatusCode::NOT_FOUND));
    assert_eq!(may(&appointment(&["p1", "p2"])), Err(StatusCode::FORBIDDEN));
    assert_eq!(may(&json!([])), Err(StatusCode::NOT_FOUND));
    assert!(!confine::needs_current(&as_patient(read(ResourceType::APPOINTMENT, "a1")).await));
    assert!(!confine::needs_current(&as_patient(create(ResourceType::APPOINTMENT, &appointment(&["p1"]))).await));
}

#[tokio::test]
async fn a_confined_write_is_tied_to_the_version_that_was_checked() {
    let version: VersionId = "7".parse().expect("a version");
    let bound = |interaction| match confine::pinned(interaction, Some(&version)) {
        Interaction::Update { if_match, .. } | Interaction::Delete { if_match, .. } => if_match,
        _ => None,
    };
    let mine: VersionId = "3".parse().expect("a version");
    let delete = |if_match| Interaction::Delete {
        resource_type: ResourceType::APPOINTMENT,
        id: "a".parse().expect("id"),
        if_match,
    };
    assert_eq!(bound(delete(None)), Some(version.clone()));
    assert_eq!(bound(delete(Some(mine.clone()))), Some(mine), "the client's own condition stays");
    assert_eq!(bound(update(ResourceType::SLOT, "1", &json!({}))), Some(version.clone()));
}

#[tokio::test]
async fn a_write_that_happened_is_not_turned_into_a_failure() {
    let permitted = as_patient(create(ResourceType::APPOINTMENT, &appointment(&["p1"]))).await;
    let subject = Subject { resource_type: ResourceType::APPOINTMENT, id: "a1".parse().expect("id"), version_id: None };
    for body in [appointment(&["p2"]).to_string(), "junk".into()] {
        let reply = Reply { subject: Some(subject.clone()), ..Reply::new(Status::Created).with_body(body) };
        let shown = confine::reply(&permitted, reply, MOST).await.expect("created");
        assert!(matches!(shown.body, Body::Empty) && shown.subject.is_some());
    }
}

#[tokio::test]
async fn a_deletion_in_a_history_is_not_shown_to_a_patient() {
    let id = "a1".parse().expect("an id");
    let history =
        Interaction::HistoryInstance { resource_type: ResourceType::APPOINTMENT, id, query: Query::default() };
    let bundle = json!({ "resourceType": "Bundle", "type": "history", "total": 2, "entry": [
        { "fullUrl": "Appointment/a1", "request": { "method": "DELETE", "url": "Appointment/a1" } },
        { "resource": appointment(&["p1"]) }] });
    let shown = sees(history, &bundle).await.expect("shown");
    assert_eq!(shown["entry"].as_array().map(Vec::len), Some(1));
}
