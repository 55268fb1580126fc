//! Resources of types that a package defines.

use fhir::{Severity, Version};
use profile::{Request, Validator};
use serde_json::{Value, json};

use crate::support::*;

const URL: &str = "http://example.org/StructureDefinition/Widget";

fn widget_definition(kind: &str) -> Value {
    let type_ = if kind == "logical" { URL } else { "Widget" };
    let path = |name: &str| format!("Widget.{name}");
    let element = |name: &str, min: u32, max: &str, type_: &str| json!({ "id": path(name), "path": path(name), "min": min, "max": max, "type": [{ "code": type_ }] });
    let mut code = element("code", 1, "1", "CodeableConcept");
    code["patternCodeableConcept"] = json!({ "coding": [{ "system": "http://example.org/codes" }] });
    let mut part = element("part", 0, "*", "BackboneElement");
    part["constraint"] = json!([{ "key": "w-1", "severity": "error", "human": "a size has a name", "expression": "size.exists() implies name.exists()" }]);
    let mut value = element("value[x]", 0, "1", "Quantity");
    value["type"] = json!([{ "code": "Quantity" }, { "code": "string" }]);
    let mut owner = element("owner", 0, "1", "Reference");
    owner["type"] =
        json!([{ "code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"] }]);
    let elements = json!([
        { "id": "Widget", "path": "Widget", "min": 0, "max": "*" },
        element("name", 1, "*", "string"), code, part,
        element("part.name", 0, "1", "string"), element("part.size", 0, "1", "positiveInt"),
        value, owner,
    ]);
    json!({
        "resourceType": "StructureDefinition", "url": URL, "name": "Widget", "status": "active", "abstract": false,
        "kind": kind, "type": type_, "derivation": "specialization", "fhirVersion": "4.0.1",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/DomainResource",
        "differential": { "element": elements },
    })
}

fn widget(members: Value) -> Value {
    let code = json!({ "coding": [{ "system": "http://example.org/codes", "code": "a" }] });
    let mut widget = json!({ "resourceType": "Widget", "id": "1", "name": ["x"], "code": code });
    widget.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    widget
}

fn said(definitions: &[Value], resource: &Value) -> Vec<String> {
    let all = issues(definitions, resource, &[]);
    all.into_iter().filter(|(severity, _)| *severity >= Severity::Error).map(|(_, text)| text).collect()
}

#[track_caller]
fn one(resource: &Value, words: &str) {
    for kind in ["resource", "logical"] {
        let found = said(&[widget_definition(kind)], resource);
        assert!(found.len() == 1 && found[0].contains(words), "{resource}: {found:?}");
    }
}

#[track_caller]
fn none(resource: &Value) {
    for kind in ["resource", "logical"] {
        let found = said(&[widget_definition(kind)], resource);
        assert!(found.is_empty(), "{resource}: {found:?}");
    }
}

#[test]
fn a_resource_type_that_a_package_defines_is_known() {
    none(&widget(json!({})));
    let found = said(&[], &widget(json!({})));
    assert!(found.len() == 1 && found[0].contains("resource type of FHIR R4"), "{found:?}");
    none(
        &json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "fullUrl": "http://a.example/Widget/1", "resource": widget(json!({})) }] }),
    );
    none(&widget(json!({
        "meta": { "lastUpdated": "2026-01-01T00:00:00Z" }, "language": "en", "_name": [{ "id": "n1" }], "valueString": "v",
        "part": [{ "name": "p", "size": 2, "extension": [{ "url": "http://a.example/unknown", "valueString": "x" }] }],
        "owner": { "reference": "Patient/1" },
    })));
}

#[test]
fn its_members_are_those_of_its_definition_and_of_their_types() {
    one(&widget(json!({ "other": 1 })), "Widget.other: ");
    one(&widget(json!({ "name": "x" })), "an array");
    one(&widget(json!({ "name": [1] })), "Widget.name[0]: expected text");
    one(&widget(json!({ "owner": [{ "reference": "Patient/1" }] })), "Widget.owner: expected one");
    one(&widget(json!({ "part": [{ "size": 0, "name": "p" }] })), "Widget.part[0].size: ");
    one(&widget(json!({ "part": [{ "colour": "red" }] })), "Widget.part[0].colour: ");
    one(&widget(json!({ "valueBoolean": true })), "Widget.valueBoolean: ");
    one(&widget(json!({ "valueQuantity": { "value": "1" } })), "Widget.valueQuantity.value: ");
    one(&widget(json!({ "meta": { "lastUpdated": "2026" } })), "Widget.meta.lastUpdated: ");
    one(
        &widget(
            json!({ "contained": [{ "resourceType": "Patient", "id": "p", "birthDate": "x" }], "owner": { "reference": "#p" } }),
        ),
        "birthDate",
    );
}

#[test]
fn what_its_definition_says_of_elements_is_checked() {
    let mut without_code = widget(json!({}));
    without_code.as_object_mut().unwrap().remove("code");
    one(&without_code, "at least 1 of `Widget.code`");
    one(&widget(json!({ "code": { "text": "t" } })), "Widget.code: expected at least");
    one(&widget(json!({ "part": [{ "size": 1 }] })), "w-1");
    one(&widget(json!({ "owner": { "reference": "Practitioner/1" } })), "expected a reference to");
}

#[test]
fn a_profile_of_such_a_type_can_be_claimed() {
    let profile = json!({
        "resourceType": "StructureDefinition", "url": PROFILE, "name": "P", "status": "active", "abstract": false,
        "kind": "resource", "type": "Widget", "derivation": "constraint", "baseDefinition": URL, "fhirVersion": "4.0.1",
        "differential": { "element": [{ "id": "Widget.part", "path": "Widget.part", "min": 1 }] },
    });
    let definitions = [widget_definition("resource"), profile];
    let claim = |members: Value| {
        let mut claimed = widget(members);
        claimed["meta"] = json!({ "profile": [PROFILE] });
        said(&definitions, &claimed)
    };
    assert_eq!(claim(json!({ "part": [{ "name": "p" }] })), Vec::<String>::new());
    let found = claim(json!({}));
    assert!(found.len() == 1 && found[0].contains("at least 1 of `Widget.part`"), "{found:?}");
}

#[test]
fn a_member_that_comes_twice_is_refused_there_too() {
    let json = br#"{"resourceType":"Widget","name":["x"],"name":["y"],"code":{"coding":[{"system":"http://example.org/codes"}]}}"#;
    let definition = bytes::Bytes::from(widget_definition("resource").to_string());
    let validator = Validator::new(Version::R4).with([definition]).unwrap();
    let outcome = validator.validate(json, &Request::default());
    assert!(
        outcome.0.iter().any(|issue| issue.severity >= Severity::Error && issue.code == fhir::IssueType::Duplicate),
        "{outcome:?}"
    );
}
