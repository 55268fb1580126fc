//! `Patient/$match`, as a client sees it.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

struct Registry {
    practice: Practice,
    token: String,
}

impl Registry {
    async fn open(settings: &str) -> Self {
        let practice = Practice::with(settings).await;
        let token = format!("Bearer {}", practice.token("system/*.cruds").await);
        Self { practice, token }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let fields = [("authorization", self.token.as_str()), ("content-type", "application/fhir+json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.practice.ask(method, path, &fields, body).await
    }

    async fn admit(&self, patient: &Value) -> String {
        let created = self.ask(Method::POST, "/Patient", patient).await;
        assert_eq!(created.status, 201, "{:?}", created.json());
        created.json()["id"].as_str().unwrap().to_owned()
    }

    async fn matched(&self, patient: &Value, more: &[Value]) -> Vec<(String, String, f64)> {
        let answer = self.ask(Method::POST, "/Patient/$match", &parameters(patient, more)).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        graded(&answer.json())
    }
}

fn parameters(patient: &Value, more: &[Value]) -> Value {
    let mut all = vec![json!({ "name": "resource", "resource": patient })];
    all.extend_from_slice(more);
    json!({ "resourceType": "Parameters", "parameter": all })
}

fn graded(bundle: &Value) -> Vec<(String, String, f64)> {
    let matches = bundle["entry"].as_array().into_iter().flatten().filter(|entry| entry["search"]["mode"] == "match");
    matches
        .map(|entry| {
            let search = &entry["search"];
            assert_eq!(search["extension"][0]["url"], GRADE);
            let id = entry["resource"]["id"].as_str().unwrap().to_owned();
            assert!(entry["fullUrl"].as_str().unwrap().ends_with(&format!("/Patient/{id}")));
            let grade = search["extension"][0]["valueCode"].as_str().unwrap().to_owned();
            (id, grade, search["score"].as_f64().unwrap())
        })
        .collect()
}

fn patient(identifier: &str, family: &str, given: &str, born: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [{ "system": "urn:mrn", "value": identifier }],
        "name": [{ "family": family, "given": [given] }],
        "birthDate": born,
        "gender": "female",
        "telecom": [{ "system": "phone", "value": format!("+49 30 55500{identifier}") }],
    })
}

#[tokio::test]
async fn whoever_is_meant_is_found_by_whatever_is_known_and_graded() {
    let registry = Registry::open("").await;
    let eva = registry.admit(&patient("101", "Müller", "Eva", "1980-02-11")).await;
    let namesake = json!({ "resourceType": "Patient", "name": [{ "family": "Muller", "given": ["Eva Maria"] }],
        "birthDate": "1980-02-11" });
    let namesake = registry.admit(&namesake).await;
    registry.admit(&patient("103", "Okafor", "Ada", "1955-09-23")).await;

    let known = patient("101", "Mueller", "Eva", "1980-02-11");
    let found = registry.matched(&known, &[]).await;
    assert_eq!(found[0], (eva.clone(), "certain".into(), 1.0), "{found:?}");
    assert_eq!(found[1..], [(namesake, "possible".into(), 0.54)], "{found:?}");

    // An identifier alone; a name and a date whose day and month were swapped.
    let alone = json!({ "resourceType": "Patient", "identifier": known["identifier"] });
    assert_eq!(registry.matched(&alone, &[]).await, [(eva.clone(), "probable".into(), 0.6)]);
    let transposed = json!({ "resourceType": "Patient", "name": [{ "family": "Müller", "given": ["Eva"] }],
        "birthDate": "1980-11-02" });
    let found = registry.matched(&transposed, &[]).await;
    assert_eq!(found[0], (eva, "possible".into(), 0.53), "{found:?}");
    let stranger = patient("999", "Nobody", "Otto", "2001-01-01");
    assert!(registry.matched(&stranger, &[]).await.is_empty());
}

#[tokio::test]
async fn a_count_is_kept_and_only_a_certain_match_is_one() {
    let registry = Registry::open("").await;
    let first = registry.admit(&patient("1", "Berg", "Mia", "1990-03-04")).await;
    let copy = json!({ "resourceType": "Patient", "name": [{ "family": "Berg", "given": ["Mia"] }],
        "birthDate": "1990-03-04", "gender": "female", "telecom": [{ "system": "phone", "value": "030555001" }] });
    let second = registry.admit(&copy).await;
    let only = json!({ "name": "onlyCertainMatches", "valueBoolean": true });
    let one = json!({ "name": "count", "valueInteger": 1 });
    let known = patient("1", "Berg", "Mia", "1990-03-04");
    assert_eq!(registry.matched(&known, std::slice::from_ref(&only)).await.len(), 1);
    assert_eq!(registry.matched(&known, &[one]).await.iter().map(|found| &found.0).collect::<Vec<_>>(), [&first]);
    // Without the identifier both are as likely: none is certain.
    assert!(registry.matched(&copy, &[only]).await.is_empty());
    let both = registry.matched(&copy, &[]).await;
    let mut ids: Vec<&str> = both.iter().map(|found| found.0.as_str()).collect();
    ids.sort_unstable();
    let mut expected = [first.as_str(), second.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(both.iter().all(|found| found.1 == "probable"), "{both:?}");
}

#[tokio::test]
async fn what_is_no_question_is_refused_by_its_place() {
    let registry = Registry::open("").await;
    let refused = async |body: Value| {
        let answer = registry.ask(Method::POST, "/Patient/$match", &body).await;
        let place = answer.json()["issue"][0]["expression"][0].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), place)
    };
    let nothing = json!({ "resourceType": "Parameters", "parameter": [{ "name": "count", "valueInteger": 1 }] });
    assert_eq!(refused(nothing).await, (400, "Parameters.parameter.where(name='resource')".into()));
    let broken = parameters(&json!({ "resourceType": "Patient", "birthDate": "soon" }), &[]);
    assert_eq!(refused(broken).await, (400, "Parameters.parameter[0].resource.birthDate".into()));
    let slot = parameters(&json!({ "resourceType": "Slot", "status": "free" }), &[]);
    assert_eq!(refused(slot).await.0, 400);
    let nobody = parameters(&json!({ "resourceType": "Patient", "active": true }), &[]);
    assert_eq!(refused(nobody).await, (422, "Parameters.parameter[0].resource".into()));
    let known = patient("1", "Berg", "Mia", "1990-03-04");
    let none = parameters(&known, &[json!({ "name": "count", "valueInteger": 0 })]);
    assert_eq!(refused(none).await, (400, "Parameters.parameter.where(name='count')".into()));
    assert_eq!(registry.ask(Method::GET, "/Patient/$match?count=1", &Value::Null).await.status, 405);
    assert_eq!(registry.ask(Method::POST, "/Patient/$match", &known).await.status, 200, "a Patient alone");
}

#[tokio::test]
async fn it_needs_the_scope_of_a_search_and_is_not_for_patients() {
    let registry = Registry::open("").await;
    let id = registry.admit(&patient("1", "Berg", "Mia", "1990-03-04")).await;
    let body = parameters(&patient("1", "Berg", "Mia", "1990-03-04"), &[]).to_string();
    let as_one = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let fields = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
        registry.practice.ask(Method::POST, "/Patient/$match", &fields, body.clone()).await.status.as_u16()
    };
    assert_eq!(as_one(&registry.practice.token("system/Patient.s").await).await, 200);
    assert_eq!(as_one(&registry.practice.token("system/Patient.r").await).await, 403);
    let own = registry.practice.token_for("launch/patient patient/*.cruds", &format!("&patient={id}")).await;
    assert_eq!(as_one(own.json()["access_token"].as_str().unwrap()).await, 403);
}

#[tokio::test]
async fn it_stands_in_metadata_and_names_in_the_audit_log_who_was_shown() {
    let registry = Registry::open("").await;
    let id = registry.admit(&patient("1", "Berg", "Mia", "1990-03-04")).await;
    let metadata = registry.practice.get("/metadata").await.json();
    let resources = metadata["rest"][0]["resource"].as_array().unwrap().clone();
    let of = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    let offered = json!({ "name": "match", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-match" });
    assert!(of["operation"].as_array().unwrap().contains(&offered), "{of}");
    assert!(
        !resources.iter().any(|other| other["type"] == "Slot" && other["operation"].to_string().contains("\"match\""))
    );

    assert_eq!(registry.matched(&patient("1", "Berg", "Mia", "1990-03-04"), &[]).await.len(), 1);
    let auditor = format!("Bearer {}", registry.practice.token("system/AuditEvent.rs").await);
    let fields = [("authorization", auditor.as_str())];
    let path = format!("/AuditEvent?patient={id}&subtype=operation");
    for _ in 0..50 {
        let events = registry.practice.ask(Method::GET, &path, &fields, "").await.json();
        if events["entry"].as_array().is_some_and(|found| found.len() == 1) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("expected one record of the operation for the patient");
}
