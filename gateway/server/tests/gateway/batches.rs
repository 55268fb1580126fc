//! Batches and transactions through the whole pipeline.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

/// A practice and a client of its own.
struct World {
    practice: Practice,
    token: String,
}

impl World {
    async fn open() -> Self {
        let practice = Practice::open().await;
        let token = format!("Bearer {}", practice.token("system/*.cruds").await);
        Self { practice, token }
    }

    async fn send(&self, kind: &str, entries: Value, fields: &[(&str, &str)]) -> Answer {
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let mut all = vec![("authorization", self.token.as_str()), ("content-type", "application/fhir+json")];
        all.extend(fields);
        self.practice.ask(Method::POST, "", &all, bundle.to_string()).await
    }

    async fn batch(&self, entries: Value) -> Value {
        let answer = self.send("batch", entries, &[]).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.json()
    }

    async fn get(&self, path: &str) -> Answer {
        self.practice.ask(Method::GET, path, &[("authorization", &self.token)], "").await
    }
}

fn post(kind: &str, resource: Value) -> Value {
    json!({ "resource": resource, "request": { "method": "POST", "url": kind } })
}

fn put(url: &str, resource: Value) -> Value {
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

fn get(url: &str) -> Value {
    json!({ "request": { "method": "GET", "url": url } })
}

fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true })
}

/// The first three characters of each status.
fn statuses(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect()
}

#[tokio::test]
async fn each_entry_of_a_batch_is_answered_in_its_place_and_fails_alone() {
    let world = World::open().await;
    let answered = world
        .batch(json!([
            get("Patient/a"),
            put("Patient/a", patient("a")),
            post("Patient", json!({ "resourceType": "Patient", "gender": "unheard-of" })),
            get("Patient/nobody"),
            { "request": { "method": "DELETE", "url": "Patient/none" } },
            get("Patient?_id=a"),
            { "request": { "method": "SEND", "url": "Patient/a" } },
            get("Nothing/1"),
            put("Patient/b", patient("c")),
            { "request": { "method": "PUT", "url": "Patient/a", "ifMatch": "W/\"9\"" }, "resource": patient("a") },
            { "request": { "method": "GET", "url": "Patient/a", "ifNoneMatch": "W/\"1\"" } },
            post("Patient/$validate", patient("a")),
        ]))
        .await;
    assert_eq!(answered["type"], "batch-response");
    let expected = ["200", "201", "422", "404", "204", "200", "400", "404", "400", "412", "304", "200"];
    assert_eq!(statuses(&answered), expected, "{answered:#}");
    let entries = answered["entry"].as_array().unwrap();
    let made = &entries[1];
    assert_eq!(made["response"]["location"], "Patient/a/_history/1");
    assert_eq!(made["response"]["etag"], "W/\"1\"");
    assert_eq!(made["resource"]["active"], true);
    assert!(made["response"]["lastModified"].is_string() && made["fullUrl"].as_str().unwrap().ends_with("/Patient/a"));
    assert_eq!(entries[0]["resource"]["id"], "a", "reads see what was written");
    assert_eq!(entries[5]["resource"]["entry"][0]["resource"]["id"], "a");
    assert_eq!(entries[2]["response"]["outcome"]["resourceType"], "OperationOutcome");
    assert_eq!(entries[11]["resource"]["resourceType"], "OperationOutcome");
    assert!(entries[10].get("resource").is_none());
}

#[tokio::test]
async fn prefer_holds_for_every_entry_and_xml_for_the_whole_bundle() {
    let world = World::open().await;
    let entries = || json!([put("Patient/a", patient("a")), get("Patient/a")]);
    let minimal = world.send("batch", entries(), &[("prefer", "return=minimal")]).await.json();
    assert!(minimal["entry"][0].get("resource").is_none() && minimal["entry"][1]["resource"]["id"] == "a");
    let outcome = world.send("batch", entries(), &[("prefer", "return=OperationOutcome")]).await.json();
    assert_eq!(outcome["entry"][0]["response"]["outcome"]["resourceType"], "OperationOutcome", "{outcome:#}");
    let xml = world.send("batch", entries(), &[("accept", "application/fhir+xml")]).await;
    let text = String::from_utf8(xml.body.to_vec()).unwrap();
    assert!(text.contains("<Bundle") && text.contains("<status value=\"200 OK\"/>"), "{text}");
}

#[tokio::test]
async fn a_bundle_that_cannot_be_read_is_refused_as_a_whole() {
    let world = World::open().await;
    for (entries, place) in [(json!(7), "Bundle.entry"), (json!([7]), "")] {
        let answer = world.send("batch", entries, &[]).await;
        if place.is_empty() {
            assert_eq!(statuses(&answer.json()), ["400"]);
        } else {
            assert_eq!((answer.status.as_u16(), &answer.json()["issue"][0]["expression"][0]), (400, &json!(place)));
        }
    }
    assert_eq!(world.send("collection", json!([]), &[]).await.status, 400);
    assert_eq!(world.batch(json!([])).await, json!({ "resourceType": "Bundle", "type": "batch-response" }));
}

#[tokio::test]
async fn an_entry_needs_the_scopes_of_its_own_interaction() {
    let world = World::open().await;
    let token = format!("Bearer {}", world.practice.token("system/Patient.r system/Slot.c").await);
    world.batch(json!([put("Patient/a", patient("a"))])).await;
    let narrow = World { token, ..world };
    let answered = narrow.batch(json!([get("Patient/a"), put("Patient/a", patient("a")), get("Patient?name=x")])).await;
    assert_eq!(statuses(&answered), ["200", "403", "403"], "{answered:#}");
}

#[tokio::test]
async fn a_patients_batch_reaches_that_patient_only() {
    let world = World::open().await;
    world.batch(json!([put("Patient/eve", patient("eve")), put("Patient/bob", patient("bob"))])).await;
    let granted = world.practice.token_for("launch/patient patient/*.cruds", "&patient=eve").await;
    let token = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let eve = World { token, ..world };
    let answered = eve
        .batch(json!([
            get("Patient/eve"),
            get("Patient/bob"),
            put("Patient/eve", patient("eve")),
            put("Patient/bob", patient("bob")),
            post("Patient", json!({ "resourceType": "Patient" })),
            { "request": { "method": "DELETE", "url": "Patient/bob" } },
            get("Patient?_id=bob"),
        ]))
        .await;
    assert_eq!(statuses(&answered), ["200", "404", "200", "404", "403", "404", "200"], "{answered:#}");
    assert_eq!(answered["entry"][6]["resource"]["total"], 0);
}

#[tokio::test]
async fn every_entry_is_written_down_under_the_request_that_it_came_with() {
    let world = World::open().await;
    let entries = json!([put("Patient/a", patient("a")), get("Patient/nobody")]);
    world.send("batch", entries, &[("x-request-id", "together")]).await;
    let auditor = format!("Bearer {}", world.practice.token("system/AuditEvent.rs").await);
    let auditor = World { token: auditor, ..world };
    let found = auditor.get("/AuditEvent?_count=50").await.json();
    let mut written: Vec<String> = found["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| {
            let event = &entry["resource"];
            let is_ours = event.to_string().contains("together");
            is_ours.then(|| {
                format!("{} {}", event["subtype"][0]["code"].as_str().unwrap(), event["outcome"].as_str().unwrap())
            })
        })
        .collect();
    written.sort();
    assert_eq!(written, ["batch 0", "read 4", "update 0"]);
}

#[tokio::test]
async fn metadata_offers_batches() {
    let world = World::open().await;
    let statement = world.get("/metadata").await.json();
    let codes = statement["rest"][0]["interaction"].to_string();
    assert!(codes.contains("\"batch\""), "{codes}");
}
