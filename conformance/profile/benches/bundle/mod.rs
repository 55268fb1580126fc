//! A Bundle of many patients, made from one.

use serde_json::{Value, json};

/// A collection with `count` patients that differ in id, identifier, names and birth date.
pub(crate) fn of_patients(patient: &[u8], count: u32) -> Vec<u8> {
    let patient: Value = serde_json::from_slice(patient).unwrap_or_default();
    let entries: Vec<Value> = (0..count).map(|number| entry(patient.clone(), number)).collect();
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }).to_string().into_bytes()
}

fn entry(mut patient: Value, number: u32) -> Value {
    let id = format!("patient-{number}");
    patient["id"] = json!(id);
    patient["birthDate"] = json!(format!("{}-{:02}-{:02}", 1930 + number % 80, 1 + number % 12, 1 + number % 28));
    patient["identifier"][0]["value"] = json!(format!("{}", 1_000_000 + number));
    for name in patient["name"].as_array_mut().into_iter().flatten() {
        name["family"] = json!(format!("Family-{number}"));
        name["given"] = json!([format!("Given-{}", number % 37), "V."]);
    }
    json!({ "fullUrl": format!("http://practice.example/fhir/Patient/{id}"), "resource": patient })
}
