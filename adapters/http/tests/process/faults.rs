use std::time::{Duration, Instant};

use adapter::{Adapter as _, Call, ErrorKind, Health};
use fhir::{Compartment, ResourceType};
use serde_json::json;

use crate::raw::{Act, Raw, response, serve};
use crate::support::{adapter, at, discovering, failure, offers_search, read, search};

const JSON: &str = "content-type: application/json\r\n";

/// A process that answers `/perform` with this, and has no capability.
async fn answering(body: &str) -> Raw {
    let body = body.to_owned();
    serve(move |_, request| match request.starts_with("POST ") {
        true => Act::Answer(response(200, JSON, &body)),
        false => Act::Answer(response(404, "", "")),
    })
    .await
}

async fn kind_of(body: &str, call: Call) -> ErrorKind {
    let raw = answering(body).await;
    failure(&*adapter(at(&raw.base)).await, call).await.kind
}

#[tokio::test]
async fn what_is_no_answer_of_the_protocol_is_a_bad_reply() {
    let deep =
        format!(r#"{{"status":"ok","resource":{{"resourceType":"Patient","id":"1","x":{}}}"#, "[".repeat(50_000));
    let nested = format!(
        r#"{{"status":"ok","resource":{{"resourceType":"Patient","id":"1","x":{}{}}}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"status":"perhaps"}"#,
        r#"{"status":"ok"}"#,
        r#"{"status":"ok","resource":{"resourceType":"Claim","id":"1"}}"#,
        r#"{"status":"ok","resource":{"resourceType":"Patient","id":"2"}}"#,
        r#"{"status":"ok","resource":{"resourceType":"Patient","id":"1","id":"2"}}"#,
        r#"{"status":"ok","resource":[1]}"#,
        r#"{"status":"ok","subject":{"id":"2"},"resource":{"resourceType":"Patient","id":"2"}}"#,
        r#"{"status":"ok","subject":{"id":"a b"},"resource":{"resourceType":"Patient","id":"1"}}"#,
        r#"{"status":"ok","lastModified":"yesterday","resource":{"resourceType":"Patient","id":"1"}}"#,
        r#"{"status":"ok","page":{"entries":[]}}"#,
        r#"{"error":{"kind":"out-of-luck"}}"#,
        deep.as_str(),
        nested.as_str(),
    ] {
        let kind = kind_of(body, read("1")).await;
        assert_eq!(kind, ErrorKind::BadReply, "{}", body.chars().take(100).collect::<String>());
    }
}

#[tokio::test]
async fn a_page_with_strangers_in_it_is_a_bad_reply() {
    for body in [
        r#"{"status":"ok","resource":{"resourceType":"Bundle"}}"#,
        r#"{"status":"ok","page":{"entries":[{"resource":{"resourceType":"Claim","id":"1"}}]}}"#,
        r#"{"status":"ok","page":{"entries":[{"resource":{"resourceType":"Patient"}}]}}"#,
        r#"{"status":"ok","page":{"entries":[{"resource":{"id":"1"}}]}}"#,
        r#"{"status":"ok","page":{"entries":[{"resource":1}]}}"#,
    ] {
        assert_eq!(kind_of(body, search("")).await, ErrorKind::BadReply, "{body}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_kind_its_issues_and_its_time_to_come_back() {
    let body = r#"{"error":{"kind":"throttled","issues":[{"text":"250 calls a minute"}],"retryAfter":99999}}"#;
    let raw = answering(body).await;
    let error = failure(&*adapter(at(&raw.base)).await, read("1")).await;
    assert_eq!((error.kind, error.retry_after), (ErrorKind::Throttled, Some(Duration::from_secs(3600))));
    assert_eq!(error.issues[0].text, "250 calls a minute");
    let silent = r#"{"error":{"kind":"conflict","issues":[{"severity":"information","text":"see above"}]}}"#;
    let raw = answering(silent).await;
    let error = failure(&*adapter(at(&raw.base)).await, read("1")).await;
    assert_eq!((error.kind, error.issues.len()), (ErrorKind::Conflict, 2));
}

#[tokio::test]
async fn a_status_speaks_of_the_process_and_not_of_the_resource() {
    for (status, kind) in [
        (301, ErrorKind::BadReply),
        (404, ErrorKind::BadReply),
        (401, ErrorKind::Credentials),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::BackEndFault),
        (503, ErrorKind::Unavailable),
    ] {
        let raw = serve(move |_, _| Act::Answer(response(status, JSON, "{}"))).await;
        assert_eq!(failure(&*adapter(at(&raw.base)).await, read("1")).await.kind, kind, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_too_late_ends() {
    let large = format!(r#"{{"status":"ok","x":"{}"}}"#, "x".repeat(4_000));
    let raw = answering(&large).await;
    let bounded = adapter(json!({ "url": raw.base, "max-reply": "1KiB" })).await;
    assert_eq!(failure(&*bounded, read("1")).await.kind, ErrorKind::TooCostly);
    let raw = serve(|_, _| Act::Hang).await;
    let begun = Instant::now();
    let call = Call { deadline: begun + Duration::from_millis(200), ..read("1") };
    assert_eq!(failure(&*adapter(at(&raw.base)).await, call).await.kind, ErrorKind::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_adapter_starts_before_its_process_and_says_that_it_is_down() {
    let adapter = adapter(at("http://127.0.0.1:1")).await;
    assert!(offers_search(&*adapter));
    assert!(matches!(adapter.health().await, Health::Down(_)));
    assert_eq!(failure(&*adapter, read("1")).await.kind, ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_capability_of_another_protocol_is_not_taken_over() {
    for statement in [
        r#"{"protocol":2,"fhirVersion":"4.0.1","rest":[{"resource":[{"type":"Claim"}]}]}"#,
        r#"{"protocol":1,"fhirVersion":"3.0.2","rest":[{"resource":[{"type":"Claim"}]}]}"#,
        r#"{"protocol":1,"fhirVersion":"4.0.1","rest":[]}"#,
        "<html>",
    ] {
        let raw = serve(move |_, _| Act::Answer(response(200, JSON, statement))).await;
        let adapter = adapter(at(&raw.base)).await;
        while raw.seen.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(adapter.capability().resources.len() > 50, "{statement}");
    }
}

#[tokio::test]
async fn a_call_says_whose_it_is_and_until_when() {
    let capability = r#"{"protocol":1,"fhirVersion":"4.0.1","rest":[{"resource":[{"type":"Patient","interaction":[{"code":"read"}]}]}]}"#;
    let raw = serve(move |_, request| match request.starts_with("GET ") {
        true => Act::Answer(response(200, JSON, capability)),
        false => Act::Answer(response(200, JSON, r#"{"error":{"kind":"not-found"}}"#)),
    })
    .await;
    let adapter = discovering(at(&raw.base)).await;
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "7".parse().unwrap() };
    let call = Call { confined_to: Some(owner), idempotency_key: Some("k".into()), ..read("1") };
    assert_eq!(failure(&*adapter, call).await.kind, ErrorKind::NotFound);
    let requests = raw.seen.requests();
    let body = requests.last().unwrap().split_once("\r\n\r\n").unwrap().1;
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(sent["interaction"], json!({ "code": "read", "type": "Patient", "id": "1" }));
    assert_eq!(
        (&sent["protocol"], &sent["practice"], &sent["fhirVersion"]),
        (&json!(1), &json!("default"), &json!("4.0.1"))
    );
    assert_eq!((&sent["confinedTo"], &sent["idempotencyKey"]), (&json!({ "type": "Patient", "id": "7" }), &json!("k")));
    assert!((1..=30_000).contains(&sent["deadline"].as_u64().unwrap()));
}
