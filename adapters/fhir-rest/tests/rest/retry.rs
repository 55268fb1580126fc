//! The rule for connections that were closed, see `client`.

use std::time::Duration;

use adapter::ErrorKind;
use serde_json::json;

use crate::raw::{Act, PATIENT, fhir, serve};
use crate::support::{adapter, create, failure, perform, read, update};

/// Answers the first request, closes the connection at the second without a byte, answers the third.
fn closes_at_the_second(number: usize) -> Act {
    if number == 1 { Act::Close } else { Act::Answer(fhir(200, PATIENT)) }
}

#[tokio::test]
async fn a_read_on_a_connection_that_closed_goes_out_again_on_a_new_one() {
    let raw = serve(|number, _| closes_at_the_second(number)).await;
    let adapter = adapter(&raw.base, json!({})).await;
    perform(&*adapter, read("1")).await.unwrap();
    perform(&*adapter, read("1")).await.unwrap();
    assert_eq!((raw.seen.requests().len(), raw.seen.connections()), (3, 2));
}

#[tokio::test]
async fn an_update_goes_out_again_only_with_its_version() {
    for (version, ends_well) in [(Some("3"), true), (None, false)] {
        let raw = serve(|number, _| closes_at_the_second(number)).await;
        let adapter = adapter(&raw.base, json!({})).await;
        perform(&*adapter, read("1")).await.unwrap();
        let result = perform(&*adapter, update("1", version)).await;
        assert_eq!(result.is_ok(), ends_well, "{version:?}");
        assert_eq!(raw.seen.requests().len(), if ends_well { 3 } else { 2 });
    }
}

#[tokio::test]
async fn a_create_that_was_written_is_never_sent_twice() {
    let raw = serve(|number, _| closes_at_the_second(number)).await;
    let adapter = adapter(&raw.base, json!({})).await;
    perform(&*adapter, read("1")).await.unwrap();
    let error = perform(&*adapter, create(PATIENT)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Broken);
    assert!(error.issues[0].text.contains("unknown"));
    assert_eq!(raw.seen.requests().len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_kept_costs_no_create() {
    let raw = serve(|_, _| Act::AnswerAndClose(fhir(200, PATIENT))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    for _ in 0..5 {
        perform(&*adapter, create(PATIENT)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((raw.seen.requests().len(), raw.seen.connections()), (5, 5));
}

#[tokio::test]
async fn a_back_end_that_closes_every_connection_is_broken_after_two_tries() {
    let raw = serve(|_, _| Act::Close).await;
    assert_eq!(failure(&*adapter(&raw.base, json!({})).await, read("1")).await, ErrorKind::Broken);
    assert_eq!(raw.seen.requests().len(), 2);
}
