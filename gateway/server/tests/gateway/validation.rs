//! `$validate`, profiles and modes of validation, as a client sees them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

const JSON: (&str, &str) = ("content-type", "application/fhir+json");
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

/// A practice and somebody who may do everything there.
struct Client {
    practice: Practice,
    bearer: String,
}

impl Client {
    async fn of(settings: &str) -> Self {
        let practice = Practice::with(settings).await;
        let bearer = format!("Bearer {}", practice.token("system/*.cruds").await);
        Self { practice, bearer }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let fields = [("authorization", self.bearer.as_str()), JSON];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.practice.ask(method, path, &fields, body).await
    }
}

fn parameters(resource: &Value, more: &[Value]) -> Value {
    let resource = json!({ "name": "resource", "resource": resource });
    let all = [vec![resource], more.to_vec()].concat();
    json!({ "resourceType": "Parameters", "parameter": all })
}

fn severities(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.json());
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    outcome["issue"].as_array().unwrap().iter().map(|issue| issue["severity"].as_str().unwrap().to_owned()).collect()
}

fn us_core() -> Value {
    json!({
        "resourceType": "Patient", "gender": "female",
        "identifier": [{ "system": "http://clinic.example/mrn", "value": "1" }],
        "name": [{ "family": "Chalmers", "given": ["Ann"] }],
    })
}

#[tokio::test]
async fn a_resource_is_judged_alone_and_in_parameters_and_the_answer_is_200_whatever_is_wrong() {
    let client = Client::of("").await;
    let good = json!({ "resourceType": "Patient", "active": true });
    let bad = json!({ "resourceType": "Patient", "active": "yes" });
    assert_eq!(severities(&client.ask(Method::POST, "/Patient/$validate", &good).await), ["information"]);
    let answer = client.ask(Method::POST, "/Patient/$validate", &bad).await;
    assert_eq!(severities(&answer), ["error"]);
    assert_eq!(answer.json()["issue"][0]["expression"][0], "Patient.active");
    let answer = client.ask(Method::POST, "/Patient/$validate", &parameters(&bad, &[])).await;
    assert_eq!(answer.json()["issue"][0]["expression"][0], "Patient.active");
    let found = client.ask(Method::GET, "/Patient", &Value::Null).await;
    assert_eq!(found.json()["total"], 0, "nothing is stored");
}

#[tokio::test]
async fn a_profile_is_asked_for_by_parameter() {
    let client = Client::of("").await;
    let plain = json!({ "resourceType": "Patient", "gender": "female" });
    let profile = [json!({ "name": "profile", "valueUri": US_CORE })];
    let answer = client.ask(Method::POST, "/Patient/$validate", &parameters(&plain, &profile)).await;
    assert!(severities(&answer).contains(&"error".to_owned()));
    let answer = client.ask(Method::POST, "/Patient/$validate", &parameters(&us_core(), &profile)).await;
    assert!(!severities(&answer).contains(&"error".to_owned()), "{}", answer.json());
    let mode = [json!({ "name": "mode", "valueCode": "profile" })];
    let answer = client.ask(Method::POST, "/Patient/$validate", &parameters(&plain, &mode)).await;
    assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (400, "required"));
}

#[tokio::test]
async fn a_profile_may_name_its_version_and_one_that_nobody_has_is_said() {
    let client = Client::of("").await;
    for (profile, code) in [
        (format!("{US_CORE}|6.1.0"), "structure"),
        (format!("{US_CORE}|0.0.1"), "not-found"),
        ("http://nobody.example/StructureDefinition/none".to_owned(), "not-found"),
    ] {
        let profile = [json!({ "name": "profile", "valueUri": profile })];
        let plain = json!({ "resourceType": "Patient", "gender": "female" });
        let answer = client.ask(Method::POST, "/Patient/$validate", &parameters(&plain, &profile)).await;
        assert_eq!(answer.status, 200);
        let outcome = answer.json();
        let issues = outcome["issue"].as_array().unwrap();
        assert!(issues.iter().any(|issue| issue["code"] == code), "{profile:?} {outcome}");
    }
}

#[tokio::test]
async fn each_mode_asks_what_it_is_about() {
    let client = Client::of("").await;
    let without = json!({ "resourceType": "Patient", "gender": "female" });
    let with = json!({ "resourceType": "Patient", "id": "a", "gender": "female" });
    let profile = json!({ "name": "profile", "valueUri": US_CORE });
    for (path, resource, mode, more, sound) in [
        ("/Patient/$validate", &without, "create", None, true),
        ("/Patient/$validate", &without, "update", None, false),
        ("/Patient/$validate", &with, "update", None, true),
        ("/Patient/a/$validate", &with, "update", None, true),
        ("/Patient/b/$validate", &with, "update", None, false),
        ("/Patient/b/$validate", &with, "delete", None, true),
        ("/Patient/$validate", &with, "profile", Some(&profile), false),
    ] {
        let mode = json!({ "name": "mode", "valueCode": mode });
        let more: Vec<Value> = [Some(&mode), more].into_iter().flatten().cloned().collect();
        let answer = client.ask(Method::POST, path, &parameters(resource, &more)).await;
        assert_eq!(!severities(&answer).contains(&"error".to_owned()), sound, "{path} {mode} {}", answer.json());
    }
}

#[tokio::test]
async fn what_is_stored_is_judged_by_get_and_post_and_what_is_not_is_404() {
    let client = Client::of("").await;
    let patient = json!({ "resourceType": "Patient", "id": "a", "gender": "female" });
    assert_eq!(client.ask(Method::PUT, "/Patient/a", &patient).await.status, 201);
    let answer = client.ask(Method::GET, "/Patient/a/$validate", &Value::Null).await;
    assert_eq!(severities(&answer), ["information"]);
    let path = format!("/Patient/a/$validate?profile={US_CORE}");
    let answer = client.ask(Method::GET, &path, &Value::Null).await;
    assert!(severities(&answer).contains(&"error".to_owned()));
    let empty = json!({ "resourceType": "Parameters", "parameter": [{ "name": "mode", "valueCode": "delete" }] });
    assert_eq!(severities(&client.ask(Method::POST, "/Patient/a/$validate", &empty).await), ["information"]);
    assert_eq!(client.ask(Method::GET, "/Patient/b/$validate", &Value::Null).await.status, 404);
    let other = json!({ "resourceType": "Patient", "id": "b", "gender": "female" });
    let update = [json!({ "name": "mode", "valueCode": "update" })];
    let answer = client.ask(Method::POST, "/Patient/a/$validate", &parameters(&other, &update)).await;
    assert_eq!(severities(&answer), ["error"], "the id of the URL");
}

#[tokio::test]
async fn to_ask_needs_a_token_that_may_read_the_type() {
    let client = Client::of("").await;
    let good = json!({ "resourceType": "Patient", "active": true }).to_string();
    for (scope, status) in [("system/Patient.r", 200), ("system/Patient.c", 403), ("system/Slot.r", 403)] {
        let bearer = format!("Bearer {}", client.practice.token(scope).await);
        let fields = [("authorization", bearer.as_str()), JSON];
        let answer = client.practice.ask(Method::POST, "/Patient/$validate", &fields, good.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{scope}");
    }
    let answer = client.practice.ask(Method::POST, "/Patient/$validate", &[JSON], good).await;
    assert_eq!(answer.status, 401);
}

/// Ten megabytes take the validator a good part of a second here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_read_is_answered_while_a_large_bundle_is_validated() {
    let settings = "workers = 1\n--\n[limits]\nbody = \"16MiB\"\n";
    let client = Arc::new(Client::of(settings).await);
    let patient = json!({ "resourceType": "Patient", "id": "a", "active": true });
    assert_eq!(client.ask(Method::PUT, "/Patient/a", &patient).await.status, 201);
    let mut entry = us_core();
    entry["name"][0]["given"] = json!(vec!["Annabella Maximiliana Josephine of the House"; 40]);
    let entries = vec![json!({ "resource": entry }); 10 * 1024 * 1024 / entry.to_string().len()];
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let (asking, bundle) = (Arc::clone(&client), bundle.to_string());
    let began = Instant::now();
    let judged = tokio::spawn(async move {
        let fields = [("authorization", asking.bearer.as_str()), JSON];
        asking.practice.ask(Method::POST, "/Bundle/$validate", &fields, bundle).await
    });
    let mut slowest = Duration::ZERO;
    while !judged.is_finished() {
        let began = Instant::now();
        assert_eq!(client.ask(Method::GET, "/Patient/a", &Value::Null).await.status, 200);
        slowest = slowest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let whole = began.elapsed();
    assert!(!severities(&judged.await.unwrap()).contains(&"fatal".to_owned()));
    assert!(slowest < whole / 3, "a read took {slowest:?} while a bundle took {whole:?}");
}

#[tokio::test]
async fn the_operation_stands_in_the_statement() {
    let client = Client::of("").await;
    let statement = client.practice.get("/metadata").await.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let patient = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    let operation = json!({
        "name": "validate",
        "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    });
    assert!(patient["operation"].as_array().unwrap().contains(&operation), "{patient}");
}

#[tokio::test]
async fn what_a_resource_claims_is_enforced_on_create_and_update() {
    let client = Client::of("").await;
    let mut patient = us_core();
    patient["meta"] = json!({ "profile": [US_CORE] });
    let made = client.ask(Method::POST, "/Patient", &patient).await;
    assert_eq!(made.status, 201, "{}", made.json());
    patient.as_object_mut().unwrap().remove("name");
    let refused = client.ask(Method::POST, "/Patient", &patient).await;
    assert_eq!(refused.status, 422, "{}", refused.json());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    patient["id"] = id.as_str().into();
    assert_eq!(client.ask(Method::PUT, &format!("/Patient/{id}"), &patient).await.status, 422);
}

#[tokio::test]
async fn a_profile_of_the_configuration_counts_for_its_type_only_and_a_type_may_be_warned_of() {
    let route = |rules: &str| {
        format!(
            "[[routes]]\nadapter = \"store\"\ntypes = [\"Patient\", \"Location\"]\nprofiles = [\"{US_CORE}\"]\n{rules}"
        )
    };
    let patient = json!({ "resourceType": "Patient", "gender": "female" });
    let enforcing = Client::of(&route("")).await;
    assert_eq!(enforcing.ask(Method::POST, "/Patient", &patient).await.status, 422);
    let location = json!({ "resourceType": "Location", "name": "Room 1" });
    assert_eq!(enforcing.ask(Method::POST, "/Location", &location).await.status, 201);
    let create = [json!({ "name": "mode", "valueCode": "create" })];
    let told = enforcing.ask(Method::POST, "/Patient/$validate", &parameters(&patient, &create)).await;
    assert!(severities(&told).contains(&"error".to_owned()));

    let warning = Client::of(&route("by-type.Patient = { validate = \"warn\" }")).await;
    let made = warning.ask(Method::POST, "/Patient", &patient).await;
    assert_eq!(made.status, 201);
    assert!(made.field("x-frontdesk-warnings").parse::<u32>().unwrap() > 0);
    let fields = [("authorization", warning.bearer.as_str()), JSON, ("prefer", "return=OperationOutcome")];
    let told = warning.practice.ask(Method::POST, "/Patient", &fields, patient.to_string()).await;
    assert_eq!((told.status.as_u16(), &told.json()["resourceType"]), (201, &json!("OperationOutcome")));
    assert!(told.json().to_string().contains("identifier"), "{}", told.json());

    let off = Client::of(&route("by-type.Patient = { validate = \"off\" }")).await;
    assert_eq!(off.ask(Method::POST, "/Patient", &patient).await.field("x-frontdesk-warnings"), "");
    assert_eq!(off.ask(Method::POST, "/Location", &json!({ "resourceType": "Location", "x": 1 })).await.status, 400);
}
