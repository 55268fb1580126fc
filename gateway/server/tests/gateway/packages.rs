//! What packages bring, as a client sees it.

use http::Method;
use serde_json::{Value, json};

use crate::harness::Practice;

const RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";

/// A patient with one category of race.
fn patient(code: &str) -> Value {
    let coding = json!({ "system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": "x" });
    let parts = json!([{ "url": "ombCategory", "valueCoding": coding }, { "url": "text", "valueString": "x" }]);
    json!({ "resourceType": "Patient", "extension": [{ "url": RACE, "extension": parts }] })
}

#[tokio::test]
async fn a_practice_that_lists_us_core_searches_patients_by_race() {
    let practice = Practice::with("[packages]\nload = [\"hl7.fhir.us.core#7.0.0\"]\n").await;
    let bearer = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
    for code in ["2106-3", "2054-5"] {
        let answer = practice.ask(Method::POST, "/Patient", &fields, patient(code).to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    let found = practice.ask(Method::GET, "/Patient?race=2106-3", &fields, "").await.json();
    assert_eq!(found["total"], 1, "{found}");
    assert_eq!(found["entry"][0]["resource"]["extension"][0]["extension"][0]["valueCoding"]["code"], "2106-3");
    let metadata = practice.get("/metadata").await.json();
    let resources = metadata["rest"][0]["resource"].as_array().unwrap();
    let own = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    let names: Vec<_> = own["searchParam"].as_array().unwrap().iter().map(|found| &found["name"]).collect();
    assert!(names.iter().any(|name| **name == "race") && names.iter().any(|name| **name == "ethnicity"), "{names:?}");
}
