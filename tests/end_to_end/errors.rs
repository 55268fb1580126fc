//! What a client gets that did something wrong: the status, and an OperationOutcome that says what was expected.

use http::Method;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::patient;

/// A wrong request: method, path, header fields, body, and the statuses that are right for it.
type Case<'a> = (Method, &'a str, Vec<(&'a str, &'a str)>, String, &'a [u16]);

#[tokio::test]
async fn without_a_sound_token_it_is_401_and_without_the_scope_403() {
    let site = Site::on_store();
    let gateway = site.serve();
    let reader = gateway.http(&site, "system/Patient.rs");
    for token in [None, Some("nonsense"), Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")] {
        let answer = reader.with_token(token).get("/Patient/1").await.expect(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
    reader.get("/Patient?name=x").await.expect(200);
    reader.post("/Patient", patient("Forbidden")).await.expect_issue(403, "forbidden");
    let answer = reader.get("/Appointment?status=booked").await.expect_issue(403, "forbidden");
    assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{answer:?}");
}

#[tokio::test]
async fn every_fault_of_a_payload_is_told_at_once_with_its_expression() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let body = r#"{"resourceType":"Patient","gender":"xx","birthDate":"31.12.1980","nickname":"x","name":[{"family":7}],"contact":[{"relationship":{}}]}"#;
    let answer = http.post("/Patient", body).await;
    assert!(matches!(answer.status.as_u16(), 400 | 422), "{answer:?}");
    let outcome = answer.json();
    let expressions: Vec<_> =
        outcome["issue"].as_array().unwrap().iter().filter_map(|issue| issue["expression"][0].as_str()).collect();
    for expected in [
        "Patient.gender",
        "Patient.birthDate",
        "Patient.nickname",
        "Patient.name[0].family",
        "Patient.contact[0].relationship",
    ] {
        assert!(expressions.iter().any(|found| found.starts_with(expected)), "{expected} in {outcome}");
    }
}

#[tokio::test]
async fn each_wrong_request_has_its_own_status_and_issue() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let json = ("content-type", "application/fhir+json");
    let deep = format!(r#"{{"resourceType":"Patient","extension":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"resourceType":"Patient","name":[{{"family":"{}"}}]}}"#, "x".repeat(3 << 20));
    let cases: Vec<Case> = vec![
        (Method::GET, "/Patient/1", vec![("accept", "text/turtle")], String::new(), &[406]),
        (Method::GET, "/Patient/1?_format=ttl", vec![], String::new(), &[406]),
        (
            Method::POST,
            "/Patient",
            vec![("content-type", "application/fhir+xml"), ("accept", "application/fhir+json")],
            "<Patient/>".into(),
            &[400],
        ),
        (Method::POST, "/Patient", vec![("content-type", "text/plain")], "x".into(), &[415]),
        (Method::POST, "/Patient", vec![json], "{".into(), &[400]),
        (Method::POST, "/Patient", vec![json], String::new(), &[400]),
        (Method::POST, "/Patient", vec![json], "\u{feff}{}".into(), &[400]),
        (Method::POST, "/Patient", vec![json], r#"{"resourceType":"Slot"}"#.into(), &[400]),
        (
            Method::POST,
            "/Patient",
            vec![json],
            r#"{"resourceType":"Patient","active":true,"\u0061ctive":false}"#.into(),
            &[400],
        ),
        (Method::POST, "/Patient", vec![json], r#"{"resourceType":"Patient","gender":"\ud800"}"#.into(), &[400]),
        (Method::POST, "/Patient", vec![json], deep, &[400]),
        (Method::POST, "/Patient", vec![json], large, &[413]),
        (Method::POST, "/Nonsense", vec![json], "{}".into(), &[404]),
        (Method::GET, "/Patient?nonsense=1", vec![("prefer", "handling=strict")], String::new(), &[400]),
        (Method::GET, "/Patient?birthdate=yesterday", vec![], String::new(), &[400]),
        (Method::PUT, "/Patient/other", vec![json], patient("X").replacen('{', r#"{"id":"one","#, 1), &[400]),
        (Method::PUT, "/Patient/bad_id", vec![json], patient("X"), &[400, 404]),
        (Method::DELETE, "/Patient", vec![], String::new(), &[400, 405, 412]),
        (Method::PUT, "/metadata", vec![json], "{}".into(), &[405]),
        (Method::GET, "/Patient/1/../2", vec![], String::new(), &[400, 404]),
        (Method::GET, "/Patient/%2e%2e/metadata", vec![], String::new(), &[400, 404]),
    ];
    for (method, path, headers, body, statuses) in cases {
        let answer = http.send(method.clone(), path, &headers, body).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{method} {path}: {} {:?}", answer.status, answer.body);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{method} {path}");
        assert!(!answer.header("x-request-id").is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn the_token_endpoint_answers_errors_as_oauth_does() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.anonymous();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let url = format!("http://127.0.0.1:{}/auth/token", gateway.port);
    for (body, error) in [
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        (
            "grant_type=client_credentials&scope=system/*.rs&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=x.y.z",
            "invalid_client",
        ),
    ] {
        let answer = http.send(Method::POST, &url, &form, body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{answer:?}");
        assert_eq!(answer.json()["error"], error, "{body}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn over_the_limit_it_is_429_with_the_time_to_come_back() {
    let site = Site::on_store();
    let gateway = site.serve();
    let key = site.client("eager", EVERYTHING, &[]);
    let token = gateway.token("eager", &key, &[]);
    gateway.stop();
    let routes = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n[rate-limits]\nclient = { per-second = 1, burst = 5 }\n";
    site.configure("", routes);
    let gateway = site.serve();
    let http = gateway.anonymous().with_token(Some(&token));
    let mut refused = None;
    for _ in 0..10 {
        let answer = http.get("/Patient/none").await;
        if answer.status == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("a limit of 5 lets no 10 requests through").expect_issue(429, "throttled");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(refused.headers.keys().any(|name| name.as_str().starts_with("ratelimit")), "{refused:?}");
}
