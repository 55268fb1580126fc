//! The contract of every adapter.

use std::sync::Arc;

use adapter::Adapter;
use adapter::contract;

use super::fresh;

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let (_folder, store) = fresh();
    let store: Arc<dyn Adapter> = Arc::new(store);
    let report = contract::run(|| {
        let store = Arc::clone(&store);
        async move { store }
    })
    .await;
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.asked().count(), report.0.len(), "the store offers all that the suite asks for\n{report}");
}
