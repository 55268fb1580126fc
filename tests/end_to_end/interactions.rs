//! FHIR's interactions on the embedded store, as http.html has them.

use http::Method;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::http::link;
use crate::support::{Gateway, Http, patient};

fn on_store() -> (Site, Gateway, Http) {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    (site, gateway, http)
}

#[tokio::test]
async fn a_resource_lives_from_create_to_gone() {
    let (_site, gateway, http) = on_store();
    let created = http.post("/Patient", patient("Lifecycle")).await.expect(201);
    let id = created.created_id();
    let version = created.header("etag").to_owned();
    assert_eq!(
        created.header("location"),
        format!("{}/Patient/{id}/_history/{}", gateway.base, version.replace(['W', '/', '"'], ""))
    );
    assert!(!created.header("last-modified").is_empty());

    let read = http.get(&format!("/Patient/{id}")).await.expect(200);
    assert_eq!(read.header("etag"), version);
    assert!(read.header("content-type").starts_with("application/fhir+json"));

    let changed = patient("Changed").replacen('{', &format!(r#"{{"id":"{id}","#), 1);
    let path = format!("/Patient/{id}");
    let updated = http.put(&path, &[("if-match", &version)], changed.clone()).await.expect(200);
    assert_ne!(updated.header("etag"), version);
    http.put(&path, &[("if-match", &version)], changed).await.expect_issue(412, "conflict");

    let old = http.get(&format!("/Patient/{id}/_history/{}", version.replace(['W', '/', '"'], ""))).await.expect(200);
    assert_eq!(old.json()["name"][0]["family"], "Lifecycle");
    let history = http.get(&format!("/Patient/{id}/_history")).await.expect(200).json();
    assert_eq!((history["type"].as_str(), history["entry"].as_array().map(Vec::len)), (Some("history"), Some(2)));

    let deleted = http.delete(&path).await;
    assert!(matches!(deleted.status.as_u16(), 200 | 204), "{deleted:?}");
    http.get(&path).await.expect_issue(410, "deleted");
    http.get("/Patient/never-was").await.expect_issue(404, "not-found");
}

#[tokio::test]
async fn an_unchanged_resource_is_304_and_head_has_no_body() {
    let (_site, _gateway, http) = on_store();
    let id = http.post("/Patient", patient("Unchanged")).await.expect(201).created_id();
    let path = format!("/Patient/{id}");
    let etag = http.get(&path).await.expect(200).header("etag").to_owned();
    let same = http.send(Method::GET, &path, &[("if-none-match", &etag)], "").await.expect(304);
    assert!(same.body.is_empty());
    let head = http.send(Method::HEAD, &path, &[], "").await.expect(200);
    assert_eq!(head.header("etag"), etag);
}

#[tokio::test]
async fn prefer_decides_what_a_write_answers_with() {
    let (_site, _gateway, http) = on_store();
    for (prefer, resource_type) in
        [("representation", Some("Patient")), ("OperationOutcome", Some("OperationOutcome")), ("minimal", None)]
    {
        let headers = [("content-type", "application/fhir+json"), ("prefer", &format!("return={prefer}"))];
        let answer = http.send(Method::POST, "/Patient", &headers, patient("Preference")).await.expect(201);
        match resource_type {
            Some(resource_type) => assert_eq!(answer.json()["resourceType"], resource_type),
            None => assert!(answer.body.is_empty(), "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn conditional_writes_find_what_is_there() {
    let (_site, _gateway, http) = on_store();
    let body = patient("Conditional").replacen('{', r#"{"identifier":[{"system":"urn:test","value":"c-1"}],"#, 1);
    let create = |condition: &'static str| {
        let (http, body) = (http.clone(), body.clone());
        async move {
            let headers = [("content-type", "application/fhir+json"), ("if-none-exist", condition)];
            http.send(Method::POST, "/Patient", &headers, body).await
        }
    };
    let first = create("identifier=urn:test|c-1").await.expect(201).created_id();
    let again = create("identifier=urn:test|c-1").await.expect(200);
    assert_eq!(again.json()["id"], first.as_str());
    http.put("/Patient?identifier=urn:test|c-1", &[], body.clone()).await.expect(200);
    http.post("/Patient", body.clone()).await.expect(201);
    create("identifier=urn:test|c-1").await.expect_issue(412, "multiple-matches");
    http.put("/Patient?identifier=urn:test|c-1", &[], body).await.expect_issue(412, "multiple-matches");
}

#[tokio::test]
async fn sixty_four_conditional_creates_at_once_make_one_resource() {
    let (_site, _gateway, http) = on_store();
    let body = patient("Once").replacen('{', r#"{"identifier":[{"system":"urn:test","value":"once"}],"#, 1);
    let tries = (0..64).map(|_| {
        let (http, body) = (http.clone(), body.clone());
        tokio::spawn(async move {
            let headers = [("content-type", "application/fhir+json"), ("if-none-exist", "identifier=urn:test|once")];
            http.send(Method::POST, "/Patient", &headers, body).await.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for answer in tries.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(http.get("/Patient?identifier=urn:test|once&_total=accurate").await.json()["total"], 1);
}

#[tokio::test]
async fn searches_find_sort_and_page_without_a_gap_or_a_repeat() {
    let (_site, gateway, http) = on_store();
    for number in 0..25 {
        http.post("/Patient", patient(&format!("Pager{number:02}"))).await.expect(201);
    }
    http.post("/Patient", patient("Other")).await.expect(201);
    let found = http.all("/Patient?family=Pager&_count=7&_sort=family").await;
    let names: Vec<_> = found.iter().map(|patient| patient["name"][0]["family"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..25).map(|number| format!("Pager{number:02}")).collect();
    assert_eq!(names, expected);
    let first = http.get("/Patient?family=Pager&_count=7&_total=accurate").await.expect(200).json();
    assert_eq!(first["total"], 25);
    assert!(link(&first, "next").unwrap().starts_with(&gateway.base), "{first}");
    assert_eq!(http.get("/Patient?birthdate=lt1930").await.json()["entry"].as_array().map_or(0, Vec::len), 0);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let posted = http.send(Method::POST, "/Patient/_search", &form, "family=Pager03").await.expect(200).json();
    assert_eq!(posted["entry"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn metadata_and_discovery_need_no_token_and_say_the_same_token_endpoint() {
    let (_site, gateway, _http) = on_store();
    let anonymous = gateway.anonymous();
    let metadata = anonymous.get("/metadata").await.expect(200).json();
    assert_eq!(
        (metadata["resourceType"].as_str(), metadata["fhirVersion"].as_str()),
        (Some("CapabilityStatement"), Some("4.0.1"))
    );
    let types: Vec<_> =
        metadata["rest"][0]["resource"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    for resource_type in ["Patient", "Appointment", "Slot", "Schedule", "Claim"] {
        assert!(types.contains(&resource_type), "{resource_type}");
    }
    let smart = anonymous.get("/.well-known/smart-configuration").await.expect(200).json();
    assert_eq!(smart["token_endpoint"], format!("http://127.0.0.1:{}/auth/token", gateway.port));
    assert!(smart["grant_types_supported"].as_array().unwrap().contains(&"client_credentials".into()));
    assert!(smart["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&"private_key_jwt".into()));
    let keys = anonymous.get(&format!("http://127.0.0.1:{}/auth/jwks", gateway.port)).await.expect(200).json();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()) && !keys.to_string().contains("\"d\":"));
}
