//! Paths, fields and links that look as if they led into another practice, and what a practice says of itself.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Town, ids, patient};
use crate::harness::raw;

#[tokio::test]
async fn no_spelling_of_a_path_leads_into_another_practice() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    south.put("secret", &patient("secret", "Sued")).await;
    north.put("open", &patient("open", "Nord")).await;
    for path in [
        "/north/../south/fhir/r4/Patient/secret",
        "/north/fhir/r4/../../../south/fhir/r4/Patient/secret",
        "/north/%2e%2e/south/fhir/r4/Patient/secret",
        "/north%2f..%2fsouth/fhir/r4/Patient/secret",
        "/north/fhir/r4/Patient/..%2f..%2f..%2f..%2fsouth%2ffhir%2fr4%2fPatient%2fsecret",
        "//south/fhir/r4/Patient/secret",
        "/north//south/fhir/r4/Patient/secret",
        "/north/south/fhir/r4/Patient/secret",
        "/%73outh/fhir/r4/Patient/secret",
        "/%2573outh/fhir/r4/Patient/secret",
        "/SOUTH/fhir/r4/Patient/secret",
        "/south/FHIR/r4/Patient/secret",
        "/south;north/fhir/r4/Patient/secret",
        "/south\\fhir/r4/Patient/secret",
        "/north/fhir/r4/Patient/secret",
        "/fhir/r4/Patient/secret",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            north.token
        );
        let answer = raw(town.0.gateway.address(), request.as_bytes()).await;
        assert!(!answer.contains("Sued") && !answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    // Another spelling of its own practice is its own practice.
    let request = format!(
        "GET /%6eorth/fhir/r4/Patient/open HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        north.token
    );
    let answer = raw(town.0.gateway.address(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn links_carry_the_base_of_the_practice_whatever_a_request_says_of_its_way() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    let fields = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-prefix", "/south"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/south/fhir/r4/Patient"),
        ("x-rewrite-url", "/south/fhir/r4/Patient"),
        ("x-http-method-override", "DELETE"),
    ];
    for client in [&north, &south] {
        let created = client.ask_with(Method::POST, "/Patient", &fields, &json!({ "resourceType": "Patient" })).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let base = town.base(client.practice);
        assert!(created.field("location").starts_with(&format!("{base}/Patient/")), "{}", created.field("location"));
        let found = client.ask_with(Method::GET, "/Patient", &fields, &Value::Null).await.json();
        assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
        let text = found.to_string();
        assert!(found["entry"][0]["fullUrl"].as_str().unwrap().starts_with(&base), "{text}");
        let other = if client.practice == "north" { "south" } else { "north" };
        assert!(!text.contains("evil.example") && !text.contains(&town.base(other)), "{text}");
    }
}

#[tokio::test]
async fn an_entry_of_a_batch_stays_in_the_practice_of_the_batch() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    south.put("secret", &patient("secret", "Sued")).await;
    let url = format!("{}/Patient/secret", town.base("south"));
    let entry = |method: &str, url: &str| json!({ "request": { "method": method, "url": url } });
    for url in
        [url.as_str(), "/south/fhir/r4/Patient/secret", "../../../south/fhir/r4/Patient/secret", "Patient/secret"]
    {
        for method in ["GET", "DELETE"] {
            let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry(method, url)] });
            let answer = north.ask_at("north", Method::POST, &town.base("north"), &[], &bundle).await;
            assert!(!answer.json().to_string().contains("Sued"), "{method} {url}: {}", answer.json());
        }
    }
    assert_eq!(south.get("/Patient/secret").await.status, StatusCode::OK);
    let transaction = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": "urn:uuid:7d5fd0a5-1fc1-4d5d-8a3b-1d2f4e1f2a11", "resource": { "resourceType": "Patient" },
          "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn:mrn|secret" } }] });
    let answer = north.ask_at("north", Method::POST, &town.base("north"), &[], &transaction).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let response = &answer.json()["entry"][0]["response"];
    assert!(response["status"].as_str().unwrap().starts_with("201"), "{response}");
    assert_eq!(ids(&south.get("/Patient").await.json()), ["secret"]);
}

#[tokio::test]
async fn what_a_practice_says_of_itself_names_no_other() {
    let profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let routes = format!(
        "[[routes]]\nname = \"north-ehr\"\npractice = \"north\"\nadapter = \"ehr\"\nprofiles = [\"{profile}\"]\n\
         [[routes]]\npractice = \"south\"\nadapter = \"ehr\"\ntypes = [\"Patient\"]\ninteractions = [\"read\"]\n"
    );
    let town = Town::with(&routes).await;
    for practice in ["north", "south", "default"] {
        let statement = town.0.get(&format!("{}/metadata", town.base(practice))).await;
        assert_eq!(statement.status, StatusCode::OK);
        let discovery = town.0.get(&format!("{}/.well-known/smart-configuration", town.base(practice))).await;
        assert_eq!(discovery.json()["token_endpoint"], format!("{}/auth/token", town.root(practice)));
        for text in [statement.json().to_string(), discovery.json().to_string()] {
            for other in ["north", "south", "norther", "souther", "ehr", "store"] {
                let is_own = other == practice;
                assert!(is_own || !text.contains(&format!("/{other}/")), "{practice} names {other}: {text}");
                assert!(is_own || !text.contains(&format!("\"{other}\"")), "{practice} names {other}");
            }
            assert_eq!(
                text.contains(profile),
                practice == "north" && text.contains("CapabilityStatement"),
                "{practice}"
            );
        }
    }
    let statement = town.0.get(&format!("{}/metadata", town.base("south"))).await.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let types: Vec<_> = resources.iter().map(|resource| resource["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["AuditEvent", "Patient"]);
    assert_eq!(resources[1]["interaction"], json!([{ "code": "read" }]));
    assert_eq!(statement["implementation"]["url"], town.base("south"));
    // A refusal names what is served here, too.
    let south = town.client("south").await;
    let refused = south.get("/Claim").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(refused.json().to_string().contains("AuditEvent, Patient"), "{}", refused.json());
}
