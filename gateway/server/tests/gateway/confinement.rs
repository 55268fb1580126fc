//! A token of one patient, through the whole pipeline.

use http::Method;

use crate::harness::Practice;

#[tokio::test]
async fn a_patients_token_reaches_that_patient_only() {
    let practice = Practice::open().await;
    let system = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", system.as_str()), ("content-type", "application/fhir+json")];
    for id in ["eve", "bob"] {
        let patient = format!(r#"{{"resourceType":"Patient","id":"{id}","active":true}}"#);
        let made = practice.ask(Method::PUT, &format!("/Patient/{id}"), &fields, patient).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
    }
    let granted = practice.token_for("launch/patient patient/*.cruds", "&patient=eve").await;
    assert_eq!(granted.status, 200, "{:?}", granted.json());
    let eve = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let eve = [("authorization", eve.as_str()), ("content-type", "application/fhir+json")];
    assert_eq!(practice.ask(Method::GET, "/Patient/eve", &eve, "").await.status, 200);
    let others = practice.ask(Method::GET, "/Patient/bob", &eve, "").await;
    let nobodys = practice.ask(Method::GET, "/Patient/nobody", &eve, "").await;
    assert_eq!((others.status.as_u16(), nobodys.status.as_u16()), (404, 404));
    assert_eq!(others.json(), nobodys.json(), "nobody learns who is a patient here");

    let bob = r#"{"resourceType":"Patient","id":"bob","active":false}"#;
    assert_eq!(practice.ask(Method::PUT, "/Patient/bob", &eve, bob).await.status, 404);
    assert_eq!(practice.ask(Method::DELETE, "/Patient/bob", &eve, "").await.status, 404);
    let own = r#"{"resourceType":"Patient","id":"eve","active":false}"#;
    assert_eq!(practice.ask(Method::PUT, "/Patient/eve", &eve, own).await.status, 200);
    let kept = practice.ask(Method::GET, "/Patient/bob", &fields, "").await;
    assert_eq!((kept.status.as_u16(), kept.field("etag")), (200, "W/\"1\""));
}
