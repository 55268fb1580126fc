//! Transactions through the whole pipeline, over the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::{Adapter, Call, Error, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, Version};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

async fn token(practice: &Practice, scope: &str) -> String {
    format!("Bearer {}", practice.token(scope).await)
}

async fn send(practice: &Practice, token: &str, entries: &Value, fields: &[(&str, &str)]) -> Answer {
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let mut all = vec![("authorization", token), ("content-type", "application/fhir+json")];
    all.extend(fields);
    practice.ask(Method::POST, "", &all, bundle.to_string()).await
}

fn put(url: &str, resource: Value) -> Value {
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true })
}

fn statuses(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect()
}

fn places(outcome: &Value) -> Vec<String> {
    let issues = outcome["issue"].as_array().cloned().unwrap_or_default();
    issues.iter().map(|issue| issue["expression"][0].as_str().unwrap_or_default().to_owned()).collect()
}

fn note(url: &str) -> Value {
    json!({
        "fullUrl": "urn:uuid:0f2e5a5c-0000-4000-8000-000000000002",
        "resource": { "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": { "reference": url } },
        "request": { "method": "POST", "url": "Observation" },
    })
}

const NAME: &str = "urn:uuid:0f2e5a5c-0000-4000-8000-000000000001";

#[tokio::test]
async fn a_transaction_is_answered_in_the_order_of_its_entries_with_references_resolved() {
    let practice = Practice::open().await;
    let token = token(&practice, "system/*.cruds").await;
    let entries = json!([
        note(NAME),
        { "fullUrl": NAME, "resource": { "resourceType": "Patient", "active": true },
          "request": { "method": "POST", "url": "Patient" } },
        { "request": { "method": "GET", "url": "Observation?status=final" } },
    ]);
    let answer = send(&practice, &token, &entries, &[("x-request-id", "together")]).await;
    assert_eq!(answer.status, 200, "{:#}", answer.json());
    let bundle = answer.json();
    assert_eq!(
        (&bundle["type"], statuses(&bundle)),
        (&json!("transaction-response"), vec!["201".into(), "201".into(), "200".into()])
    );
    let location = bundle["entry"][1]["response"]["location"].as_str().unwrap().to_owned();
    let patient = location.split("/_history/").next().unwrap();
    assert_eq!(bundle["entry"][0]["resource"]["subject"]["reference"], patient);
    assert_eq!(bundle["entry"][2]["resource"]["total"], 1);
    let minimal = send(&practice, &token, &entries, &[("prefer", "return=minimal")]).await.json();
    assert!(minimal["entry"][0].get("resource").is_none() && minimal["entry"][2].get("resource").is_some());

    let auditor = format!("Bearer {}", practice.token("system/AuditEvent.rs").await);
    let found = practice.ask(Method::GET, "/AuditEvent?_count=50", &[("authorization", &auditor)], "").await.json();
    let events = found["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
    let ours = events.filter(|event| event.to_string().contains("together"));
    let mut written: Vec<&str> = ours.map(|event| event["subtype"][0]["code"].as_str().unwrap()).collect();
    written.sort_unstable();
    assert_eq!(written, ["create", "create", "search-type", "transaction"]);
}

#[tokio::test]
async fn everything_wrong_with_any_entry_is_told_at_once_and_nothing_is_sent() {
    let practice = Practice::open().await;
    let token = token(&practice, "system/*.cruds").await;
    let entries = json!([
        put("Patient/a", patient("a")),
        put("Patient/b", json!({ "resourceType": "Patient", "id": "b", "birthDate": "yesterday" })),
        put("Patient/c", json!({ "resourceType": "Patient", "id": "c", "unheard": 1 })),
    ]);
    let answer = send(&practice, &token, &entries, &[]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(places(&answer.json()), ["Bundle.entry[1].resource.birthDate", "Bundle.entry[2].resource.unheard"]);
    let stale =
        json!({ "resource": patient("d"), "request": { "method": "PUT", "url": "Patient/d", "ifMatch": "W/\"3\"" } });
    let answer = send(&practice, &token, &json!([put("Patient/a", patient("a")), stale]), &[]).await;
    assert_eq!((answer.status.as_u16(), places(&answer.json())), (412, vec!["Bundle.entry[1]".to_owned()]));
    let twice = json!([put("Patient/a", patient("a")), put("Patient/a", patient("a"))]);
    assert_eq!(send(&practice, &token, &twice, &[]).await.status, 400);
    let read = practice.ask(Method::GET, "/Patient/a", &[("authorization", &token)], "").await;
    assert_eq!(read.status, 404, "nothing is left of it");
    let narrow = self::token(&practice, "system/Patient.cruds").await;
    let denied = send(&practice, &narrow, &json!([put("Patient/a", patient("a")), note("Patient/a")]), &[]).await;
    assert_eq!((denied.status.as_u16(), places(&denied.json())), (403, vec!["Bundle.entry[1]".to_owned()]));
}

/// A back end for slots that performs no transactions.
struct Scheduler;

#[async_trait::async_trait]
impl Adapter for Scheduler {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let interactions = [InteractionCode::Read, InteractionCode::Delete].into();
        let slot = ResourceCapability { interactions, ..ResourceCapability::default() };
        capability.resources.insert("Slot".parse().unwrap(), slot);
        Arc::new(capability)
    }

    async fn perform(&self, _: Call) -> Result<Reply, Error> {
        Ok(Reply::new(Status::NoContent))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn entries_that_lead_to_several_back_ends_are_refused_with_their_names() {
    let adapters: BTreeMap<String, Arc<dyn Adapter>> = [("scheduler".to_owned(), Arc::new(Scheduler) as _)].into();
    let practice = Practice::around("", adapters).await;
    let token = token(&practice, "system/*.cruds").await;
    let delete = json!({ "request": { "method": "DELETE", "url": "Slot/1" } });
    let answer = send(&practice, &token, &json!([put("Patient/a", patient("a")), delete]), &[]).await;
    let text = answer.json().to_string();
    assert_eq!(answer.status, 422, "{text}");
    assert!(text.contains("entry[1] lead to `scheduler`") && text.contains("entry[0] lead to `store`"), "{text}");
    let alone = send(&practice, &token, &json!([delete]), &[]).await;
    assert_eq!(alone.status, 422);
    assert!(alone.json().to_string().contains("`scheduler` performs no transactions"));
    let statement = practice.ask(Method::GET, "/metadata", &[], "").await.json();
    assert!(statement["rest"][0]["interaction"].to_string().contains("\"transaction\""));
}

#[tokio::test]
async fn a_patients_transaction_changes_that_patients_data_only() {
    let practice = Practice::open().await;
    let system = token(&practice, "system/*.cruds").await;
    let both = json!([put("Patient/eve", patient("eve")), put("Patient/bob", patient("bob"))]);
    assert_eq!(send(&practice, &system, &both, &[]).await.status, 200);
    let granted = practice.token_for("launch/patient patient/*.cruds", "&patient=eve").await;
    let eve = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let own = json!([
        put("Patient/eve", patient("eve")),
        note("Patient/eve"),
        { "request": { "method": "GET", "url": "Patient/eve" } },
    ]);
    let answer = send(&practice, &eve, &own, &[]).await;
    assert_eq!(answer.status, 200, "{:#}", answer.json());
    assert_eq!(statuses(&answer.json()), ["200", "201", "200"]);
    for (others, status) in [
        // As a read of what never was: the whole of it fails.
        (json!({ "request": { "method": "GET", "url": "Patient/bob" } }), 404),
        (json!({ "request": { "method": "GET", "url": "Patient/nobody" } }), 404),
        (put("Patient/bob", patient("bob")), 404),
        (note("Patient/bob"), 403),
        (json!({ "request": { "method": "DELETE", "url": "Patient/bob" } }), 404),
        (note("Patient?_id=bob"), 403),
    ] {
        let answer = send(&practice, &eve, &json!([put("Patient/eve", patient("eve")), others]), &[]).await;
        assert_eq!(answer.status, status, "{:#}", answer.json());
    }
    let kept = practice.ask(Method::GET, "/Patient/eve", &[("authorization", &system)], "").await;
    assert_eq!(kept.field("etag"), "W/\"2\"", "only the transaction that was permitted as a whole wrote");
}

#[tokio::test]
async fn what_a_transaction_refers_to_by_a_condition_must_be_open_to_a_search_of_its_token() {
    let practice = Practice::open().await;
    let all = token(&practice, "system/*.cruds").await;
    assert_eq!(send(&practice, &all, &json!([put("Patient/eve", patient("eve"))]), &[]).await.status, 200);
    let entries = json!([note("Patient?_id=eve")]);
    let narrow = token(&practice, "system/Observation.cruds").await;
    let refused = send(&practice, &narrow, &entries, &[]).await;
    assert_eq!(refused.status, 403, "{:?}", refused.json());
    assert_eq!(places(&refused.json()), ["Bundle.entry[0]"]);
    let absent = send(&practice, &narrow, &json!([note("Patient?_id=nobody")]), &[]).await;
    assert_eq!(absent.json(), refused.json(), "what is there and what is not are refused in the same words");
    let wider = token(&practice, "system/Observation.cruds system/Patient.s").await;
    assert_eq!(statuses(&send(&practice, &wider, &entries, &[]).await.json()), ["201"]);
}

#[tokio::test]
async fn a_patch_in_a_transaction_is_done_with_the_rest_or_not_at_all() {
    let practice = Practice::open().await;
    let token = token(&practice, "system/*.cruds").await;
    send(&practice, &token, &json!([put("Patient/eve", patient("eve"))]), &[]).await;
    let patch = json!({
        "resource": { "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Patient.active" },
            { "name": "value", "valueBoolean": false } ] }] },
        "request": { "method": "PATCH", "url": "Patient/eve" },
    });
    let stale = json!({ "resource": patient("adam"), "request": { "method": "PUT", "url": "Patient/adam", "ifMatch": "W/\"7\"" } });
    let failed = send(&practice, &token, &json!([patch.clone(), stale]), &[]).await;
    assert_eq!(failed.status, 412, "{:?}", failed.json());
    let is_active = || async {
        let read = practice.ask(Method::GET, "/Patient/eve", &[("authorization", &token)], String::new()).await;
        read.json()["active"].clone()
    };
    assert_eq!(is_active().await, json!(true), "nothing is done");
    let done = send(&practice, &token, &json!([patch, put("Patient/adam", patient("adam"))]), &[]).await;
    assert_eq!(statuses(&done.json()), ["200", "201"], "{:?}", done.json());
    assert_eq!(is_active().await, json!(false));
}
