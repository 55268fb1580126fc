//! A token of one patient, through the whole pipeline.

use std::sync::Arc;

use adapter::{Adapter, Call, Error, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};
use http::Method;
use serde_json::Value;

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

fn appointment(id: &str, identifier: &str, patients: &[&str]) -> String {
    let actors = patients.iter().map(|id| format!(r#"{{"actor":{{"reference":"Patient/{id}"}},"status":"accepted"}}"#));
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(
        r#"{{"resourceType":"Appointment",{id}"status":"proposed","identifier":[{{"value":"{identifier}"}}],"participant":[{}]}}"#,
        actors.collect::<Vec<_>>().join(",")
    )
}

/// A practice with an appointment of Bob's (`bobs`, identifier `b`) and one of both (`group`, identifier `g`), and a token of
/// Eve's.
async fn eve_and_bob() -> (Practice, String, String) {
    let practice = Practice::open().await;
    let system = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", system.as_str()), ("content-type", "application/fhir+json")];
    for (id, identifier, patients) in [("bobs", "b", &["bob"][..]), ("group", "g", &["eve", "bob"])] {
        let body = appointment(id, identifier, patients);
        let made = practice.ask(Method::PUT, &format!("/Appointment/{id}"), &fields, body).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
    }
    let granted = practice.token_for("launch/patient patient/*.cruds", "&patient=eve").await;
    let eve = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    (practice, system, eve)
}

#[tokio::test]
async fn a_patients_token_creates_by_update_inside_its_compartment_and_overwrites_nothing_outside() {
    let (practice, system, eve) = eve_and_bob().await;
    let put = async |id: &str, body: String| {
        let fields = [("authorization", eve.as_str()), ("content-type", "application/fhir+json")];
        practice.ask(Method::PUT, &format!("/Appointment/{id}"), &fields, body).await.status.as_u16()
    };
    assert_eq!(put("new", appointment("new", "n", &["eve"])).await, 201);
    assert_eq!(put("new", appointment("new", "n2", &["eve"])).await, 200);
    assert_eq!(put("newer", appointment("newer", "n", &["bob"])).await, 403, "not of the patient");
    assert_eq!(put("bobs", appointment("bobs", "b", &["eve"])).await, 404);
    assert_eq!(put("group", appointment("group", "g", &["eve"])).await, 403);
    let fields = [("authorization", system.as_str())];
    for id in ["bobs", "group"] {
        let kept = practice.ask(Method::GET, &format!("/Appointment/{id}"), &fields, "").await;
        assert_eq!(kept.field("etag"), "W/\"1\"", "{id}");
    }
    assert_eq!(practice.ask(Method::DELETE, "/Appointment/bobs", &fields, "").await.status, 204);
    assert_eq!(
        put("bobs", appointment("bobs", "b", &["eve"])).await,
        404,
        "what was somebody else's is not taken over"
    );
    let own = [("authorization", eve.as_str()), ("content-type", "application/fhir+json")];
    let patient = r#"{"resourceType":"Patient","id":"eve"}"#;
    assert_eq!(practice.ask(Method::PUT, "/Patient/eve", &own, patient).await.status, 404, "nobody makes a patient");
}

#[tokio::test]
async fn a_patients_token_writes_by_a_condition_that_sees_its_own_compartment_only() {
    let (practice, system, eve) = eve_and_bob().await;
    let ask = async |method: Method, query: &str, condition: &str, body: String| {
        let mut fields = vec![("authorization", eve.as_str()), ("content-type", "application/fhir+json")];
        fields.extend((!condition.is_empty()).then_some(("if-none-exist", condition)));
        practice.ask(method, &format!("/Appointment{query}"), &fields, body).await
    };
    // Bob's has that identifier; Eve's condition does not see it.
    let first = ask(Method::POST, "", "identifier=b", appointment("", "b", &["eve"])).await;
    let again = ask(Method::POST, "", "identifier=b", appointment("", "b", &["eve"])).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200), "{:?}", first.json());
    assert_eq!(first.json()["id"], again.json()["id"]);

    let updated = ask(Method::PUT, "?identifier=b", "", appointment("", "b", &["eve"])).await;
    assert_eq!((updated.status.as_u16(), updated.field("etag")), (200, "W/\"2\""), "{:?}", updated.json());
    assert_eq!(updated.json()["id"], first.json()["id"]);
    let made = ask(Method::PUT, "?identifier=c", "", appointment("", "c", &["eve"])).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    assert!(made.field("location").contains("/Appointment/"));
    assert_eq!(ask(Method::PUT, "?identifier=d", "", appointment("chosen", "d", &["eve"])).await.status, 403);
    assert_eq!(ask(Method::PUT, "?identifier=g", "", appointment("", "g", &["eve"])).await.status, 403, "Bob's too");
    assert_eq!(ask(Method::PUT, "?status=proposed&_count=1", "", appointment("", "c", &["eve"])).await.status, 400);
    let fields = [("authorization", eve.as_str()), ("content-type", "application/fhir+json"), ("if-match", "W/\"1\"")];
    let stale = practice.ask(Method::PUT, "/Appointment?identifier=e", &fields, appointment("", "e", &["eve"])).await;
    assert_eq!(stale.status, 412, "a version of what is not there: {:?}", stale.json());
    let many = ask(Method::PUT, "?status=proposed", "", appointment("", "c", &["eve"])).await;
    assert_eq!((many.status.as_u16(), many.issue().as_str()), (412, "multiple-matches"));

    assert_eq!(ask(Method::DELETE, "?identifier=b", "", String::new()).await.status, 204);
    assert_eq!(ask(Method::DELETE, "?identifier=b", "", String::new()).await.status, 204, "nothing is left to delete");
    assert_eq!(ask(Method::DELETE, "?identifier=g", "", String::new()).await.status, 403);
    let all =
        practice.ask(Method::GET, "/Appointment?_sort=_id", &[("authorization", system.as_str())], "").await.json();
    let left: Vec<&str> =
        all["entry"].as_array().unwrap().iter().filter_map(|entry| entry["resource"]["id"].as_str()).collect();
    assert!(left.contains(&"bobs") && left.contains(&"group") && left.len() == 3, "{left:?}");
}

#[tokio::test]
async fn a_search_does_not_tell_a_patient_who_else_takes_part() {
    let (practice, _, eve) = eve_and_bob().await;
    let eve = [("authorization", eve.as_str())];
    let found = practice.ask(Method::GET, "/Appointment?identifier=g", &eve, "").await;
    assert_eq!((&found.json()["total"], found.json().to_string().contains("bob")), (&Value::from(1), false));
    for query in ["actor=Patient/bob", "patient=bob", "actor:not=Patient/bob"] {
        let refused = practice.ask(Method::GET, &format!("/Appointment?{query}"), &eve, "").await;
        assert_eq!(refused.status, 403, "{query}");
    }
}

/// Finds nothing, and then has what was to be made: somebody else was faster.
struct Overtaken;

#[async_trait::async_trait]
impl Adapter for Overtaken {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let offered = ResourceCapability {
            interactions: [InteractionCode::Update, InteractionCode::Create, InteractionCode::SearchType].into(),
            conditional_update: true,
            ..ResourceCapability::default()
        };
        capability.resources.insert(ResourceType::APPOINTMENT, offered);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        match call.interaction {
            Interaction::SearchType { .. } => {
                Ok(Reply::new(Status::Ok).with_body(r#"{"resourceType":"Bundle","type":"searchset"}"#))
            }
            _ => Ok(Reply::new(Status::Ok).with_body(appointment("a", "a", &["eve"]))),
        }
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn an_update_by_condition_that_was_overtaken_says_that_nothing_was_changed() {
    let adapters = [("overtaken".to_owned(), Arc::new(Overtaken) as Arc<dyn Adapter>)].into();
    let practice = Practice::around("", adapters).await;
    let granted = practice.token_for("launch/patient patient/*.cruds", "&patient=eve").await;
    let eve = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let fields = [("authorization", eve.as_str()), ("content-type", "application/fhir+json")];
    let body = appointment("", "a", &["eve"]);
    let overtaken = practice.ask(Method::PUT, "/Appointment?identifier=a", &fields, body).await;
    assert_eq!((overtaken.status.as_u16(), overtaken.issue().as_str()), (409, "conflict"));
}
