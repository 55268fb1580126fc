//! Profiles that say one thing each.

use fhir::Severity;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn an_element_appears_as_often_as_the_profile_says() {
    let profile = profile_of(
        "Patient",
        json!([
            { "id": "Patient.identifier", "path": "Patient.identifier", "min": 1, "max": "2" },
            { "id": "Patient.identifier.value", "path": "Patient.identifier.value", "min": 1 },
            { "id": "Patient.photo", "path": "Patient.photo", "max": "0" },
        ]),
    );
    let one = json!({ "value": "1" });
    accepted(&profile, &patient(json!({ "identifier": [one] })));
    refused(&profile, &patient(json!({ "active": true })), "Patient.identifier", "at least 1 of `Patient.identifier`");
    refused(&profile, &patient(json!({ "identifier": [one, one, one] })), "Patient.identifier", "at most 2");
    let without_value = patient(json!({ "identifier": [one, { "system": "http://a.example" }] }));
    refused(&profile, &without_value, "Patient.identifier[1].value", "at least 1");
    let with_photo = patient(json!({ "identifier": [one], "photo": [{ "title": "x" }] }));
    refused(&profile, &with_photo, "Patient.photo", "at most 0");
}

#[test]
fn a_fixed_value_is_exactly_that_and_a_pattern_a_part() {
    let coding = json!({ "coding": [{ "system": "http://loinc.org", "code": "1-8" }] });
    let observation = |code: Value| json!({ "resourceType": "Observation", "status": "final", "code": code });
    let pattern = profile_of(
        "Observation",
        json!([
            { "id": "Observation.status", "path": "Observation.status", "fixedCode": "final" },
            { "id": "Observation.code", "path": "Observation.code", "patternCodeableConcept": coding },
        ]),
    );
    let more = json!({ "coding": [{ "system": "http://a.example", "code": "x" }, { "system": "http://loinc.org", "code": "1-8" }], "text": "t" });
    accepted(&pattern, &observation(more.clone()));
    refused(&pattern, &observation(json!({ "text": "t" })), "Observation.code", "at least");
    let mut draft = observation(more.clone());
    draft["status"] = json!("preliminary");
    refused(&pattern, &draft, "Observation.status", "exactly `final`, found `preliminary`");
    let fixed = profile_of(
        "Observation",
        json!([{ "id": "Observation.code", "path": "Observation.code", "fixedCodeableConcept": coding }]),
    );
    accepted(&fixed, &observation(coding));
    refused(&fixed, &observation(more), "Observation.code", "exactly");
}

#[test]
fn a_value_lies_within_the_bounds_of_the_profile_and_is_no_longer() {
    let profile = profile_of(
        "Patient",
        json!([
            { "id": "Patient.birthDate", "path": "Patient.birthDate", "minValueDate": "1900-01-01" },
            { "id": "Patient.multipleBirth[x]", "path": "Patient.multipleBirth[x]", "type": [{ "code": "integer" }], "maxValueInteger": 8 },
            { "id": "Patient.name.family", "path": "Patient.name.family", "maxLength": 5 },
        ]),
    );
    accepted(
        &profile,
        &patient(json!({ "birthDate": "1984-01-01", "multipleBirthInteger": 8, "name": [{ "family": "Sämi" }] })),
    );
    refused(&profile, &patient(json!({ "birthDate": "1899-12-31" })), "Patient.birthDate", "no less than 1900-01-01");
    refused(&profile, &patient(json!({ "multipleBirthInteger": 9 })), "Patient.multipleBirth", "no more than 8");
    refused(
        &profile,
        &patient(json!({ "multipleBirthBoolean": true })),
        "Patient.multipleBirth",
        "expected integer, found boolean",
    );
    refused(&profile, &patient(json!({ "name": [{ "family": "Sämila" }] })), "Patient.name[0].family", "at most 5");
}

/// Identifiers sliced by their system: one `mrn`, at most one `ssn`.
fn sliced(rules: &str, is_ordered: bool) -> Value {
    let slice = |name: &str, min: u8, system: &str| {
        json!([
            { "id": format!("Patient.identifier:{name}"), "path": "Patient.identifier", "sliceName": name, "min": min, "max": "1" },
            { "id": format!("Patient.identifier:{name}.system"), "path": "Patient.identifier.system", "min": 1, "fixedUri": system },
        ])
    };
    let slicing =
        json!({ "discriminator": [{ "type": "value", "path": "system" }], "rules": rules, "ordered": is_ordered });
    let mut elements = vec![json!({ "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing })];
    elements.extend(slice("mrn", 1, "http://mrn.example").as_array().unwrap().clone());
    elements.extend(slice("ssn", 0, "http://ssn.example").as_array().unwrap().clone());
    profile_of("Patient", Value::Array(elements))
}

fn identified(systems: &[&str]) -> Value {
    let identifiers: Vec<_> =
        systems.iter().map(|it| json!({ "system": format!("http://{it}.example"), "value": "1" })).collect();
    patient(json!({ "identifier": identifiers }))
}

#[test]
fn slices_are_told_by_a_value_and_counted_each() {
    let open = sliced("open", false);
    accepted(&open, &identified(&["ssn", "other", "mrn"]));
    refused(&open, &identified(&["ssn"]), "Patient.identifier", "at least 1 of slice `Patient.identifier:mrn`");
    refused(&open, &patient(json!({ "active": true })), "Patient.identifier", "slice `Patient.identifier:mrn`");
    refused(&open, &identified(&["mrn", "other", "mrn"]), "Patient.identifier[2]", "at most 1 of slice");
}

#[test]
fn what_is_in_no_slice_stands_where_the_rules_allow_it() {
    refused(&sliced("closed", false), &identified(&["mrn", "other"]), "Patient.identifier[1]", "one of the slices");
    accepted(&sliced("openAtEnd", false), &identified(&["mrn", "ssn", "other"]));
    refused(
        &sliced("openAtEnd", false),
        &identified(&["mrn", "other", "ssn"]),
        "Patient.identifier[1]",
        "behind the slices",
    );
    accepted(&sliced("open", true), &identified(&["mrn", "ssn"]));
    refused(&sliced("open", true), &identified(&["ssn", "mrn"]), "Patient.identifier[0]", "behind those before it");
}

#[test]
fn slices_of_a_choice_are_told_by_type() {
    let profile = profile_of(
        "Observation",
        json!([
            { "id": "Observation.value[x]", "path": "Observation.value[x]", "slicing": { "discriminator": [{ "type": "type", "path": "$this" }], "rules": "open" } },
            { "id": "Observation.value[x]:valueQuantity", "path": "Observation.value[x]", "sliceName": "valueQuantity", "min": 0, "max": "1", "type": [{ "code": "Quantity" }] },
            { "id": "Observation.value[x]:valueQuantity.unit", "path": "Observation.value[x].unit", "min": 1 },
        ]),
    );
    let observation = |name: &str, value: Value| json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, name: value });
    accepted(&profile, &observation("valueString", json!("x")));
    accepted(&profile, &observation("valueQuantity", json!({ "value": 1, "unit": "m" })));
    refused(&profile, &observation("valueQuantity", json!({ "value": 1 })), "Observation.value.unit", "at least 1");
}

#[test]
fn slices_are_told_by_presence_and_by_the_type_of_a_resource() {
    let slicing = json!({ "discriminator": [{ "type": "type", "path": "resource" }], "rules": "closed" });
    let bundle = profile_of(
        "Bundle",
        json!([
            { "id": "Bundle.entry", "path": "Bundle.entry", "slicing": slicing },
            { "id": "Bundle.entry:patient", "path": "Bundle.entry", "sliceName": "patient", "min": 1, "max": "1" },
            { "id": "Bundle.entry:patient.resource", "path": "Bundle.entry.resource", "min": 1, "type": [{ "code": "Patient" }] },
        ]),
    );
    let entry = |type_: &str| json!({ "fullUrl": format!("http://example.org/{type_}/1"), "resource": { "id": "1", "resourceType": type_, "active": true } });
    let of = |entries: Value| json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    accepted(&bundle, &of(json!([entry("Patient")])));
    refused(&bundle, &of(json!([entry("Patient"), entry("Practitioner")])), "Bundle.entry[1]", "one of the slices");
    let slicing = json!({ "discriminator": [{ "type": "exists", "path": "period" }], "rules": "open" });
    let present = profile_of(
        "Patient",
        json!([
            { "id": "Patient.name", "path": "Patient.name", "slicing": slicing },
            { "id": "Patient.name:old", "path": "Patient.name", "sliceName": "old", "min": 0, "max": "1" },
            { "id": "Patient.name:old.period", "path": "Patient.name.period", "min": 1 },
        ]),
    );
    let old = json!({ "family": "x", "period": { "start": "2000" } });
    accepted(&present, &patient(json!({ "name": [{ "family": "x" }, old] })));
    refused(
        &present,
        &patient(json!({ "name": [old, old] })),
        "Patient.name[1]",
        "at most 1 of slice `Patient.name:old`",
    );
}

#[test]
fn rules_of_a_profile_are_checked_and_say_their_key() {
    let rule = json!({ "key": "x-1", "severity": "error", "human": "A name has a family name.", "expression": "family.exists()" });
    let doubt =
        json!({ "key": "x-2", "severity": "warning", "human": "Names have a use.", "expression": "use.exists()" });
    let profile =
        profile_of("Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "constraint": [rule, doubt] }]));
    refused(
        &profile,
        &patient(json!({ "name": [{ "use": "usual", "text": "x" }] })),
        "Patient.name[0]",
        "x-1: A name has a family name",
    );
    let all = issues(&[profile], &patient(json!({ "name": [{ "family": "x" }] })), &[PROFILE]);
    assert!(all.len() == 1 && all[0].0 == Severity::Warning && all[0].1.contains("x-2"), "{all:?}");
}

#[test]
fn a_reference_leads_to_what_the_profile_allows() {
    let named = definition(
        "http://example.org/named",
        "Practitioner",
        json!([{ "id": "Practitioner.name", "path": "Practitioner.name", "min": 1 }]),
    );
    let profile = profile_of(
        "Patient",
        json!([{ "id": "Patient.generalPractitioner", "path": "Patient.generalPractitioner", "type": [{ "code": "Reference", "targetProfile": ["http://example.org/named"] }] }]),
    );
    let definitions = [named, profile];
    let with = |reference: &str, contained: Value| {
        patient(
            json!({ "contained": [contained], "generalPractitioner": [{ "reference": reference }, { "reference": "#p" }] }),
        )
    };
    let good = json!({ "resourceType": "Practitioner", "id": "p", "name": [{ "family": "x" }] });
    assert!(errors(&definitions, &with("Practitioner/1", good.clone())).is_empty());
    let found = errors(&definitions, &with("Organization/1", good));
    assert!(found.len() == 1 && found[0].contains("found Organization"), "{found:?}");
    let found = errors(
        &definitions,
        &with("Practitioner/1", json!({ "resourceType": "Practitioner", "id": "p", "active": true })),
    );
    assert!(found.len() == 1 && found[0].starts_with("Patient.generalPractitioner[1].reference: "), "{found:?}");
}

#[test]
fn a_known_extension_is_checked_against_its_definition_without_any_profile() {
    let colour = extension("http://example.org/colour", "Patient", "code");
    let with = |value: Value| patient(json!({ "extension": [value] }));
    let said = |resource: &Value| issues(std::slice::from_ref(&colour), resource, &[]);
    assert!(said(&with(json!({ "url": "http://example.org/colour", "valueCode": "red" }))).is_empty());
    let found = said(&with(json!({ "url": "http://example.org/colour", "valueString": "red" })));
    assert!(found.iter().any(|(_, text)| text.starts_with("Patient.extension[0].value: expected code")), "{found:?}");
    let elsewhere = patient(
        json!({ "name": [{ "family": "x", "extension": [{ "url": "http://example.org/colour", "valueCode": "red" }] }] }),
    );
    let found = said(&elsewhere);
    assert!(found.len() == 1 && found[0].1.contains("in Patient only"), "{found:?}");
    let as_modifier =
        patient(json!({ "modifierExtension": [{ "url": "http://example.org/colour", "valueCode": "red" }] }));
    let found = said(&as_modifier);
    assert!(found.len() == 1 && found[0].1.contains("found it in `modifierExtension`"), "{found:?}");
}

#[test]
fn an_unknown_extension_is_doubtful_and_an_unknown_modifier_wrong() {
    let unknown = json!([{ "url": "http://example.org/unknown", "valueCode": "x" }]);
    let found = issues(&[], &patient(json!({ "extension": unknown })), &[]);
    assert!(found.len() == 1 && found[0].0 == Severity::Warning, "{found:?}");
    let found = issues(&[], &patient(json!({ "modifierExtension": unknown })), &[]);
    assert!(found.len() == 1 && found[0].0 == Severity::Error, "{found:?}");
}

#[test]
fn resources_follow_the_profiles_that_they_claim_at_every_depth() {
    let profile = profile_of("Patient", json!([{ "id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1 }]));
    let claiming = |url: &str| json!({ "resourceType": "Patient", "meta": { "profile": [url] }, "active": true });
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "fullUrl": "urn:uuid:5f2b6d0e-8b1c-4c8e-9c43-0d5f3f1f8a11", "resource": claiming(PROFILE) }] });
    let found = issues(std::slice::from_ref(&profile), &bundle, &[]);
    assert!(found.len() == 1 && found[0].1.starts_with("Bundle.entry[0].resource.birthDate: "), "{found:?}");
    let found = issues(&[], &claiming("http://example.org/nobody-has-it"), &[]);
    assert!(found.len() == 1 && found[0].0 == Severity::Warning, "{found:?}");
    let found = issues(&[], &claiming("http://hl7.org/fhir/StructureDefinition/bp"), &[]);
    assert!(
        found.len() == 1 && found[0].0 == Severity::Error && found[0].1.contains("a profile of Patient"),
        "{found:?}"
    );
}

#[test]
fn us_core_patients_have_a_name_an_identifier_and_a_gender() {
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let complete = patient(json!({
        "meta": { "profile": [us_core] }, "gender": "female",
        "identifier": [{ "system": "http://mrn.example", "value": "1" }], "name": [{ "family": "Shaw" }],
    }));
    let wrong = |resource: &Value| -> Vec<String> {
        let all = issues(&[], resource, &[]);
        all.into_iter().filter(|(severity, _)| *severity >= Severity::Error).map(|(_, text)| text).collect()
    };
    assert!(wrong(&complete).is_empty(), "{:?}", wrong(&complete));
    let bare = patient(
        json!({ "meta": { "profile": [us_core] }, "identifier": [{ "value": "1" }], "name": [{ "use": "usual" }] }),
    );
    let found = wrong(&bare);
    let has = |words: &str| found.iter().any(|text| text.contains(words));
    assert!(has("Patient.gender: ") && has("Patient.identifier[0].system: ") && has("us-core-6"), "{found:?}");
    let mut with_race = complete;
    with_race["extension"] = json!([{
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [{ "url": "detailed", "valueString": "x" }],
    }]);
    let found = wrong(&with_race);
    assert!(found.iter().any(|text| text.contains("slice `Extension.extension:text`")), "{found:?}");
}

#[test]
fn a_profile_that_leads_to_itself_ends() {
    let profile = profile_of(
        "Patient",
        json!([{ "id": "Patient.link.other", "path": "Patient.link.other", "type": [{ "code": "Reference", "targetProfile": [PROFILE] }] }]),
    );
    let link = json!([{ "other": { "reference": "#" }, "type": "seealso" }]);
    accepted(
        &profile,
        &patient(
            json!({ "contained": [patient(json!({ "id": "p", "link": link }))], "link": [{ "other": { "reference": "#p" }, "type": "seealso" }] }),
        ),
    );
}

#[test]
fn a_rule_may_name_the_profile_that_it_stands_in() {
    let rule = json!({ "key": "t-1", "severity": "error", "human": "phones say their use", "expression": "slice(%profile, 'phone').all(use.exists())" });
    let by_system = json!({ "discriminator": [{ "type": "value", "path": "system" }], "rules": "open" });
    let profile = profile_of(
        "Patient",
        json!([
            { "id": "Patient.telecom", "path": "Patient.telecom", "slicing": by_system, "constraint": [rule] },
            { "id": "Patient.telecom:phone", "path": "Patient.telecom", "sliceName": "phone" },
            { "id": "Patient.telecom:phone.system", "path": "Patient.telecom.system", "min": 1, "fixedCode": "phone" },
        ]),
    );
    let telecom = |system: &str| patient(json!({ "telecom": [{ "system": system, "value": "x" }] }));
    accepted(&profile, &telecom("email"));
    refused(&profile, &telecom("phone"), "Patient.telecom[0]", "t-1");
}
