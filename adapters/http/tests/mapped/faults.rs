use std::time::{Duration, Instant};

use adapter::{Adapter as _, Call, ErrorKind};
use serde_json::json;

use crate::api::{adapter, create, read, search, settings};
use crate::raw::{Act, response, serve};

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn what_is_no_record_is_a_bad_reply() {
    let deep = format!(r#"{{"data":{{"id":"1","x":{}"#, "[".repeat(100_000));
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":{"id":"a b"}}"#,
        r#"{"data":{"id":"2"}}"#,
        r#"{"data":{"id":"1","id":"1"}}"#,
        r#"{"data":[1]}"#,
        &deep,
    ] {
        let answer = response(200, JSON, body);
        let raw = serve(move |_, _| Act::Answer(answer.clone())).await;
        let adapter = adapter(settings(&raw.base, json!({}))).await;
        let short: String = body.chars().take(60).collect();
        let error = adapter.perform(read(&"1".parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadReply, "{short}");
        let error = adapter.perform(search("")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadReply, "{short}");
    }
}

#[tokio::test]
async fn a_create_whose_answer_names_no_id_is_not_called_done() {
    let raw = serve(|_, _| Act::Answer(response(201, JSON, "{}"))).await;
    let adapter = adapter(settings(&raw.base, json!({}))).await;
    let error = adapter.perform(create(r#"{"resourceType":"Patient"}"#)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadReply);
}

#[tokio::test]
async fn an_id_of_a_new_record_is_found_in_location_too() {
    let raw = serve(|_, _| Act::Answer(response(201, "location: /fhir/people/77\r\n", ""))).await;
    let adapter = adapter(settings(&raw.base, json!({}))).await;
    let reply = adapter.perform(create(r#"{"resourceType":"Patient"}"#)).await.unwrap();
    assert_eq!(reply.subject.unwrap().id.as_str(), "77");
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_too_late_ends_and_a_redirect_is_not_followed() {
    let raw = serve(|_, _| Act::Answer(response(200, JSON, &format!(r#"{{"x":"{}"}}"#, "x".repeat(4_000))))).await;
    let mut small = settings(&raw.base, json!({}));
    small["max-reply"] = json!("1KiB");
    let error = adapter(small).await.perform(read(&"1".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooCostly);
    let raw = serve(|_, _| Act::Hang).await;
    let begun = Instant::now();
    let call = Call { deadline: begun + Duration::from_millis(200), ..read(&"1".parse().unwrap()) };
    let error = adapter(settings(&raw.base, json!({}))).await.perform(call).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(2));
    let raw = serve(|_, _| Act::Answer(response(302, "location: http://127.0.0.1:1/\r\n", ""))).await;
    let error = adapter(settings(&raw.base, json!({}))).await.perform(read(&"1".parse().unwrap())).await.unwrap_err();
    assert_eq!((error.kind, raw.seen.requests().len()), (ErrorKind::BadReply, 1));
}

#[tokio::test]
async fn a_configured_kind_stands_above_the_usual_one() {
    let raw = serve(|_, _| Act::Answer(response(418, JSON, r#"{"error":{"message":"short and stout"}}"#))).await;
    let mut teapot = settings(&raw.base, json!({}));
    teapot["errors"]["kinds"] = json!({ "418": "locked" });
    let error = adapter(teapot).await.perform(read(&"1".parse().unwrap())).await.unwrap_err();
    assert_eq!((error.kind, error.issues[0].text.as_str()), (ErrorKind::Locked, "short and stout"));
}
