use std::time::{Duration, Instant};

use adapter::{Adapter as _, Body, ErrorKind, Health};
use serde_json::json;

use crate::raw::{Act, PATIENT, fhir, response, serve};
use crate::support::{adapter, create, failure, perform, read, search, update};

/// How a read ends before a server that always does the same.
async fn read_before(act: Act, more: serde_json::Value) -> ErrorKind {
    let raw = serve(move |_, _| act.clone()).await;
    failure(&*adapter(&raw.base, more).await, read("1")).await
}

#[tokio::test]
async fn a_back_end_that_is_down_is_unreachable_and_the_adapter_starts_all_the_same() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let adapter = adapter(&format!("http://127.0.0.1:{port}/fhir"), json!({})).await;
    assert_eq!(failure(&*adapter, read("1")).await, ErrorKind::Unreachable);
    assert_eq!(failure(&*adapter, create(PATIENT)).await, ErrorKind::Unreachable);
    assert!(matches!(adapter.health().await, Health::Down(_)));
}

#[tokio::test]
async fn a_back_end_that_is_slow_ends_at_the_deadline() {
    let raw = serve(|_, _| Act::Hang).await;
    let adapter = adapter(&raw.base, json!({})).await;
    let mut call = read("1");
    call.deadline = Instant::now() + Duration::from_millis(100);
    let started = Instant::now();
    assert_eq!(failure(&*adapter, call).await, ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_body_that_is_cut_is_an_error_and_never_a_shorter_document() {
    let cut = |text: String| Act::AnswerAndClose(text.into_bytes());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\n";
    let long = format!("{}{}", &PATIENT[..PATIENT.len() - 1], r#","x":"y""#);
    for act in [
        cut(format!("{head}content-length: 500\r\n\r\n{PATIENT}")),
        cut(format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{PATIENT}\r\n", PATIENT.len())),
        // No length at all: only the JSON says that it is not whole.
        cut(format!("{head}connection: close\r\n\r\n{long}")),
    ] {
        for more in [json!({}), json!({ "stream-from": "8B" })] {
            assert_eq!(read_before(act.clone(), more).await, ErrorKind::Broken);
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_to_what_was_asked_is_a_bad_reply() {
    let other = r#"{"resourceType":"Patient","id":"2"}"#;
    let coded = "content-type: application/fhir+json\r\ncontent-encoding: gzip\r\n";
    for bytes in [
        response(200, "content-type: text/html\r\n", "<html>welcome</html>"),
        response(200, "", PATIENT),
        response(200, coded, PATIENT),
        fhir(200, "<Patient/>"),
        fhir(200, "[]"),
        fhir(200, "{}{}"),
        fhir(200, r#"{"resourceType":"Slot","id":"1"}"#),
        fhir(200, other),
        fhir(304, ""),
        fhir(206, PATIENT),
        b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(read_before(Act::AnswerAndClose(bytes), json!({})).await, ErrorKind::BadReply, "{shown}");
    }
}

#[tokio::test]
async fn another_resource_is_noticed_in_a_stream_too() {
    let text = format!(r#"{{"resourceType":"Patient","text":"{}","id":"2"}}"#, "x".repeat(400));
    let raw = serve(move |_, _| Act::Answer(fhir(200, &text))).await;
    let adapter = adapter(&raw.base, json!({ "stream-from": "64B" })).await;
    assert_eq!(failure(&*adapter, read("1")).await, ErrorKind::BadReply);
}

#[tokio::test]
async fn an_error_page_is_never_passed_on() {
    let page = "<html>Everywoman, born 1970</html>";
    for (status, kind) in [(404, ErrorKind::BadReply), (500, ErrorKind::BackEndFault), (502, ErrorKind::Unavailable)] {
        let raw = serve(move |_, _| Act::Answer(response(status, "content-type: text/html\r\n", page))).await;
        let error = perform(&*adapter(&raw.base, json!({})).await, read("1")).await.unwrap_err();
        assert_eq!(error.kind, kind);
        let shown = format!("{error:?} {}", error.issues[0].text);
        assert!(!shown.contains("Everywoman"), "{shown}");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let raw = serve(|_, _| Act::Answer(response(302, "location: http://127.0.0.1:1/\r\n", ""))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    assert_eq!(failure(&*adapter, read("1")).await, ErrorKind::BadReply);
    assert_eq!(raw.seen.requests().len(), 1);
}

#[tokio::test]
async fn a_reply_that_must_be_held_is_bounded() {
    let bundle = format!(r#"{{"resourceType":"Bundle","id":"{}"}}"#, "x".repeat(4000));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{bundle}\r\n0\r\n\r\n",
        bundle.len()
    );
    for bytes in [fhir(200, &bundle), chunked.into_bytes()] {
        let raw = serve(move |_, _| Act::Answer(bytes.clone())).await;
        let adapter = adapter(&raw.base, json!({ "max-reply": "1KiB" })).await;
        assert_eq!(failure(&*adapter, search("")).await, ErrorKind::TooCostly);
    }
}

#[tokio::test]
async fn a_large_resource_is_streamed_and_a_small_one_is_held() {
    let large = format!(r#"{{"resourceType":"Patient","id":"1","text":"{}"}}"#, "x".repeat(300_000));
    let expected = large.clone();
    let raw = serve(move |number, _| Act::Answer(fhir(200, if number == 0 { PATIENT } else { &large }))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    let reply = adapter.perform(read("1")).await.unwrap();
    assert!(matches!(reply.body, Body::Bytes(_)));
    let reply = adapter.perform(read("1")).await.unwrap();
    assert!(matches!(reply.body, Body::Stream(..)));
    assert_eq!(crate::support::whole(reply).await.unwrap(), expected.as_bytes());
}

#[tokio::test]
async fn a_refusal_keeps_its_issues_and_its_time_to_come_back() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"throttled",
        "details":{"text":"250 calls a minute"}}]}"#;
    let fields = "content-type: application/fhir+json\r\nretry-after: 7\r\n";
    let raw = serve(move |_, _| Act::Answer(response(429, fields, outcome))).await;
    let error = perform(&*adapter(&raw.base, json!({})).await, read("1")).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (ErrorKind::Throttled, Some(Duration::from_secs(7))));
    assert_eq!(error.issues[0].text, "250 calls a minute");
}

#[tokio::test]
async fn a_409_to_a_version_is_a_stale_version_and_to_anything_else_a_conflict() {
    let raw = serve(|_, _| Act::Answer(response(409, "", ""))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    assert_eq!(failure(&*adapter, update("1", Some("1"))).await, ErrorKind::VersionMismatch);
    assert_eq!(failure(&*adapter, update("1", None)).await, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_write_that_is_answered_with_an_outcome_or_nothing_leaves_the_body_empty() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational",
        "diagnostics":"created"}]}"#;
    let fields = "location: Patient/9/_history/4\r\ncontent-type: application/fhir+json\r\n";
    for body in [outcome, ""] {
        let raw = serve(move |_, _| Act::Answer(response(201, fields, body))).await;
        let reply = adapter(&raw.base, json!({})).await.perform(create(PATIENT)).await.unwrap();
        assert!(matches!(reply.body, Body::Empty));
        let subject = reply.subject.unwrap();
        assert_eq!((subject.id.as_str(), subject.version_id.unwrap().as_str()), ("9", "4"));
        assert_eq!(reply.issues.len(), usize::from(!body.is_empty()));
    }
}
