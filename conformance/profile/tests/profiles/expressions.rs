//! What the rules of profiles ask of slices, profiles, codes and definitions.

use serde_json::{Value, json};

use crate::support::*;

fn rule(key: &str, expression: &str) -> Value {
    json!([{ "key": key, "severity": "error", "human": "A rule", "expression": expression }])
}

#[test]
fn a_rule_counts_the_items_of_a_slice() {
    let profile = profile_of(
        "Patient",
        json!([
            { "id": "Patient", "path": "Patient",
              "constraint": rule("p-1", &format!("identifier.slice('{PROFILE}', 'own').count() = 1")) },
            { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": {
                "discriminator": [{ "type": "value", "path": "system" }], "rules": "open" } },
            { "id": "Patient.identifier:own", "path": "Patient.identifier", "sliceName": "own" },
            { "id": "Patient.identifier:own.system", "path": "Patient.identifier.system", "fixedUri": "urn:own" },
        ]),
    );
    let identifiers = |systems: &[&str]| {
        let all: Vec<Value> = systems.iter().map(|system| json!({ "system": system, "value": "1" })).collect();
        patient(json!({ "identifier": all }))
    };
    accepted(&profile, &identifiers(&["urn:own", "urn:other"]));
    refused(&profile, &identifiers(&["urn:other"]), "Patient", "p-1");
    refused(&profile, &identifiers(&["urn:own", "urn:own"]), "Patient", "p-1");
}

#[test]
fn a_rule_that_asks_for_its_own_profile_ends() {
    let itself = format!("conformsTo('{PROFILE}')");
    let profile =
        profile_of("Patient", json!([{ "id": "Patient", "path": "Patient", "constraint": rule("p-1", &itself) }]));
    accepted(&profile, &patient(json!({ "active": true })));
}

#[test]
fn a_rule_asks_for_codes_and_definitions() {
    let expression = "%terminologies.expand('http://hl7.org/fhir/ValueSet/administrative-gender').expansion.contains.code.count() \
                      = 4 and gender.elementDefinition().max = '1' and gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')";
    let profile =
        profile_of("Patient", json!([{ "id": "Patient", "path": "Patient", "constraint": rule("p-1", expression) }]));
    accepted(&profile, &patient(json!({ "gender": "male" })));
}
