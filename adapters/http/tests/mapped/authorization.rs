use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapter::{Adapter as _, AdapterKind as _, ErrorKind};
use http_json::mapped::JsonApi;
use serde_json::{Value, json};

use crate::api::{adapter, read, settings};
use crate::raw::{Act, Raw, response, serve};

const JSON: &str = "content-type: application/json\r\n";

/// An API that takes what `good` says, with an authorization server at `/token` whose tokens are numbered.
async fn guarded(good: &'static str) -> (Raw, Arc<AtomicUsize>) {
    let issued = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&issued);
    let raw = serve(move |_, request| {
        if request.starts_with("POST /token ") {
            // `a:b` is written `a%3Ab` before it becomes a user (RFC 6749 2.3.1); Basic `a%3Ab:s3cret`.
            assert!(request.contains("authorization: Basic YSUzQWI6czNjcmV0"), "{request}");
            assert!(request.ends_with("grant_type=client_credentials&scope=records"), "{request}");
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":300}}"#);
            return Act::Answer(response(200, JSON, &token));
        }
        match request.contains(&format!("authorization: {good}\r\n")) {
            true => Act::Answer(response(200, JSON, r#"{"data":{"id":1}}"#)),
            false => Act::Answer(response(401, JSON, "{}")),
        }
    })
    .await;
    (raw, issued)
}

fn secret() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret").unwrap();
    file
}

fn with(base: &str, name: &str, value: Value) -> Value {
    let mut settings = settings(base, json!({}));
    settings[name] = value;
    settings
}

#[tokio::test]
async fn a_token_is_had_by_a_client_secret_and_once_more_when_it_is_refused() {
    let file = secret();
    let (raw, issued) = guarded("Bearer t2").await;
    let token_url = raw.base.replace("/fhir", "/token");
    let oauth = json!({ "token-url": token_url, "client-id": "a:b", "client-secret": { "file": file.path() }, "scope": "records" });
    let adapter = adapter(with(&raw.base, "oauth", oauth)).await;
    for _ in 0..3 {
        adapter.perform(read(&"1".parse().unwrap())).await.unwrap();
    }
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_user_and_a_password_are_sent_as_basic() {
    let file = secret();
    let (raw, _) = guarded("Basic ZGVzazpzM2NyZXQ=").await;
    let basic = json!({ "user": "desk", "password": { "file": file.path() } });
    adapter(with(&raw.base, "basic", basic)).await.perform(read(&"1".parse().unwrap())).await.unwrap();
    let error = adapter(settings(&raw.base, json!({}))).await.perform(read(&"1".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials);
}

#[test]
fn two_ways_to_authorize_are_one_too_many() {
    let mut two = with("http://127.0.0.1:1", "basic", json!({ "user": "desk", "password": { "env": "PASSWORD" } }));
    two["header"] = json!({ "value": { "env": "HEADER" } });
    let faults = JsonApi::faults(&serde_json::from_value(two).unwrap());
    assert!(faults.iter().any(|fault| fault.message.contains("authorize")), "{faults:?}");
}
