//! Media types, conditions, preferences and cross-origin requests, as a client sees them.

use http::Method;

use crate::harness::Practice;

const LOCATION: &str = r#"{"resourceType":"Location","name":"Room 1"}"#;

#[tokio::test]
async fn media_types_are_negotiated_or_refused() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    for (path, accept, status, content_type) in [
        ("/metadata", "application/json", 200, "application/json; charset=utf-8"),
        ("/metadata?_format=json", "application/fhir+xml", 200, "application/fhir+json; charset=utf-8"),
        ("/metadata", "application/fhir+xml", 200, "application/fhir+xml; charset=utf-8"),
        ("/metadata?_format=xml", "", 200, "application/fhir+xml; charset=utf-8"),
        ("/metadata", "text/turtle", 406, "application/fhir+json; charset=utf-8"),
        ("/metadata?_format=ttl", "", 406, "application/fhir+json; charset=utf-8"),
        (
            "/metadata",
            "application/fhir+json; fhirVersion=4.3",
            200,
            "application/fhir+json; fhirVersion=4.3; charset=utf-8",
        ),
        ("/metadata", "application/fhir+json; fhirVersion=5.0", 406, "application/fhir+json; charset=utf-8"),
    ] {
        let answer = practice.ask(Method::GET, path, &[("accept", accept)], "").await;
        assert_eq!((answer.status.as_u16(), answer.field("content-type")), (status, content_type), "{path} {accept}");
    }
    for (content_type, status) in [
        ("application/fhir+json", 201),
        ("application/json", 201),
        ("application/fhir+xml", 400),
        ("application/fhir+turtle", 415),
        ("text/plain", 415),
        ("application/fhir+json; fhirVersion=3.0", 415),
    ] {
        let fields = [token, ("content-type", content_type)];
        let answer = practice.ask(Method::POST, "/Location", &fields, LOCATION).await;
        assert_eq!(answer.status, status, "{content_type}");
    }
}

/// `ActivityDefinition.subject[x]` may be a canonical since R4B; MedicinalProduct is in R4 only.
#[tokio::test]
async fn a_payload_is_held_against_the_release_that_its_media_type_names_and_so_is_the_answer() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let post = async |path: &str, media: &str, body: &str| {
        let fields = [("authorization", token.as_str()), ("content-type", media)];
        practice.ask(Method::POST, path, &fields, body.to_owned()).await
    };
    let (r4, r4b) = ("application/fhir+json; fhirVersion=4.0", "application/fhir+json; fhirVersion=4.3");
    let created = post("/Location", r4b, LOCATION).await;
    assert_eq!(
        (created.status.as_u16(), created.field("content-type")),
        (201, "application/fhir+json; fhirVersion=4.3; charset=utf-8")
    );
    let newer = r#"{"resourceType":"ActivityDefinition","status":"draft","subjectCanonical":"http://example.org/x"}"#;
    let refused = post("/ActivityDefinition", r4, newer).await;
    assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (400, "structure"));
    let unconverted = post("/ActivityDefinition", r4b, newer).await;
    assert_eq!((unconverted.status.as_u16(), unconverted.issue().as_str()), (501, "not-supported"));
    let older = r#"{"resourceType":"MedicinalProduct","name":[{"productName":"x"}]}"#;
    assert_eq!(post("/MedicinalProduct", r4, older).await.status, 201);
    assert_eq!(post("/MedicinalProduct", r4b, older).await.status, 400);
    let fields = [("authorization", token.as_str()), ("accept", r4b)];
    let read = practice.ask(Method::GET, "/MedicinalProduct", &fields, "").await;
    assert_eq!((read.status.as_u16(), read.issue().as_str()), (501, "not-supported"));
    let read = practice.ask(Method::GET, "/Location", &fields, "").await;
    assert_eq!(
        (read.status.as_u16(), read.field("content-type")),
        (200, "application/fhir+json; fhirVersion=4.3; charset=utf-8")
    );
}

#[tokio::test]
async fn a_copy_that_is_current_is_not_sent_again_and_a_head_has_no_body() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let made = practice.ask(Method::POST, "/Location", &fields, LOCATION).await;
    let path = format!("/Location/{}", made.json()["id"].as_str().unwrap());
    let current = [fields[0], ("if-none-match", made.field("etag"))];
    let unchanged = practice.ask(Method::GET, &path, &current, "").await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    let dated = [fields[0], ("if-modified-since", made.field("last-modified"))];
    assert_eq!(practice.ask(Method::GET, &path, &dated, "").await.status, 304);
    // What a client has is no condition of a create.
    let another = [fields[0], fields[1], ("if-none-match", "W/\"1\"")];
    assert_eq!(practice.ask(Method::POST, "/Location", &another, LOCATION).await.status, 201);
    let head = practice.ask(Method::HEAD, &path, &fields[..1], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), made.body.len().to_string());
    let pretty = practice.ask(Method::GET, &format!("{path}?_pretty=true"), &fields[..1], "").await;
    assert!(pretty.body.starts_with(b"{\n  \"resourceType\": \"Location\""));
}

#[tokio::test]
async fn a_write_answers_as_prefer_says() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    for (prefer, resource_type) in
        [("return=minimal", ""), ("return=representation", "Location"), ("return=OperationOutcome", "OperationOutcome")]
    {
        let fields = [fields[0], fields[1], ("prefer", prefer)];
        let answer = practice.ask(Method::POST, "/Location", &fields, LOCATION).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.json()["resourceType"].as_str().unwrap_or(""), resource_type);
        assert!(answer.field("location").contains("/Location/"));
    }
}

#[tokio::test]
async fn a_search_is_strict_unless_the_client_prefers_it_lenient() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    let create = [token, ("content-type", "application/fhir+json")];
    assert_eq!(practice.ask(Method::POST, "/Location", &create, LOCATION).await.status, 201);
    let strict = practice.ask(Method::GET, "/Location?colour=blue", &[token], "").await;
    assert_eq!((strict.status.as_u16(), strict.issue().as_str()), (400, "not-supported"));
    let lenient =
        practice.ask(Method::GET, "/Location?colour=blue", &[token, ("prefer", "handling=lenient")], "").await;
    assert_eq!((lenient.status.as_u16(), &lenient.json()["total"]), (200, &1.into()));
    assert_eq!(lenient.json()["entry"][1]["search"]["mode"], "outcome");
    assert!(lenient.json()["link"][0]["url"].as_str().unwrap().ends_with("/Location"));
}

#[tokio::test]
async fn what_is_no_fhir_is_400_and_says_where_and_what_was_expected() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    for (method, path, body, code) in [
        (Method::POST, "/Location", "", "invalid"),
        (Method::POST, "/Location", "{", "structure"),
        (Method::POST, "/Location", r#"{"resourceType":"Patient"}"#, "structure"),
        (Method::PUT, "/Location/a", r#"{"resourceType":"Location","id":"b"}"#, "value"),
        (Method::PUT, "/Location/a", r#"{"resourceType":"Location"}"#, "value"),
        (Method::PUT, "/Location", LOCATION, "invalid"),
        (Method::DELETE, "/Location", "", "invalid"),
        (Method::POST, "/Location", r#"{"resourceType":"Location","name":"a","name":"b"}"#, "duplicate"),
        (Method::POST, "/Location", r#"{"resourceType":"Location","nonsense":1}"#, "structure"),
    ] {
        let answer = practice.ask(method, path, &fields, body).await;
        assert_eq!(answer.status, 400, "{path} {body}: {:?}", answer.json());
        let document = answer.json();
        let issues = document["issue"].as_array().unwrap();
        assert!(issues.iter().any(|issue| issue["code"] == code), "{path} {body}: {issues:?}");
    }
    let unknown_code = r#"{"resourceType":"Location","status":"nowhere"}"#;
    let answer = practice.ask(Method::POST, "/Location", &fields, unknown_code).await;
    assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (422, "code-invalid"));
    assert_eq!(answer.json()["issue"][0]["expression"][0], "Location.status");
}

#[tokio::test]
async fn pages_of_registered_origins_may_call_and_anybody_reads_what_is_public() {
    let practice = Practice::open().await;
    let allowed = |answer: &crate::harness::Answer| answer.field("access-control-allow-origin").to_owned();
    let stranger = [("origin", "https://evil.example"), ("access-control-request-method", "GET")];
    let portal = [("origin", "https://portal.example"), ("access-control-request-method", "GET")];
    assert_eq!(allowed(&practice.ask(Method::GET, "/metadata", &stranger, "").await), "*");
    let preflight = practice.ask(Method::OPTIONS, "/Patient/1", &portal, "").await;
    assert_eq!((preflight.status.as_u16(), allowed(&preflight).as_str()), (204, "https://portal.example"));
    assert!(preflight.field("access-control-allow-headers").contains("authorization"));
    assert_eq!(allowed(&practice.ask(Method::OPTIONS, "/Patient/1", &stranger, "").await), "");
    assert_eq!(allowed(&practice.ask(Method::GET, "/Patient/1", &portal, "").await), "https://portal.example");
    let token = format!("http://{}/auth/token", practice.gateway.address());
    assert_eq!(allowed(&practice.ask(Method::OPTIONS, &token, &portal, "").await), "https://portal.example");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_stays_out_of_caches() {
    let practice = Practice::open().await;
    for path in ["/Patient/1", "/nothing", "/metadata"] {
        let answer = practice.ask(Method::GET, path, &[("x-request-id", "abc-1")], "").await;
        assert_eq!(answer.field("x-request-id"), "abc-1");
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
        assert!(!answer.field("cache-control").is_empty());
    }
}
