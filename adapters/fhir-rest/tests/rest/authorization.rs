use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adapter::{AdapterKind as _, ErrorKind};
use fhir_rest::FhirRest;
use serde_json::{Value, json};

use crate::raw::{Act, PATIENT, Raw, fhir, response, serve};
use crate::support::{adapter, create, failure, host, perform, read, settings};

/// A P-384 key in a file.
fn key() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    std::fs::write(&path, key.serialize_pem()).unwrap();
    (folder, path)
}

fn smart(key: &PathBuf) -> Value {
    json!({ "smart": {
        "client-id": "frontdesk", "key": { "file": key }, "algorithm": "ES384", "key-id": "k1", "scope": "system/*.rs",
    } })
}

/// A back end that discovers, issues and checks tokens: `good` says which token number it takes.
async fn server(lifetime: u64, good: impl Fn(usize) -> bool + Send + Sync + 'static) -> (Raw, Arc<AtomicUsize>) {
    let issued = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&issued);
    let raw = serve(move |_, request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        if request.starts_with("GET /fhir/.well-known/smart-configuration ") {
            return Act::Answer(fhir(200, &format!(r#"{{"token_endpoint":"http://{host}/token"}}"#)));
        }
        if request.starts_with("POST /token ") {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":{lifetime}}}"#);
            return Act::Answer(response(200, "content-type: application/json\r\n", &token));
        }
        let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer t"));
        match token.and_then(|number| number.parse().ok()).is_some_and(&good) {
            true => Act::Answer(fhir(200, PATIENT)),
            false => Act::Answer(response(401, "", "")),
        }
    })
    .await;
    (raw, issued)
}

#[tokio::test]
async fn a_token_is_had_by_a_signed_assertion_once_for_many_calls() {
    let (raw, issued) = server(300, |_| true).await;
    let (_folder, key) = key();
    let adapter = adapter(&raw.base, smart(&key)).await;
    let calls = (0..20).map(|_| perform(&*adapter, read("1")));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(issued.load(Ordering::SeqCst), 1);
    let asked = raw.seen.requests().into_iter().find(|request| request.starts_with("POST /token ")).unwrap();
    let form = fhir::Query::parse(asked.split_once("\r\n\r\n").unwrap().1);
    assert_eq!(form.first("grant_type"), Some("client_credentials"));
    assert_eq!(form.first("scope"), Some("system/*.rs"));
    let assertion = form.first("client_assertion").unwrap();
    let header = jsonwebtoken::decode_header(assertion).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (jsonwebtoken::Algorithm::ES384, Some("k1")));
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(assertion).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("frontdesk"), &json!("frontdesk")));
    assert!(claims["aud"].as_str().unwrap().ends_with("/token"));
    assert!(claims["jti"].as_str().unwrap().len() > 20);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_also_for_a_create() {
    let (raw, issued) = server(300, |number| number == 2).await;
    let (_folder, key) = key();
    let adapter = adapter(&raw.base, smart(&key)).await;
    perform(&*adapter, create(PATIENT)).await.unwrap();
    perform(&*adapter, read("1")).await.unwrap();
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_back_end_that_takes_no_token_is_asked_twice_and_not_more() {
    let (raw, issued) = server(300, |_| false).await;
    let (_folder, key) = key();
    let adapter = adapter(&raw.base, smart(&key)).await;
    assert_eq!(failure(&*adapter, read("1")).await, ErrorKind::Credentials);
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_it_expires() {
    let (raw, issued) = server(1, |_| true).await;
    let (_folder, key) = key();
    let adapter = adapter(&raw.base, smart(&key)).await;
    perform(&*adapter, read("1")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(950)).await;
    perform(&*adapter, read("1")).await.unwrap();
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_authorization_server_that_refuses_is_asked_once_for_a_crowd_of_calls() {
    let raw = serve(|_, request| match request.starts_with("GET") {
        true => Act::Answer(fhir(200, r#"{"token_endpoint":"http://127.0.0.1:1/never"}"#)),
        false => Act::Close,
    })
    .await;
    let (_folder, key) = key();
    let mut settings = smart(&key);
    settings["smart"]["token-url"] = json!(format!("{}/token", raw.base));
    let adapter = adapter(&raw.base, settings).await;
    let calls = (0..20).map(|_| failure(&*adapter, read("1")));
    for kind in futures_util::future::join_all(calls).await {
        assert!(matches!(kind, ErrorKind::Broken | ErrorKind::Unreachable), "{kind:?}");
    }
    assert_eq!(raw.seen.requests().len(), 1);
}

#[tokio::test]
async fn a_fixed_header_field_comes_from_a_secret() {
    let raw = serve(|_, _| Act::Answer(fhir(200, PATIENT))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "Basic Zm9v\n").unwrap();
    let adapter = adapter(&raw.base, json!({ "header": { "value": { "file": path } } })).await;
    perform(&*adapter, read("1")).await.unwrap();
    assert!(raw.seen.requests()[0].contains("authorization: Basic Zm9v\r\n"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    let (_folder, key) = key();
    let mut wrong_algorithm = smart(&key);
    wrong_algorithm["smart"]["algorithm"] = json!("RS384");
    let mut both = smart(&key);
    both["header"] = json!({ "value": { "file": key } });
    for wrong in [
        wrong_algorithm,
        both,
        json!({ "header": { "value": { "env": "FRONTDESK_TEST_NOT_SET" } } }),
        json!({ "tls": { "ca": "/nowhere" } }),
        json!({ "tls": { "certificate": key } }),
        json!({ "resources": { "Pateint": {} } }),
        json!({ "capability-file": "/nowhere" }),
    ] {
        let settings = settings("http://127.0.0.1:1/fhir", wrong.clone());
        assert!(FhirRest::connect(settings, host(_folder.path())).await.is_err(), "{wrong}");
    }
}
