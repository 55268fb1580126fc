//! What every adapter must do, asked of a federation of two.

use super::*;

#[tokio::test]
async fn a_federation_of_two_stores_keeps_the_contract_of_adapters() {
    let report = adapter::contract::run(|| async { Arc::new(two().await.both) as Arc<dyn Adapter> }).await;
    assert!(report.is_kept(), "{report}");
    assert!(report.asked().count() > 25, "{report}");
}
