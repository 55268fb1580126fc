use std::path::Path;
use std::time::Duration;

use adapter::{Adapter, AdapterKind as _, Health};
use fhir::{InteractionCode, ResourceType};
use fhir_rest::FhirRest;
use fhir_rest::settings::CapabilitySource;
use serde_json::json;

use crate::raw::{Act, fhir, serve};
use crate::support::{host, settings};

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
