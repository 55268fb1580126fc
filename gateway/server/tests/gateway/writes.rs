//! What every write and every read answers, whatever it is: HEAD, conditions, preferences, methods (http.html).

use http::Method;

use crate::harness::Practice;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"eve","active":true,"name":[{"family":"Everywoman"}]}"#;
const JSON: (&str, &str) = ("content-type", "application/fhir+json");

#[tokio::test]
async fn a_head_answers_as_the_get_without_its_body() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    practice.ask(Method::PUT, "/Patient/eve", &[token, JSON], PATIENT).await;
    for path in [
        "/Patient/eve",
        "/Patient/eve/_history/1",
        "/Patient/eve/_history",
        "/Patient?family=Everywoman",
        "/Patient/eve/Appointment",
        "/metadata",
        "/Patient/nobody",
    ] {
        let get = practice.ask(Method::GET, path, &[token], "").await;
        let head = practice.ask(Method::HEAD, path, &[token], "").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for field in ["content-type", "etag", "last-modified"] {
            assert_eq!(head.field(field), get.field(field), "{field} of {path}");
        }
    }
}

#[tokio::test]
async fn a_read_is_304_while_the_client_has_what_is_there() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    let made = practice.ask(Method::PUT, "/Patient/eve", &[token, JSON], PATIENT).await;
    let modified = made.field("last-modified");
    for (field, value, status) in [
        ("if-none-match", "W/\"1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"2\"", 200),
        ("if-modified-since", modified, 304),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = practice.ask(method.clone(), "/Patient/eve", &[token, (field, value)], "").await;
            assert_eq!(answer.status.as_u16(), status, "{method} {field}: {value}");
            assert_eq!(answer.field("etag"), "W/\"1\"");
        }
    }
    // RFC 9110 13.2.2: If-None-Match goes first.
    let both = [token, ("if-none-match", "W/\"2\""), ("if-modified-since", modified)];
    assert_eq!(practice.ask(Method::GET, "/Patient/eve", &both, "").await.status, 200);
    let any = [token, ("if-none-match", "*")];
    assert_eq!(practice.ask(Method::GET, "/Patient/nobody", &any, "").await.status, 404);
}

#[tokio::test]
async fn an_update_with_if_none_match_any_makes_what_is_not_there_and_changes_nothing_else() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), JSON, ("if-none-match", "*")];
    assert_eq!(practice.ask(Method::PUT, "/Patient/eve", &fields, PATIENT).await.status, 201);
    let there = practice.ask(Method::PUT, "/Patient/eve", &fields, PATIENT).await;
    assert_eq!((there.status.as_u16(), there.issue().as_str()), (412, "conflict"));
    let read = practice.ask(Method::GET, "/Patient/eve", &fields[..1], "").await;
    assert_eq!(read.field("etag"), "W/\"1\"");
    let both = [fields[0], JSON, ("if-none-match", "*"), ("if-match", "W/\"1\"")];
    assert_eq!(practice.ask(Method::PUT, "/Patient/eve", &both, PATIENT).await.status, 400);
}

#[tokio::test]
async fn every_write_answers_as_prefer_says() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    let patch = ("content-type", "application/json-patch+json");
    for (prefer, resource_type) in [
        ("return=minimal", None),
        ("return=representation", Some("Patient")),
        ("return=OperationOutcome", Some("OperationOutcome")),
    ] {
        let flip = r#"[{"op":"replace","path":"/active","value":false}]"#;
        for (method, path, content_type, body, status) in [
            (Method::POST, "/Patient", JSON, PATIENT, 201),
            (Method::PUT, "/Patient/eve", JSON, PATIENT, 0),
            (Method::PUT, "/Patient?_id=eve", JSON, PATIENT, 200),
            (Method::PATCH, "/Patient/eve", patch, flip, 200),
            (Method::PATCH, "/Patient?_id=eve", patch, flip, 200),
        ] {
            let fields = [token, content_type, ("prefer", prefer)];
            let answer = practice.ask(method.clone(), path, &fields, body).await;
            assert!(status == 0 || answer.status == status, "{method} {path}: {:?}", answer.json());
            assert_eq!(answer.json()["resourceType"].as_str(), resource_type, "{method} {path} {prefer}");
            assert!(!answer.field("etag").is_empty(), "{method} {path}");
        }
        let deleted = practice.ask(Method::DELETE, "/Patient/eve", &[token, ("prefer", prefer)], "").await;
        assert!(deleted.status.is_success());
    }
}

#[tokio::test]
async fn another_method_is_405_and_says_which_are_allowed() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    for (method, path, allowed) in [
        (Method::POST, "/Patient/eve", "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::PUT, "/Patient/_search", "POST"),
        (Method::DELETE, "/Patient/eve/_history/1", "GET, HEAD"),
        (Method::PATCH, "/metadata", "GET, HEAD"),
    ] {
        let answer = practice.ask(method.clone(), path, &[token, JSON], "{}").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.field("allow").starts_with(allowed), "{method} {path}: {}", answer.field("allow"));
    }
}
