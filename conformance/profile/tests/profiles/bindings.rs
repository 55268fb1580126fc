//! Bindings of profiles and their further ones.

use serde_json::{Value, json};

use crate::support::*;

const SYSTEM: &str = "http://example.org/codes";

/// Codes `a`, `b` and `c`, and for each the value set that has it alone.
fn codes() -> Vec<Value> {
    let concepts: Vec<_> = ["a", "b", "c"].iter().map(|code| json!({ "code": code })).collect();
    let mut all = vec![json!({
        "resourceType": "CodeSystem", "url": SYSTEM, "status": "active", "content": "complete", "concept": concepts
    })];
    all.extend(["a", "b", "c"].map(|code| {
        let include = json!([{ "system": SYSTEM, "concept": [{ "code": code }] }]);
        let url = format!("http://example.org/set-{code}");
        json!({ "resourceType": "ValueSet", "url": url, "status": "active", "compose": { "include": include } })
    }));
    all
}

fn concept(code: &str) -> Value {
    json!({ "coding": [{ "system": SYSTEM, "code": code }] })
}

fn observation(category: &str, code: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "category": [concept(category)], "code": concept(code) })
}

/// A further binding as the extension that R4 has for it.
fn additional(purpose: &str, more: &[Value]) -> Value {
    let mut parts = vec![
        json!({ "url": "purpose", "valueCode": purpose }),
        json!({ "url": "valueSet", "valueCanonical": "http://example.org/set-a" }),
    ];
    parts.extend(more.iter().cloned());
    json!({ "url": "http://hl7.org/fhir/tools/StructureDefinition/additional-binding", "extension": parts })
}

fn bound(path: &str, extension: &Value) -> Value {
    let binding = json!({ "strength": "example", "extension": [extension] });
    profile_of("Observation", json!([{ "id": path, "path": path, "binding": binding }]))
}

fn said(profile: &Value, resource: &Value) -> Vec<String> {
    let definitions: Vec<_> = codes().into_iter().chain([profile.clone()]).collect();
    errors(&definitions, resource)
}

#[track_caller]
fn one(profile: &Value, resource: &Value, place: &str) {
    let found = said(profile, resource);
    assert!(found.len() == 1 && found[0].starts_with(place) && found[0].contains("set-a"), "{found:?}");
}

#[track_caller]
fn none(profile: &Value, resource: &Value) {
    let found = said(profile, resource);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_further_binding_that_is_required_or_a_maximum_refuses_other_codes() {
    for purpose in ["required", "maximum"] {
        let profile = bound("Observation.code", &additional(purpose, &[]));
        none(&profile, &observation("b", "a"));
        one(&profile, &observation("b", "b"), "Observation.code");
    }
    for purpose in ["extensible", "minimum", "candidate", "current", "preferred", "ui", "starter", "component"] {
        none(&bound("Observation.code", &additional(purpose, &[])), &observation("b", "b"));
    }
}

#[test]
fn a_further_binding_counts_where_the_resource_has_the_codes_of_its_contexts() {
    let usage = |path: &str, code: &str| {
        let code_of = json!({ "system": PROFILE, "code": path });
        json!({ "url": "usage", "valueUsageContext": { "code": code_of, "valueCodeableConcept": concept(code) } })
    };
    let profile = bound("Observation.code", &additional("required", &[usage("Observation.category", "c")]));
    none(&profile, &observation("b", "b"));
    one(&profile, &observation("c", "b"), "Observation.code");
    none(&profile, &observation("c", "a"));
    // One of the values of the same element is enough, other elements must agree as well.
    let either = [usage("Observation.category", "b"), usage("category", "c")];
    one(&bound("Observation.code", &additional("required", &either)), &observation("c", "b"), "Observation.code");
    let both = [usage("Observation.category", "c"), usage("Observation.code", "c")];
    let both = bound("Observation.code", &additional("required", &both));
    none(&both, &observation("c", "b"));
    one(&both, &observation("c", "c"), "Observation.code");
}

#[test]
fn a_further_binding_for_a_context_that_nobody_here_knows_does_not_count() {
    let jurisdiction = json!({ "system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "venue" });
    let usage =
        json!({ "url": "usage", "valueUsageContext": { "code": jurisdiction, "valueCodeableConcept": concept("c") } });
    none(&bound("Observation.code", &additional("required", &[usage])), &observation("c", "b"));
}

#[test]
fn a_further_binding_for_any_item_is_met_by_one() {
    let any = json!({ "url": "any", "valueBoolean": true });
    let profile = bound("Observation.category", &additional("required", &[any]));
    let mut two = observation("b", "b");
    two["category"] = json!([concept("b"), concept("a")]);
    none(&profile, &two);
    two["category"] = json!([concept("b"), concept("c")]);
    one(&profile, &two, "Observation.category[0]");
}
