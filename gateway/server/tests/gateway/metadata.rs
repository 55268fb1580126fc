//! What a base says of itself: by one statement, which is checked wherever a test reads it (`harness`).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Practice, raw};

fn of<'s>(statement: &'s Value, name: &str) -> &'s Value {
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    resources.iter().find(|resource| resource["type"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_statement_is_told_once_and_then_only_when_it_changed() {
    let practice = Practice::open().await;
    let first = practice.get("/metadata").await;
    let tag = first.field("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for known in [tag.as_str(), tag.trim_start_matches("W/"), "*", &format!("\"other\", {tag}")] {
        let again = practice.ask(Method::GET, "/metadata", &[("if-none-match", known)], "").await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(again.field("etag"), tag);
    }
    let other = practice.ask(Method::GET, "/metadata", &[("if-none-match", "W/\"other\"")], "").await;
    assert_eq!((other.status, other.field("etag")), (StatusCode::OK, tag.as_str()));
    let head = practice.ask(Method::HEAD, "/metadata", &[], "").await;
    assert_eq!((head.status, head.body.len(), head.field("etag")), (StatusCode::OK, 0, tag.as_str()));
    assert_eq!(head.field("content-length"), first.field("content-length"));
    let answer =
        raw(practice.gateway.address(), b"HEAD /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n")
            .await;
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_statement_says_what_the_practice_can_do_and_how_to_get_a_token() {
    let routes = r#"
        [adapters.ehr]
        kind = "store"

        [[routes]]
        adapter = "ehr"
        types = ["Patient", "Encounter"]
        interactions = ["read", "search-type", "create"]
        practice = "north"

        [[routes]]
        adapter = "store"
        types = ["Appointment"]
        practice = "north"

        [practices.north]
    "#;
    let practice = Practice::with(routes).await;
    let root = format!("http://{}/north", practice.gateway.address());
    let statement = practice.get(&format!("{root}/fhir/r4/metadata")).await.json();
    let patient = of(&statement, "Patient");
    let codes: Vec<_> = patient["interaction"].as_array().unwrap().iter().map(|code| code["code"].clone()).collect();
    assert_eq!(codes, ["read", "create", "search-type"]);
    assert_eq!(patient["conditionalCreate"], true);
    assert_eq!(patient["conditionalUpdate"], false, "{patient}");
    assert_eq!(patient["conditionalDelete"], "not-supported");
    assert_eq!(patient["updateCreate"], false);
    let includes = |name: &str, member: &str| of(&statement, name)[member].to_string();
    assert!(includes("Appointment", "searchInclude").contains("\"Appointment:patient\""), "over routes");
    assert!(includes("Patient", "searchRevInclude").contains("\"Appointment:patient\""), "over routes");
    assert!(includes("Patient", "searchRevInclude").contains("\"Encounter:patient\""), "of the adapter");
    let security = &statement["rest"][0]["security"];
    let endpoint = format!("{root}/auth/token");
    assert_eq!(security["extension"][0]["extension"][0]["valueUri"], endpoint);
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    assert_eq!(statement["format"], json!(["application/fhir+json", "json", "application/fhir+xml", "xml"]));
}

/// A FHIR server that says nothing sound of itself.
async fn mute(statement: &'static str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 8192];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let asks_statement = String::from_utf8_lossy(&asked[..read]).contains("/metadata");
                let body = if asks_statement { statement } else { r#"{"resourceType":"Patient","id":"1"}"# };
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nConnection: close";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    base
}

#[tokio::test]
async fn a_back_end_that_says_nothing_sound_of_itself_is_served_as_configured_and_operators_are_told() {
    for statement in ["", "<html>", "{\"resourceType\":\"CapabilityStatement\"}"] {
        let base = mute(statement).await;
        let routes = format!(
            "[adapters.ehr]\nkind = \"fhir-rest\"\nbase = \"{base}\"\n\
             [adapters.ehr.resources.Patient]\ninteractions = [\"read\", \"history-instance\"]\n\
             [[routes]]\nadapter = \"ehr\"\ntypes = [\"Patient\"]\n"
        );
        let practice = Practice::with(&routes).await;
        let metadata = practice.get("/metadata").await.json();
        let interactions = of(&metadata, "Patient")["interaction"].to_string();
        assert!(interactions.contains("history-instance") && !interactions.contains("create"), "{interactions}");
        let bearer = format!("Bearer {}", practice.token("system/*.cruds").await);
        let read = practice.ask(Method::GET, "/Patient/1", &[("authorization", &bearer)], "").await;
        assert_eq!(read.status, StatusCode::OK, "{statement}");
        let ready = format!("http://{}/ready", practice.gateway.admin_address());
        let mut told = Value::Null;
        for _ in 0..200 {
            told = practice.ask(Method::GET, &ready, &[], "").await.json()["adapters"]["ehr"].clone();
            if told["status"] == "degraded" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(told["status"], "degraded", "{statement}: {told}");
        assert!(told["text"].as_str().unwrap().starts_with("its CapabilityStatement cannot be read"), "{told}");
    }
}
