//! What is said of values: of the specification without any profile, and of profiles with extensions of definitions.

use fhir::{Severity, Version};
use profile::{Request, Validator};
use serde_json::{Value, json};

use crate::support::*;

/// Errors without any profile.
fn plain(version: Version, resource: &Value) -> Vec<String> {
    let outcome = Validator::new(version).validate(resource.to_string().as_bytes(), &Request::default());
    let errors = outcome.0.into_iter().filter(|issue| issue.severity >= Severity::Error);
    errors.map(|issue| format!("{}: {}", issue.expression.unwrap_or_default(), issue.text)).collect()
}

fn quantity(value: f64, unit: &str) -> Value {
    json!({ "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit })
}

/// A vital sign that follows its profile.
fn vital_sign(code: &str, unit: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "subject": { "reference": "Patient/1" },
        "effectiveDateTime": "2026-01-01", "valueQuantity": quantity(70.0, unit),
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
    })
}

#[test]
fn an_observation_with_the_code_of_a_vital_sign_follows_its_profile_without_claiming_it() {
    for version in Version::ALL {
        let weight = vital_sign("29463-7", "kg");
        assert_eq!(plain(version, &weight), Vec::<String>::new());
        let mut without_category = weight.clone();
        without_category.as_object_mut().unwrap().remove("category");
        let found = plain(version, &without_category);
        assert!(
            !found.is_empty() && found.iter().all(|text| text.contains("StructureDefinition/bodyweight")),
            "{found:?}"
        );
        let mut in_miles = weight;
        in_miles["valueQuantity"] = quantity(70.0, "[mi_i]");
        let found = plain(version, &in_miles);
        assert!(found.len() == 1 && found[0].contains("ucum-bodyweight"), "{found:?}");
    }
    let mut other = vital_sign("2345-7", "mg/dL");
    other.as_object_mut().unwrap().remove("category");
    assert_eq!(plain(Version::R4, &other), Vec::<String>::new());
}

#[test]
fn units_of_components_of_vital_signs_are_only_proposed_in_r4() {
    let mut saturation = vital_sign("2708-6", "%");
    let flow = json!({ "coding": [{ "system": "http://loinc.org", "code": "3151-8" }] });
    saturation["component"] = json!([{ "code": flow, "valueQuantity": quantity(2.0, "L/min") }]);
    assert_eq!(plain(Version::R4, &saturation), Vec::<String>::new());
}

#[test]
fn a_simple_quantity_of_the_specification_has_no_comparator() {
    for version in Version::ALL {
        let range = |low: Value| {
            let code = json!({ "text": "x" });
            json!({ "resourceType": "Observation", "status": "final", "code": code, "referenceRange": [{ "low": low }] })
        };
        assert_eq!(plain(version, &range(json!({ "value": 1 }))), Vec::<String>::new());
        let found = plain(version, &range(json!({ "value": 1, "comparator": "<" })));
        assert!(found.len() == 1 && found[0].starts_with("Observation.referenceRange[0].low: sqty-1"), "{found:?}");
    }
}

#[test]
fn a_value_has_the_form_of_the_regular_expression_of_its_element_or_type() {
    let regex = |expression: &str| json!([{ "url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": expression }]);
    let of_element = json!({ "id": "Patient.id", "path": "Patient.id", "extension": regex("[A-Z]{2}\\d+") });
    let of_type = json!({ "id": "Patient.language", "path": "Patient.language", "type": [{ "code": "code", "extension": regex("d.") }] });
    let profile = profile_of("Patient", json!([of_element, of_type]));
    accepted(&profile, &patient(json!({ "id": "AB12", "language": "de" })));
    refused(&profile, &patient(json!({ "id": "AB12x" })), "Patient.id", "regex");
    refused(&profile, &patient(json!({ "id": "xAB12" })), "Patient.id", "regex");
    refused(&profile, &patient(json!({ "language": "en" })), "Patient.language", "regex");
    // What is no regular expression here refuses nothing.
    let broken = json!([{ "id": "Patient.id", "path": "Patient.id", "extension": regex("(?<!x") }]);
    accepted(&profile_of("Patient", broken), &patient(json!({ "id": "a" })));
}

#[test]
fn a_moment_lies_as_far_from_now_as_a_quantity_allows() {
    let years = |value: u32| json!({ "value": value, "system": "http://unitsofmeasure.org", "code": "a" });
    let element = json!({
        "id": "Patient.birthDate", "path": "Patient.birthDate", "minValueQuantity": years(150), "maxValueQuantity": years(1)
    });
    let profile = profile_of("Patient", json!([element]));
    accepted(&profile, &patient(json!({ "birthDate": "1980-02-03" })));
    refused(&profile, &patient(json!({ "birthDate": "1780-02-03" })), "Patient.birthDate", "no less than");
    refused(&profile, &patient(json!({ "birthDate": "2980-02-03" })), "Patient.birthDate", "no more than");
}

#[test]
fn a_rule_of_a_profile_knows_what_day_it_is() {
    let rule = json!({ "key": "b-1", "severity": "error", "human": "born", "expression": "birthDate <= today()" });
    let profile = profile_of("Patient", json!([{ "id": "Patient", "path": "Patient", "constraint": [rule] }]));
    accepted(&profile, &patient(json!({ "birthDate": "2001-02-03" })));
    refused(&profile, &patient(json!({ "birthDate": "2980-02-03" })), "Patient", "b-1");
}

#[test]
fn in_place_of_a_value_stands_one_of_the_extensions_that_a_profile_names() {
    let reason = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
    let element = json!({ "id": "Patient.birthDate", "path": "Patient.birthDate", "valueAlternatives": [reason] });
    let profile = profile_of("Patient", json!([element]));
    let absent = |url: &str, value: Value| {
        let mut extension = json!({ "url": url });
        extension.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        patient(json!({ "_birthDate": { "extension": [extension] } }))
    };
    accepted(&profile, &patient(json!({ "birthDate": "1980" })));
    accepted(&profile, &absent(reason, json!({ "valueCode": "unknown" })));
    let other = absent("http://a.example/other", json!({ "valueString": "x" }));
    refused(&profile, &other, "Patient.birthDate", "or an extension");
}

#[test]
fn a_canonical_refers_to_what_the_profile_allows() {
    let targets = json!(["http://hl7.org/fhir/StructureDefinition/Questionnaire"]);
    let path = "CarePlan.instantiatesCanonical";
    let element = json!({ "id": path, "path": path, "type": [{ "code": "canonical", "targetProfile": targets }] });
    let operation =
        json!({ "resourceType": "OperationDefinition", "url": "http://a.example/operation", "status": "active" });
    let definitions = [profile_of("CarePlan", json!([element])), operation];
    let plan = |canonical: &str| {
        let subject = json!({ "reference": "Patient/1" });
        json!({
            "resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": subject, "instantiatesCanonical": [canonical]
        })
    };
    assert_eq!(errors(&definitions, &plan("http://a.example/nobody-knows")), Vec::<String>::new());
    let found = errors(&definitions, &plan("http://a.example/operation"));
    let is_meant = |text: &String| text.starts_with(path) && text.contains("found that of a OperationDefinition");
    assert!(found.len() == 1 && found.iter().all(is_meant), "{found:?}");
}

#[test]
fn what_a_profile_imposes_holds_as_well() {
    let other = "http://example.org/imposed";
    let imposed = definition(other, "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let mut profile = profile_of("Patient", json!([]));
    profile["extension"] = json!([
        { "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile", "valueCanonical": other },
        { "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-compliesWithProfile", "valueCanonical": other },
    ]);
    let found = errors(&[profile, imposed], &patient(json!({ "active": true })));
    assert!(found.len() == 1 && found[0].contains("at least 1 of `Patient.name`"), "{found:?}");
}
