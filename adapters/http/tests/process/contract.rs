use std::sync::Arc;

use adapter::contract::alone;
use adapter::{Adapter, Body, ErrorKind, Health};
use fhir::{Interaction, Resource, ResourceType, Version};
use serde_json::json;

use crate::support::{adapter, billing, discovering, failure, read};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_python_keeps_the_contract_of_an_adapter() {
    let billing = billing("").await;
    let connect = || async { discovering(json!({ "url": billing.url })).await as Arc<dyn Adapter> };
    let report = adapter::contract::run(connect).await;
    assert!(report.is_kept(), "{report}");
    assert!(report.asked().count() > 24, "{report}");
}

#[tokio::test]
async fn a_resource_comes_back_byte_for_byte_where_the_process_keeps_it_so() {
    let billing = billing("").await;
    let adapter = discovering(json!({ "url": billing.url })).await;
    let claim = r#"{"resourceType":"Claim","total":{"value":1.50}}"#;
    let resource = Resource::new(ResourceType::CLAIM, Version::R4, claim);
    let created = adapter.perform(alone::call(Interaction::Create { resource, if_none_exist: None })).await.unwrap();
    let Body::Bytes(bytes) = created.body else { panic!("expected a body") };
    assert!(String::from_utf8_lossy(&bytes).contains("1.50"));
}

#[tokio::test]
async fn a_process_with_a_secret_serves_only_who_knows_it() {
    let billing = billing("s3cret").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "s3cret\n").unwrap();
    let knowing = discovering(json!({ "url": billing.url, "secret": { "file": path } })).await;
    assert_eq!(failure(&*knowing, read("none")).await.kind, ErrorKind::NotFound);
    assert_eq!(knowing.health().await, Health::Up);
    let stranger = adapter(json!({ "url": billing.url })).await;
    assert_eq!(failure(&*stranger, read("none")).await.kind, ErrorKind::Credentials);
    assert!(matches!(stranger.health().await, Health::Down(_)));
}
