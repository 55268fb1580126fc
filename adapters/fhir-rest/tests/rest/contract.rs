use std::path::Path;
use std::sync::Arc;

use adapter::{Adapter, AdapterKind as _};
use fhir::{InteractionCode, ResourceType};
use fhir_rest::FhirRest;
use serde_json::json;

use crate::server;
use crate::support::{host, settings};

/// An adapter that has read the statement of the server behind it.
async fn discovering(base: &str, more: serde_json::Value) -> Arc<dyn Adapter> {
    let mut settings = settings(base, more);
    settings.capability = fhir_rest::settings::CapabilitySource::Discovered;
    let adapter = FhirRest::connect(settings, host(Path::new("."))).await.unwrap();
    for _ in 0..500 {
        if adapter.capability().offers(Some(ResourceType::PATIENT), InteractionCode::Vread) {
            return Arc::new(adapter);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the capability was not read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_of_an_adapter_is_kept() {
    let server = server::start().await;
    for more in [json!({}), json!({ "search-by-post": true, "stream-from": "16B" })] {
        let report = adapter::contract::run(|| discovering(&server.base, more.clone())).await;
        assert!(report.is_kept(), "{report}");
        assert!(report.asked().count() > 20, "{report}");
    }
}
