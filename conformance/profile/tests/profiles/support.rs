//! Own small definitions, and what is said of resources against them.

use bytes::Bytes;
use fhir::{Severity, Version};
use profile::{Request, Validator};
use serde_json::{Value, json};

pub(crate) const PROFILE: &str = "http://example.org/profile";

/// A profile of a type by its differential.
pub(crate) fn profile_of(type_: &str, elements: Value) -> Value {
    definition(PROFILE, type_, elements)
}

pub(crate) fn definition(url: &str, type_: &str, elements: Value) -> Value {
    json!({
        "resourceType": "StructureDefinition", "url": url, "name": "P", "status": "active", "abstract": false,
        "kind": if type_ == "Extension" { "complex-type" } else { "resource" }, "type": type_, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{type_}"), "fhirVersion": "4.0.1",
        "differential": { "element": elements },
    })
}

/// An extension with a value of a type, for a context.
pub(crate) fn extension(url: &str, context: &str, type_: &str) -> Value {
    let mut definition = definition(
        url,
        "Extension",
        json!([
            { "id": "Extension.extension", "path": "Extension.extension", "max": "0" },
            { "id": "Extension.url", "path": "Extension.url", "fixedUri": url },
            { "id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{ "code": type_ }] },
        ]),
    );
    definition["context"] = json!([{ "type": "element", "expression": context }]);
    definition
}

/// Severity and text with the place of everything that is said about a resource.
pub(crate) fn issues(definitions: &[Value], resource: &Value, profiles: &[&str]) -> Vec<(Severity, String)> {
    let definitions = definitions.iter().map(|definition| Bytes::from(definition.to_string()));
    let validator = Validator::new(Version::R4).with(definitions).unwrap();
    let outcome = validator
        .validate(resource.to_string().as_bytes(), &Request { expected: None, profiles, ..Request::default() });
    let said = outcome.0.into_iter().map(|issue| {
        let place = issue.expression.unwrap_or_default();
        (issue.severity, format!("{place}: {}", issue.text))
    });
    said.collect()
}

pub(crate) fn errors(definitions: &[Value], resource: &Value) -> Vec<String> {
    let all = issues(definitions, resource, &[PROFILE]);
    all.into_iter().filter(|(severity, _)| *severity >= Severity::Error).map(|(_, text)| text).collect()
}

#[track_caller]
pub(crate) fn accepted(definition: &Value, resource: &Value) {
    let found = errors(std::slice::from_ref(definition), resource);
    assert!(found.is_empty(), "{resource}: {found:?}");
}

/// There is one error, which begins with the place and has the words.
#[track_caller]
pub(crate) fn refused(definition: &Value, resource: &Value, place: &str, words: &str) {
    let found = errors(std::slice::from_ref(definition), resource);
    let is_meant = |text: &String| text.starts_with(&format!("{place}: ")) && text.contains(words);
    assert!(found.len() == 1 && found.iter().all(is_meant), "{resource}: {found:?}");
}

pub(crate) fn patient(members: Value) -> Value {
    let mut patient = json!({ "resourceType": "Patient" });
    patient.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    patient
}
