//! Transactions: all or nothing, references resolved.

use std::sync::Arc;

use adapter::{Adapter as _, Call, Error, ErrorKind, Reply};
use bytes::Bytes;
use fhir::bundle::Answer;
use fhir::{Interaction, Resource, ResourceType, Version};
use serde_json::{Value, json};
use store::Store;

use super::fresh;
use crate::support::{BASE, bytes, call, create, ids, read, search, update};

fn transaction(entries: &Value) -> Call {
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string();
    let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, bundle);
    call(Interaction::Batch { bundle, transaction: true })
}

async fn transact(store: &Store, entries: Value) -> Result<Reply, Error> {
    store.perform(transaction(&entries)).await
}

fn answers(reply: &Reply) -> Vec<Answer> {
    Answer::read_all(&Bytes::copy_from_slice(bytes(reply))).unwrap()
}

fn statuses(reply: &Reply) -> Vec<u16> {
    answers(reply).iter().map(|answer| answer.status).collect()
}

fn resource(answer: &Answer) -> Value {
    serde_json::from_slice(answer.resource.as_deref().unwrap()).unwrap()
}

fn place(error: &Error) -> &str {
    error.issues[0].expression.as_deref().unwrap_or_default()
}

fn patient(value: &str) -> Value {
    json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:x", "value": value }] })
}

fn slot(reference: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": { "reference": reference } })
}

fn post(full_url: &str, resource: &Value) -> Value {
    let url = resource["resourceType"].clone();
    json!({ "fullUrl": full_url, "resource": resource, "request": { "method": "POST", "url": url } })
}

fn post_unless(full_url: &str, resource: &Value, criteria: &str) -> Value {
    let mut entry = post(full_url, resource);
    entry["request"]["ifNoneExist"] = criteria.into();
    entry
}

fn ask(method: &str, url: &str) -> Value {
    json!({ "request": { "method": method, "url": url } })
}

#[tokio::test]
async fn entries_refer_to_each_other_before_they_have_ids_and_reads_see_all_of_it() {
    let (_place, store) = fresh();
    let reply = transact(
        &store,
        json!([
            ask("GET", "Patient?identifier=urn:x|1"),
            post("urn:uuid:b", &slot("urn:uuid:a")),
            post("urn:uuid:a", &patient("1")),
            { "fullUrl": "http://old.example/Observation/7", "resource": { "resourceType": "Observation", "id": "own",
              "status": "final", "code": { "text": "x" }, "subject": { "reference": "urn:uuid:a" },
              "hasMember": [{ "reference": "urn:uuid:b" }] },
              "request": { "method": "PUT", "url": "Observation/own" } },
            ask("GET", "Observation/own"),
        ]),
    )
    .await
    .unwrap();
    let answers = answers(&reply);
    assert_eq!(statuses(&reply), [200, 201, 201, 201, 200]);
    assert_eq!(resource(&answers[0])["total"], 1);
    let (_, patient, version) = answers[2].subject().unwrap();
    assert_eq!(version.unwrap().as_str(), "1");
    assert_eq!(answers[2].full_url.as_deref(), Some(format!("{BASE}/Patient/{patient}").as_str()));
    assert_eq!(resource(&answers[1])["subject"]["reference"], format!("Patient/{patient}"));
    let (_, observation, _) = answers[1].subject().unwrap();
    assert_eq!(resource(&answers[4])["hasMember"][0]["reference"], format!("Observation/{observation}"));
    let found = search(&store, "Observation", &format!("subject=Patient/{patient}")).await.unwrap();
    assert_eq!(ids(&found).len(), 2, "references are indexed as they are resolved");
}

#[tokio::test]
async fn a_transaction_that_fails_at_its_last_entry_leaves_nothing() {
    let (_place, store) = fresh();
    create(&store, r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"kept"}]}"#).await.unwrap();
    update(&store, "a", r#"{"resourceType":"Location","id":"a"}"#).await.unwrap();
    let lasts = [
        (ask("GET", "Patient/nobody"), ErrorKind::NotFound),
        (post("urn:uuid:z", &slot("Patient?identifier=urn:x|nobody")), ErrorKind::MultipleMatches),
        (
            json!({ "resource": { "resourceType": "Location", "id": "a" },
                    "request": { "method": "PUT", "url": "Location/a", "ifMatch": "W/\"9\"" } }),
            ErrorKind::VersionMismatch,
        ),
        (post("urn:uuid:z", &json!({ "resourceType": "Parameters" })), ErrorKind::NotSupported),
        (ask("GET", "Patient?unheard=1"), ErrorKind::Invalid),
    ];
    for (last, kind) in lasts {
        let entries = json!([post("urn:uuid:a", &patient("new")), ask("DELETE", "Location/b"), last]);
        let error = transact(&store, entries).await.unwrap_err();
        assert_eq!((error.kind, place(&error).split('.').nth(1)), (kind, Some("entry[2]")), "{:?}", error.issues);
        assert_eq!(search(&store, "Patient", "identifier=urn:x|new").await.unwrap()["total"], 0);
    }
    assert_eq!(search(&store, "Patient", "identifier=urn:x|kept").await.unwrap()["total"], 1);
}

#[tokio::test]
async fn conditions_are_decided_inside_and_their_names_mean_what_was_found() {
    let (_place, store) = fresh();
    let made =
        create(&store, r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]}"#).await.unwrap();
    let known = made.subject.unwrap().id;
    let reply = transact(
        &store,
        json!([
            post_unless("urn:uuid:a", &patient("1"), "identifier=urn:x|1"),
            post_unless("urn:uuid:b", &patient("2"), "identifier=urn:x|2"),
            post_unless("urn:uuid:c", &patient("2"), "identifier=urn:x|2"),
            post("urn:uuid:o", &slot("urn:uuid:a")),
            post("urn:uuid:p", &slot("urn:uuid:c")),
            post("urn:uuid:q", &slot("Patient?identifier=urn:x|2")),
            { "resource": patient("3"), "request": { "method": "PUT", "url": "Patient?identifier=urn:x|3" } },
        ]),
    )
    .await
    .unwrap();
    assert_eq!(statuses(&reply), [200, 201, 200, 201, 201, 201, 201]);
    let answers = answers(&reply);
    let second = answers[1].subject().unwrap().1;
    assert_eq!(answers[0].subject().unwrap().1, known);
    assert_eq!(answers[2].subject().unwrap().1, second, "the same condition is the same create");
    assert_eq!(resource(&answers[3])["subject"]["reference"], format!("Patient/{known}"));
    for index in [4, 5] {
        assert_eq!(resource(&answers[index])["subject"]["reference"], format!("Patient/{second}"), "{index}");
    }
    let ambiguous = json!([post("urn:uuid:o", &slot("Patient?identifier=urn:x|1,urn:x|2"))]);
    assert_eq!(transact(&store, ambiguous).await.unwrap_err().kind, ErrorKind::MultipleMatches);
    let overlapping =
        json!([post("urn:uuid:a", &patient("4")), post_unless("urn:uuid:b", &patient("4"), "identifier=urn:x|4"),]);
    assert_eq!(transact(&store, overlapping).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn deletions_come_first_and_a_resource_is_written_once() {
    let (_place, store) = fresh();
    update(&store, "a", r#"{"resourceType":"Location","id":"a","name":"old"}"#).await.unwrap();
    let location = json!({ "resourceType": "Location", "name": "old" });
    let reply =
        transact(&store, json!([post_unless("urn:uuid:a", &location, "name=old"), ask("DELETE", "Location?name=old")]))
            .await
            .unwrap();
    assert_eq!(statuses(&reply), [201, 204]);
    assert_eq!(read(&store, "Location".parse().unwrap(), "a").await.unwrap_err().kind, ErrorKind::Gone);
    let twice = json!([ask("DELETE", "Location/a"), ask("DELETE", "Location/a")]);
    let error = transact(&store, twice).await.unwrap_err();
    assert_eq!((error.kind, place(&error)), (ErrorKind::Invalid, "Bundle.entry[1].request.url"));
    let id = answers(&reply)[0].subject().unwrap().1;
    let twice = json!([
        { "resource": location, "request": { "method": "PUT", "url": "Location?name=old" } },
        { "resource": { "resourceType": "Location", "id": id.as_str() }, "request": { "method": "PUT", "url": format!("Location/{id}") } },
    ]);
    assert_eq!(transact(&store, twice).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_write_that_must_make_something_new_does_not_touch_what_is_there() {
    let (_place, store) = fresh();
    let entry = json!({ "resource": { "resourceType": "Location", "id": "a" },
        "request": { "method": "PUT", "url": "Location/a", "ifNoneMatch": "*" } });
    assert_eq!(statuses(&transact(&store, json!([entry])).await.unwrap()), [201]);
    assert_eq!(transact(&store, json!([entry])).await.unwrap_err().kind, ErrorKind::VersionMismatch);
    assert_eq!(statuses(&transact(&store, json!([])).await.unwrap()), [0_u16; 0]);
}

#[tokio::test]
async fn sixty_four_transactions_at_a_time_make_one_resource_of_one_condition() {
    let (_place, store) = fresh();
    let store = Arc::new(store);
    let tasks = (0..64).map(|index| {
        let store = Arc::clone(&store);
        let entries = json!([
            post_unless("urn:uuid:a", &patient("same"), "identifier=urn:x|same"),
            post(&format!("urn:uuid:{index}"), &slot("urn:uuid:a")),
        ]);
        tokio::spawn(async move { transact(&store, entries).await.map(|reply| statuses(&reply)) })
    });
    let mut made = 0;
    for task in tasks.collect::<Vec<_>>() {
        made += usize::from(task.await.unwrap().unwrap()[0] == 201);
    }
    assert_eq!(made, 1);
    let patients = search(&store, "Patient", "identifier=urn:x|same").await.unwrap();
    let id = &ids(&patients)[..];
    assert_eq!(id.len(), 1);
    let observations =
        search(&store, "Observation", &format!("subject=Patient/{}&_total=accurate", id[0])).await.unwrap();
    assert_eq!(observations["total"], 64);
}
