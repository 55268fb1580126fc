//! Whose an export is, and how long it is there.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{Exporter, fill, patient};
use crate::harness::Practice;

#[tokio::test]
async fn an_export_is_there_for_its_client_until_it_is_removed() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let begun = exporter.kick_off("/$export?_type=Patient").await;
    let place = begun.field("content-location").to_owned();
    let manifest = exporter.ended(&place).await.json();
    let file = manifest["output"][0]["url"].as_str().unwrap().to_owned();
    for path in [&place, &file] {
        assert_eq!(practice.get(path).await.status, 401);
        assert_eq!(exporter.ask(Method::POST, path, &[], String::new()).await.status, 405);
        assert_eq!(exporter.ask(Method::HEAD, path, &[], String::new()).await.status, 200);
    }
    for odd in ["/../../jobs.sqlite", "/1-1.Patient.ndjson", "/1-0.Patient.ndjson/x", "x"] {
        let status = exporter.get(&format!("{place}{odd}")).await.status.as_u16();
        assert!(matches!(status, 400 | 404), "{odd}: {status}");
    }
    let narrow = Exporter::with(&practice, "system/Appointment.rs").await;
    assert_eq!((narrow.get(&place).await.status.as_u16(), narrow.get(&file).await.status.as_u16()), (200, 403));
    let granted = practice.token_for("launch/patient patient/*.rs", "&patient=a").await;
    let token = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    assert_eq!(Exporter { practice: &practice, token }.get(&place).await.status, 404);
    let folders = || {
        std::fs::read_dir(practice.data().join("exports"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().is_dir())
            .count()
    };
    assert_eq!(folders(), 1);
    assert_eq!(exporter.ask(Method::DELETE, &place, &[], String::new()).await.status, 202);
    assert_eq!(folders(), 0);
    for path in [&place, &file] {
        assert_eq!(exporter.get(path).await.status, 404);
    }
    assert_eq!(exporter.ask(Method::DELETE, &place, &[], String::new()).await.status, 404);
}

#[tokio::test]
async fn an_export_of_another_practice_is_not_there() {
    let practice = Practice::with(
        r#"
        [practices.north]
        [adapters.northern]
        kind = "store"
        [[routes]]
        adapter = "northern"
        practice = "north"
        "#,
    )
    .await;
    let exporter = Exporter::of(&practice).await;
    let begun = exporter.kick_off("/$export?_type=Patient").await;
    let place = begun.field("content-location").replace("/fhir/r4", "/north/fhir/r4");
    assert!(place.contains("/north/fhir/r4/$export/"), "{place}");
    let status = exporter.get(&place).await.status.as_u16();
    assert_eq!(status, 401, "a token of one practice is none of another");
}

#[tokio::test]
async fn a_file_is_compressed_for_whoever_takes_that_and_is_the_same() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let manifest = exporter.export("/$export?_type=Appointment").await.json();
    let url = manifest["output"][0]["url"].as_str().unwrap();
    let plain = exporter.get(url).await;
    assert_eq!((plain.field("content-encoding"), plain.field("content-length")), ("", &*plain.body.len().to_string()));
    let packed = exporter.ask(Method::GET, url, &[("accept-encoding", "br, gzip;q=0.5")], String::new()).await;
    assert_eq!((packed.field("content-encoding"), packed.field("vary")), ("gzip", "Accept-Encoding"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    let refused = exporter.ask(Method::GET, url, &[("accept-encoding", "gzip;q=0")], String::new()).await;
    assert_eq!(refused.body, plain.body);
}

#[tokio::test]
async fn large_exports_come_in_several_files() {
    let practice = Practice::with("[bulk]\n page = 10\n file-size = \"64KiB\"\n").await;
    let exporter = Exporter::of(&practice).await;
    for number in 0..40 {
        let mut large = patient(&format!("p{number}"));
        large["name"] = json!([{ "text": "x".repeat(4000) }]);
        exporter.put(large).await;
    }
    let manifest = exporter.export("/$export?_type=Patient").await.json();
    assert!(manifest["output"].as_array().unwrap().len() > 1, "{manifest}");
    assert_eq!(exporter.ids(&manifest, "Patient").await.len(), 40);
}

#[tokio::test]
async fn what_does_not_fit_ends_and_leaves_nothing() {
    let practice = Practice::with("[bulk]\n max-size = \"64KiB\"\n file-size = \"64KiB\"\n").await;
    let exporter = Exporter::of(&practice).await;
    for number in 0..20 {
        let mut large = patient(&format!("p{number}"));
        large["name"] = json!([{ "text": "x".repeat(4000) }]);
        exporter.put(large).await;
    }
    let ended = exporter.export("/$export?_type=Patient").await;
    assert_eq!((ended.status.as_u16(), ended.issue().as_str()), (507, "too-costly"));
}

#[tokio::test]
async fn a_finished_export_expires_and_survives_a_restart_until_then() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let begun = exporter.kick_off("/$export?_type=Patient").await;
    let place = begun.field("content-location").to_owned();
    let manifest = exporter.ended(&place).await.json();
    let practice = practice.restarted("[bulk]\n keep = \"1s\"\n", BTreeMap::new()).await;
    let exporter = Exporter::of(&practice).await;
    assert_eq!(exporter.get(&place).await.json(), manifest);
    assert_eq!(exporter.ids(&manifest, "Patient").await, ["a", "b"]);
    let short = exporter.kick_off("/$export?_type=Patient").await.field("content-location").to_owned();
    assert_eq!(exporter.ended(&short).await.status, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(exporter.get(&short).await.status, 404);
    assert_eq!(exporter.get(&place).await.status, 200);
}

#[tokio::test]
async fn every_page_and_every_visit_is_written_down() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let place = exporter.kick_off("/$export?_type=Patient").await.field("content-location").to_owned();
    let manifest = exporter.ended(&place).await.json();
    exporter.ids(&manifest, "Patient").await;
    exporter.ask(Method::DELETE, &place, &[], String::new()).await;
    let auditor = Exporter::with(&practice, "system/AuditEvent.rs").await;
    let mut told = String::new();
    for _ in 0..100 {
        let events = auditor.get("/AuditEvent?patient=Patient/b").await.json();
        let all = auditor.get("/AuditEvent?_count=100").await.json();
        told = format!("{events}{all}");
        if told.contains("search-type") && told.contains("export completed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(told.contains("search-type") && told.contains("export completed"), "{told}");
    let query = |text: &str| base64(text);
    for request in ["GET /fhir/r4/$export?_type=Patient", "GET /fhir/r4/Patient?_count=500"] {
        assert!(told.contains(&query(request)), "{request}");
    }
    let path = place.split_once("/fhir/r4").unwrap().1;
    for method in ["DELETE", "GET"] {
        assert!(told.contains(&query(&format!("{method} /fhir/r4{path}"))), "{method}");
    }
    assert!(told.contains(&query(&format!("GET /fhir/r4{path}/1-0.Patient.ndjson"))));
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
