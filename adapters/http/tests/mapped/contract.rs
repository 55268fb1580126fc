use std::sync::Arc;

use adapter::Adapter;
use serde_json::{Value, json};

use crate::api::{Crm, crm, settings};

async fn keeps_the_contract(crm: &Crm, more: Value) {
    let connect = || async { crm.adapter(more.clone()).await as Arc<dyn Adapter> };
    let report = adapter::contract::run(connect).await;
    assert!(report.is_kept(), "{more}: {report}");
    assert!(report.asked().count() > 20, "{report}");
}

/// The search of the settings with another paging.
fn paged(paging: Value) -> Value {
    let mut search = settings("", json!({}))["resources"]["Patient"]["search"].clone();
    search["paging"] = paging;
    json!({ "keep": "/fhir", "search": search })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_keeps_what_it_does_not_map_keeps_the_contract_with_every_way_of_paging() {
    let crm = crm().await;
    for paging in [
        json!({ "style": "page", "parameter": "page", "size": "per_page" }),
        json!({ "style": "offset", "parameter": "offset", "size": "limit" }),
        json!({ "style": "cursor", "parameter": "after", "size": "limit", "next": "/meta/next" }),
        json!({ "style": "link", "size": "limit" }),
        Value::Null,
    ] {
        keeps_the_contract(&crm, paged(paging)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_alone_keeps_the_contract_but_for_what_it_does_not_map() {
    let crm = crm().await;
    let connect = || async { crm.adapter(json!({})).await as Arc<dyn Adapter> };
    let report = adapter::contract::run(connect).await;
    let broken: Vec<&str> = report.broken().map(|finding| finding.rule).collect();
    assert_eq!(broken, ["what was created is read back unchanged outside id and meta"], "{report}");
}
