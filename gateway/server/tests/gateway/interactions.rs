//! The main job: a client authenticates, reads and writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use crate::harness::Practice;

const PATIENT: &str = r#"{"resourceType":"Patient","active":true,"name":[{"family":"Everywoman","given":["Eve"]}]}"#;

#[tokio::test]
async fn a_patient_is_created_read_changed_found_and_deleted() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let made = practice.ask(Method::POST, "/Patient", &fields, PATIENT).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    assert_eq!(made.field("etag"), "W/\"1\"");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.field("location"), format!("{}/Patient/{id}/_history/1", practice.gateway.base()));

    let path = format!("/Patient/{id}");
    let read = practice.ask(Method::GET, &path, &fields, "").await;
    assert_eq!((read.status.as_u16(), &read.body), (200, &made.body));
    assert!(!read.field("last-modified").is_empty());

    let changed = PATIENT.replacen('{', &format!("{{\"id\":\"{id}\","), 1);
    let stale = [fields[0], fields[1], ("if-match", "W/\"9\"")];
    assert_eq!(practice.ask(Method::PUT, &path, &stale, changed.clone()).await.status, 412);
    let current = [fields[0], fields[1], ("if-match", "W/\"1\"")];
    let updated = practice.ask(Method::PUT, &path, &current, changed).await;
    assert_eq!((updated.status.as_u16(), updated.field("etag")), (200, "W/\"2\""));

    let found = practice.ask(Method::GET, "/Patient?family=Everywoman", &fields, "").await;
    assert_eq!(found.json()["entry"][0]["resource"]["id"], id, "{:?}", found.json());

    assert_eq!(practice.ask(Method::DELETE, &path, &fields, "").await.status, 204);
    assert_eq!(practice.ask(Method::GET, &path, &fields, "").await.status, 410);
    assert!(practice.gateway.shutdown().await);
}

#[tokio::test]
async fn the_condition_of_a_create_is_written_down_with_it() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let condition = ("if-none-exist", "identifier=urn:x|1");
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json"), condition];
    assert_eq!(practice.ask(Method::POST, "/Patient", &fields, PATIENT).await.status, 201);
    let auditor = format!("Bearer {}", practice.token("system/AuditEvent.rs").await);
    let found =
        practice.ask(Method::GET, "/AuditEvent?subtype=create", &[("authorization", &auditor)], "").await.json();
    let entities = found["entry"][0]["resource"]["entity"].as_array().unwrap().clone();
    let request = entities.iter().find_map(|entity| entity["detail"][0]["valueBase64Binary"].as_str()).unwrap();
    let request = String::from_utf8(STANDARD.decode(request).unwrap()).unwrap();
    assert_eq!(request, "POST /fhir/r4/Patient\r\nIf-None-Exist: identifier=urn%3Ax%7C1");
}

#[tokio::test]
async fn without_a_token_only_discovery_metadata_and_keys_are_open() {
    let practice = Practice::open().await;
    let refused = practice.get("/Patient/1").await;
    assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (401, "login"));
    assert!(refused.field("www-authenticate").starts_with("Bearer"));
    let statement = practice.get("/metadata").await;
    assert_eq!(statement.json()["resourceType"], "CapabilityStatement");
    assert_eq!(statement.json()["fhirVersion"], "4.0.1");
    let document = practice.get("/.well-known/smart-configuration").await;
    let endpoint = document.json()["token_endpoint"].as_str().unwrap().to_owned();
    assert_eq!(endpoint, format!("http://{}/auth/token", practice.gateway.address()));
    let keys = practice.get(&format!("http://{}/auth/jwks", practice.gateway.address())).await;
    assert!(keys.json()["keys"].is_array());
    assert_eq!(practice.get("/Nothing/1").await.status, 404);
}

#[tokio::test]
async fn whoever_is_known_and_refused_is_written_down_and_a_stranger_is_not() {
    let practice = Practice::open().await;
    let events = || practice.gateway.pipeline().audit.clone();
    practice.get("/Patient/1").await;
    let token = format!("Bearer {}", practice.token("system/Location.r").await);
    let refused = practice.ask(Method::GET, "/Patient/1", &[("authorization", token.as_str())], "").await;
    assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (403, "forbidden"));
    let audit = events();
    tokio::task::spawn_blocking(move || audit.flush(std::time::Duration::from_secs(2))).await.unwrap().unwrap();
    assert_eq!(events().size().1, 1);
}
