//! What a differential means.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::Version;
use package::{Artefact, DiscriminatorType, Registry, Rules, Strength, Structure, Unresolved};

const URL: &str = "http://example.org/profile";

fn definition(url: &str, type_: &str, base: &str, elements: &str) -> Artefact {
    let base =
        if base.contains(':') { base.to_owned() } else { format!("http://hl7.org/fhir/StructureDefinition/{base}") };
    let json = format!(
        r#"{{"resourceType": "StructureDefinition", "url": "{url}", "name": "X", "kind": "resource", "type": "{type_}",
        "baseDefinition": "{base}", "derivation": "constraint", "differential": {{"element": [{elements}]}}}}"#
    );
    Artefact::from_json(json.into()).unwrap()
}

fn made(type_: &str, elements: &str) -> std::sync::Arc<Structure> {
    made_on(type_, type_, elements, [])
}

fn made_on(
    type_: &str,
    base: &str,
    elements: &str,
    others: impl IntoIterator<Item = Artefact>,
) -> std::sync::Arc<Structure> {
    let artefacts = others.into_iter().chain([definition(URL, type_, base, elements)]);
    Registry::built_in(Version::R4).with(artefacts).try_structure(URL).unwrap()
}

fn ids<'a>(structure: &'a Structure, within: &str) -> Vec<&'a str> {
    let ids = structure.elements.iter().map(|element| element.id.as_str());
    ids.filter(|id| id.starts_with(within)).collect()
}

#[test]
fn a_differential_that_walks_into_a_data_type_brings_its_members() {
    let structure = made("Patient", r#"{"id": "Patient.name.family", "path": "Patient.name.family", "min": 1}"#);
    assert_eq!(structure.element("Patient.name.family").unwrap().min, 1);
    assert_eq!(structure.element("Patient.name.given").unwrap().max, None);
    assert!(structure.element("Patient.address.city").is_none(), "nobody walked there");
}

#[test]
fn a_slice_begins_as_a_copy_of_what_it_slices_and_may_be_absent() {
    let structure = made(
        "Observation",
        r#"{"path": "Observation.code.coding", "min": 1, "slicing": {"rules": "closed", "ordered": true,
              "discriminator": [{"type": "value", "path": "system"}]}},
           {"path": "Observation.code.coding", "sliceName": "loinc"},
           {"path": "Observation.code.coding.system", "min": 1, "fixedUri": "http://loinc.org"},
           {"path": "Observation.code.coding", "sliceName": "local", "max": "3"}"#,
    );
    let coding = structure.element("Observation.code.coding").unwrap();
    let slicing = coding.slicing.as_ref().unwrap();
    assert_eq!((slicing.rules, slicing.is_ordered, coding.min), (Rules::Closed, true, 1));
    let loinc = structure.element("Observation.code.coding:loinc").unwrap();
    assert_eq!((loinc.min, loinc.max, loinc.slice_name.as_deref()), (0, None, Some("loinc")));
    assert_eq!(
        &*structure.element("Observation.code.coding:loinc.system").unwrap().fixed.as_ref().unwrap().json,
        b"\"http://loinc.org\""
    );
    assert_eq!(structure.element("Observation.code.coding:local").unwrap().max, Some(3));
    let slices: Vec<_> =
        structure.elements.iter().filter(|element| element.path == "Observation.code.coding").collect();
    assert_eq!(
        slices.iter().map(|slice| slice.slice_name.as_deref()).collect::<Vec<_>>(),
        [None, Some("loinc"), Some("local")]
    );
}

#[test]
fn a_slice_of_a_slice_begins_as_a_copy_of_that_slice_and_stands_behind_it() {
    let structure = made(
        "Patient",
        r#"{"id": "Patient.identifier", "path": "Patient.identifier", "slicing": {"rules": "open",
              "discriminator": [{"type": "value", "path": "system"}]}},
           {"id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "max": "5"},
           {"id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "fixedUri": "urn:a"},
           {"id": "Patient.identifier:b", "path": "Patient.identifier", "sliceName": "b"},
           {"id": "Patient.identifier:a/x", "path": "Patient.identifier", "sliceName": "a/x", "min": 1}"#,
    );
    let slices =
        ids(&structure, "Patient.identifier:").into_iter().filter(|id| !id[11..].contains('.')).collect::<Vec<_>>();
    assert_eq!(slices, ["Patient.identifier:a", "Patient.identifier:a/x", "Patient.identifier:b"]);
    assert_eq!(structure.element("Patient.identifier:a/x").unwrap().max, Some(5));
    assert!(structure.element("Patient.identifier:a/x.system").unwrap().fixed.is_some());
}

#[test]
fn the_order_of_a_differential_does_not_matter() {
    let lines = [
        r#"{"id": "Patient.identifier", "path": "Patient.identifier", "min": 1, "slicing": {"rules": "open", "discriminator": [{"type": "value", "path": "system"}]}}"#,
        r#"{"id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "min": 1}"#,
        r#"{"id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "fixedUri": "urn:a"}"#,
        r#"{"id": "Patient.identifier.use", "path": "Patient.identifier.use", "min": 1}"#,
        r#"{"id": "Patient.active", "path": "Patient.active", "min": 1}"#,
    ];
    let forwards = made("Patient", &lines.join(","));
    let backwards = made("Patient", &lines.iter().rev().copied().collect::<Vec<_>>().join(","));
    assert_eq!(forwards.elements, backwards.elements);
    assert_eq!(forwards.element("Patient.identifier:a.use").unwrap().min, 1);
}

#[test]
fn the_short_form_of_a_choice_is_a_slice_by_type_and_excludes_others_where_it_must_be_there() {
    let optional = made("Observation", r#"{"path": "Observation.valueQuantity.code", "min": 1}"#);
    let choice = optional.element("Observation.value[x]").unwrap();
    let by = &choice.slicing.as_ref().unwrap().discriminators[0];
    assert_eq!((by.type_, by.path.as_str(), choice.types.len()), (DiscriminatorType::Type, "$this", 11));
    let slice = optional.element("Observation.value[x]:valueQuantity").unwrap();
    assert_eq!(
        (slice.path.as_str(), slice.types[0].code.as_str(), slice.types.len()),
        ("Observation.value[x]", "Quantity", 1)
    );
    assert_eq!(optional.element("Observation.value[x]:valueQuantity.code").unwrap().min, 1);
    let demanded = made("Observation", r#"{"path": "Observation.valueQuantity", "min": 1}"#);
    let choice = demanded.element("Observation.value[x]").unwrap();
    assert_eq!((choice.min, choice.types.len(), choice.slicing.as_ref().unwrap().rules), (1, 1, Rules::Closed));
}

#[test]
fn a_content_reference_that_is_walked_into_has_what_it_refers_to() {
    let structure = made("Observation", r#"{"path": "Observation.component.referenceRange.low", "min": 1}"#);
    assert!(structure.element("Observation.component.referenceRange").unwrap().content.is_none());
    assert_eq!(structure.element("Observation.component.referenceRange.low").unwrap().min, 1);
    assert_eq!(structure.element("Observation.referenceRange.low").unwrap().min, 0);
    let untouched = made("Observation", r#"{"path": "Observation.status", "min": 1}"#);
    let reference = untouched.element("Observation.component.referenceRange").unwrap();
    assert_eq!(reference.content.as_deref(), Some("Observation.referenceRange"));
}

#[test]
fn what_a_profiled_type_says_is_there_when_a_differential_walks_into_it() {
    let extension = definition(
        "http://example.org/ext",
        "Extension",
        "Extension",
        r#"{"path": "Extension.url", "fixedUri": "http://example.org/ext"}, {"path": "Extension.value[x]", "min": 1, "type": [{"code": "code"}]}"#,
    );
    let structure = made_on(
        "Patient",
        "Patient",
        r#"{"path": "Patient.extension", "sliceName": "e",
        "type": [{"code": "Extension", "profile": ["http://example.org/ext"]}]},
        {"path": "Patient.extension.value[x]", "binding": {"strength": "required", "valueSet": "http://example.org/vs"}}"#,
        [extension],
    );
    let value = structure.element("Patient.extension:e.value[x]").unwrap();
    assert_eq!((value.min, value.types.len(), value.binding.as_ref().unwrap().strength), (1, 1, Strength::Required));
    assert!(structure.element("Patient.extension:e.url").unwrap().fixed.is_some());
    let slicing = structure.element("Patient.extension").unwrap().slicing.as_ref().unwrap();
    assert_eq!((slicing.discriminators[0].path.as_str(), slicing.rules), ("url", Rules::Open));
}

#[test]
fn a_profile_of_a_profile_adds_to_it() {
    let base = definition(
        "http://example.org/base",
        "Patient",
        "Patient",
        r#"{"path": "Patient.name", "min": 1, "max": "5", "mustSupport": true,
            "constraint": [{"key": "b-1", "severity": "error", "human": "h", "expression": "family.exists()"}]}"#,
    );
    let structure = made_on(
        "Patient",
        "http://example.org/base",
        r#"{"path": "Patient.name", "max": "2",
        "constraint": [{"key": "c-1", "severity": "warning", "human": "h", "expression": "given.exists()"}]}"#,
        [base],
    );
    let name = structure.element("Patient.name").unwrap();
    assert_eq!((name.min, name.max, name.must_support), (1, Some(2), true));
    let rules: Vec<_> =
        name.constraints.iter().map(|rule| (rule.key.as_str(), rule.source.as_deref(), rule.is_error)).collect();
    assert_eq!(rules, [("b-1", Some("http://example.org/base"), true), ("c-1", Some(URL), false)]);
}

#[test]
fn what_the_base_does_not_have_is_passed_over() {
    let structure =
        made("Patient", r#"{"path": "Patient.nonsense.deeper", "min": 1}, {"path": "Patient.active", "min": 1}"#);
    assert!(structure.elements.iter().all(|element| !element.path.contains("nonsense")));
    assert_eq!(structure.element("Patient.active").unwrap().min, 1);
}

#[test]
fn structures_that_derive_from_each_other_are_refused() {
    let (one, two) = ("http://example.org/one", "http://example.org/two");
    let registry = Registry::built_in(Version::R4).with([
        definition(one, "Patient", two, r#"{"path": "Patient.active", "min": 1}"#),
        definition(two, "Patient", one, r#"{"path": "Patient.active", "min": 1}"#),
    ]);
    assert!(matches!(registry.try_structure(one), Err(Unresolved::Circular { .. })));
    assert!(matches!(registry.try_structure(two), Err(Unresolved::Circular { .. })));
}

#[test]
fn profiles_that_walk_into_each_other_are_whole_whoever_is_asked_first() {
    let walks = |url: &str, into: &str| {
        let elements = format!(
            r#"{{"path": "Extension.extension", "sliceName": "s", "type": [{{"code": "Extension", "profile": ["{into}"]}}]}},
            {{"path": "Extension.extension.url", "min": 1}}, {{"path": "Extension.url", "fixedUri": "{url}"}}"#
        );
        definition(url, "Extension", "Extension", &elements)
    };
    let (one, two) = ("http://example.org/one", "http://example.org/two");
    let registry = || Registry::built_in(Version::R4).with([walks(one, two), walks(two, one)]);
    let (forwards, backwards) = (registry(), registry());
    let _ = (forwards.structure(one), backwards.structure(two));
    for registry in [forwards, backwards] {
        for (url, into) in [(one, two), (two, one)] {
            let structure = registry.try_structure(url).unwrap();
            let nested = structure.element("Extension.extension:s.url").unwrap();
            assert_eq!((nested.min, &*nested.fixed.as_ref().unwrap().json), (1, format!("\"{into}\"").as_bytes()));
        }
    }
}

#[test]
fn what_is_added_later_hides_what_is_below_and_leaves_it_as_it_is() {
    let below = Registry::built_in(Version::R4).with([definition(
        URL,
        "Patient",
        "Patient",
        r#"{"path": "Patient.active", "min": 1}"#,
    )]);
    let above = below.with([definition(URL, "Patient", "Patient", r#"{"path": "Patient.name", "min": 1}"#)]);
    assert_eq!(below.structure(URL).unwrap().element("Patient.active").unwrap().min, 1);
    assert_eq!(above.structure(URL).unwrap().element("Patient.active").unwrap().min, 0);
    assert_eq!(above.structure(URL).unwrap().element("Patient.name").unwrap().min, 1);
}

#[test]
fn a_differential_that_grows_without_end_is_refused() {
    let slices: Vec<_> =
        (0..3000).map(|number| format!(r#"{{"path": "Bundle.entry", "sliceName": "s{number}"}}"#)).collect();
    let registry = Registry::built_in(Version::R4).with([definition(URL, "Bundle", "Bundle", &slices.join(","))]);
    assert!(matches!(registry.try_structure(URL), Err(Unresolved::Malformed { .. })));
}

#[test]
fn a_logical_model_has_elements_of_its_own() {
    let json = r#"{"resourceType": "StructureDefinition", "url": "http://example.org/model", "name": "M", "kind": "logical",
        "type": "http://example.org/model", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Element",
        "derivation": "specialization", "differential": {"element": [{"id": "model", "path": "model"},
        {"id": "model.part", "path": "model.part", "min": 1, "max": "*", "type": [{"code": "BackboneElement"}]},
        {"id": "model.part.size", "path": "model.part.size", "min": 0, "max": "1", "type": [{"code": "decimal"}]}]}}"#;
    let registry = Registry::built_in(Version::R4).with([Artefact::from_json(json.into()).unwrap()]);
    let model = registry.try_structure("http://example.org/model").unwrap();
    assert_eq!(model.root().unwrap().path, "model");
    let part = model.element("model.part").unwrap();
    assert_eq!((part.min, part.max, part.base.as_ref().unwrap().path.as_str()), (1, None, "model.part"));
    assert_eq!(model.element("model.part.size").unwrap().types[0].code, "decimal");
}
