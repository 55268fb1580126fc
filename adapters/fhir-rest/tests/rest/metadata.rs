use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use adapter::{Adapter, AdapterKind as _, Health};
use fhir::{Interaction, InteractionCode, ResourceType};
use fhir_rest::FhirRest;
use fhir_rest::settings::CapabilitySource;
use serde_json::json;

use crate::raw::{Act, PATIENT, fhir, serve};
use crate::support::{call, host, settings};

const STATEMENT: &str = r#"{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"server",
    "resource":[{"type":"Patient","interaction":[{"code":"read"},{"code":"vread"}]}]}]}"#;

async fn until(adapter: &FhirRest, holds: impl Fn(&fhir::Capability) -> bool) -> bool {
    for _ in 0..300 {
        if holds(&adapter.capability()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

fn vread(capability: &fhir::Capability) -> bool {
    capability.offers(Some(ResourceType::PATIENT), InteractionCode::Vread)
}

#[tokio::test]
async fn the_statement_is_read_in_the_background_and_again_when_it_failed() {
    let raw = serve(|number, _| if number < 2 { Act::Close } else { Act::Answer(fhir(200, STATEMENT)) }).await;
    let mut settings = settings(&raw.base, json!({ "capability-refresh": "100ms" }));
    settings.capability = CapabilitySource::Discovered;
    let adapter = FhirRest::connect(settings, host(Path::new("."))).await.unwrap();
    assert!(!vread(&adapter.capability()), "the default holds at first");
    assert!(until(&adapter, vread).await);
    assert!(!adapter.capability().offers(Some(ResourceType::SLOT), InteractionCode::Read));
}

#[tokio::test]
async fn a_statement_that_is_none_leaves_the_configured_capability() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("statement.json");
    std::fs::write(&file, STATEMENT).unwrap();
    let raw = serve(|_, _| Act::Answer(fhir(200, "{}"))).await;
    let mut settings = settings(&raw.base, json!({ "capability-refresh": "50ms", "capability-file": file }));
    settings.capability = CapabilitySource::Discovered;
    let adapter = FhirRest::connect(settings, host(Path::new("."))).await.unwrap();
    while raw.seen.requests().len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(vread(&adapter.capability()));
}

/// An adapter in front of a server that answers `/metadata` so at first, and later with a sound statement; reads always.
async fn before(first: Act, more: serde_json::Value) -> (FhirRest, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let raw = serve(move |_, request| match request.contains("/metadata") {
        true if well.load(Ordering::SeqCst) => Act::Answer(fhir(200, STATEMENT)),
        true => first.clone(),
        false => Act::Answer(fhir(200, PATIENT)),
    })
    .await;
    let mut all = json!({ "capability-refresh": "100ms", "max-reply": "64KiB" });
    all.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let mut settings = settings(&raw.base, all);
    settings.capability = CapabilitySource::Discovered;
    (FhirRest::connect(settings, host(Path::new("."))).await.unwrap(), is_well)
}

fn read() -> Interaction {
    Interaction::Read { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() }
}

/// Waits until its health says that something is wrong, in words that hold these, or that all is well.
async fn told(adapter: &FhirRest, wrong: Option<&str>) {
    let mut health = Health::Up;
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        health = adapter.health().await;
        match (&health, wrong) {
            (Health::Degraded(text), Some(wrong)) if text.contains(wrong) => return,
            (Health::Up, None) => return,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("expected {wrong:?}, found {health:?}")
}

#[tokio::test]
async fn a_statement_that_cannot_be_used_is_told_served_around_and_taken_up_when_it_is_well() {
    let huge = format!(r#"{{"resourceType":"CapabilityStatement","publisher":"{}"}}"#, "x".repeat(100 << 10));
    let other_release = STATEMENT.replace("4.0.1", "3.0.2");
    for (first, text) in [
        (Act::Answer(fhir(404, "")), "expected 200 at /metadata, found 404"),
        (Act::Answer(fhir(200, "")), "expected JSON at /metadata"),
        (Act::Answer(fhir(200, "{\"resourceType\":")), "expected JSON at /metadata"),
        (Act::Answer(fhir(200, r#"{"resourceType":"CapabilityStatement"}"#)), "names no resource type"),
        (Act::Answer(fhir(200, &huge)), "65536 bytes"),
        (Act::Answer(fhir(200, &other_release)), "a FHIR version that is not known"),
        (Act::Hang, "in time"),
    ] {
        let configured = json!({ "resources": { "Slot": { "interactions": [] } } });
        let (adapter, is_well) = before(first, configured).await;
        assert!(adapter.perform(call(read())).await.is_ok(), "{text}: what is configured is served");
        told(&adapter, Some(text)).await;
        assert!(!adapter.capability().offers(Some(ResourceType::SLOT), InteractionCode::Read));
        assert!(!vread(&adapter.capability()));
        is_well.store(true, Ordering::SeqCst);
        assert!(until(&adapter, vread).await, "{text}");
        told(&adapter, None).await;
    }
}

#[tokio::test]
async fn types_that_there_are_not_are_left_out_of_a_statement_and_told() {
    let statement = STATEMENT.replace(
        r#""resource":["#,
        r#""resource":[{"type":"Bot","interaction":[{"code":"read"}]},{"type":"Transport","interaction":[{"code":"read"}]},"#,
    );
    let (adapter, _) = before(Act::Answer(fhir(200, &statement)), json!({})).await;
    told(&adapter, Some("(Bot, Transport)")).await;
    let capability = adapter.capability();
    assert_eq!(capability.resources.keys().copied().collect::<Vec<_>>(), [ResourceType::PATIENT]);
    assert!(adapter.perform(call(read())).await.is_ok());
}

#[tokio::test]
async fn a_type_that_is_stated_and_answered_with_404_is_told_until_it_is_there() {
    let is_there = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&is_there);
    let statement = STATEMENT.replace(r#"{"code":"read"}"#, r#"{"code":"search-type"}"#);
    let found = r#"{"resourceType":"Bundle","type":"searchset"}"#;
    let raw = serve(move |_, request| match request.contains("/metadata") {
        true => Act::Answer(fhir(200, &statement)),
        false if there.load(Ordering::SeqCst) => Act::Answer(fhir(200, found)),
        false => Act::Answer(fhir(404, r#"{"resourceType":"OperationOutcome","issue":[]}"#)),
    })
    .await;
    let mut settings = settings(&raw.base, json!({}));
    settings.capability = CapabilitySource::Discovered;
    let adapter = FhirRest::connect(settings, host(Path::new("."))).await.unwrap();
    let search = || Interaction::SearchType {
        resource_type: ResourceType::PATIENT,
        compartment: None,
        query: fhir::Query::default(),
    };
    assert!(until(&adapter, vread).await);
    adapter.perform(call(search())).await.unwrap_err();
    told(&adapter, Some("it answers 404 for types that it is said to serve (Patient)")).await;
    is_there.store(true, Ordering::SeqCst);
    adapter.perform(call(search())).await.unwrap();
    told(&adapter, None).await;
}

#[tokio::test]
async fn the_task_ends_with_its_adapter() {
    let raw = serve(|_, _| Act::Answer(fhir(200, STATEMENT))).await;
    let mut settings = settings(&raw.base, json!({ "capability-refresh": "100ms" }));
    settings.capability = CapabilitySource::Discovered;
    let adapter = FhirRest::connect(settings, host(Path::new("."))).await.unwrap();
    assert!(until(&adapter, vread).await);
    drop(adapter);
    tokio::time::sleep(Duration::from_millis(150)).await;
    let asked = raw.seen.requests().len();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(raw.seen.requests().len(), asked);
}

#[tokio::test]
async fn health_asks_only_when_there_was_no_answer_for_a_while() {
    let raw = serve(|_, _| Act::Answer(fhir(200, STATEMENT))).await;
    let adapter = FhirRest::connect(settings(&raw.base, json!({})), host(Path::new("."))).await.unwrap();
    assert_eq!(adapter.health().await, Health::Up);
    assert_eq!(adapter.health().await, Health::Up);
    assert_eq!(raw.seen.requests().len(), 1);
    for status in [404, 503] {
        let raw = serve(move |_, _| Act::Answer(fhir(status, "{}"))).await;
        let adapter = FhirRest::connect(settings(&raw.base, json!({})), host(Path::new("."))).await.unwrap();
        assert!(matches!(adapter.health().await, Health::Degraded(_)), "{status}");
    }
}
