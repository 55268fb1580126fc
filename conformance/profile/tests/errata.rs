//! Where a release breaks its own rules by the dozen: there, and only there, a warning.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::{Severity, Version};

/// The worst that is said with a text that contains `about`.
fn said(text: &str, version: Version, about: &str) -> Option<Severity> {
    let outcome = profile::validate(text.as_bytes(), version, None);
    outcome.0.iter().filter(|issue| issue.text.contains(about)).map(|issue| issue.severity).max()
}

fn questionnaire(url: &str, second: &str) -> String {
    format!(
        r#"{{"resourceType":"Questionnaire","url":"{url}","status":"draft","item":[{{"linkId":"Account.meta-flyover","type":"display"}},{{"linkId":"{second}","type":"display"}}]}}"#
    )
}

#[test]
fn a_questionnaire_that_r5_generated_may_repeat_link_ids_and_no_other_one_may() {
    let (generated, own) = ("http://hl7.org/fhir/Questionnaire/x", "http://a.example/Questionnaire/x");
    let twice = "Account.meta-flyover";
    assert_eq!(said(&questionnaire(generated, twice), Version::R5, "que-2"), Some(Severity::Warning));
    assert_eq!(said(&questionnaire(generated, "b"), Version::R5, "que-2"), None);
    assert_eq!(said(&questionnaire(own, twice), Version::R5, "que-2"), Some(Severity::Error));
    assert_eq!(said(&questionnaire(generated, twice), Version::R4, "que-2"), Some(Severity::Error));
}

#[test]
fn types_that_the_generator_of_r4b_cannot_name_may_share_a_link_id_and_nothing_else_may() {
    let twice = |link_id: &str| questionnaire("http://a.example/q", link_id).replace("Account.meta-flyover", link_id);
    assert_eq!(said(&twice("Task.value[x]._null"), Version::R4B, "que-2"), Some(Severity::Warning));
    assert_eq!(said(&twice("Task.value[x]._null"), Version::R4, "que-2"), Some(Severity::Error));
    assert_eq!(said(&twice("Task.value"), Version::R4B, "que-2"), Some(Severity::Error));
}

#[test]
fn a_code_system_of_r4b_that_claims_to_be_shareable_is_warned_that_it_has_no_publisher() {
    let system = |publisher: &str| {
        format!(
            r#"{{"resourceType":"CodeSystem","meta":{{"profile":["http://hl7.org/fhir/StructureDefinition/shareablecodesystem"]}},"url":"http://a.example/cs","version":"1","name":"X","status":"draft","experimental":false,{publisher}"description":"x","content":"complete","caseSensitive":true,"concept":[{{"code":"a","display":"a"}}]}}"#
        )
    };
    let about = "CodeSystem.publisher";
    assert_eq!(said(&system(""), Version::R4B, about), Some(Severity::Warning));
    assert_eq!(said(&system(""), Version::R4, about), Some(Severity::Error));
    assert_eq!(said(&system(r#""publisher":"x","#), Version::R4B, about), None);
}

#[test]
fn a_logical_model_without_a_base_is_doubtful_and_a_profile_without_one_wrong() {
    let structure = |kind: &str| {
        format!(
            r#"{{"resourceType":"StructureDefinition","url":"http://a.example/sd","name":"X","status":"draft","kind":"{kind}","abstract":false,"type":"X","differential":{{"element":[{{"id":"X","path":"X"}}]}}}}"#
        )
    };
    assert_eq!(said(&structure("logical"), Version::R4, "sdf-4"), Some(Severity::Warning));
    assert_eq!(said(&structure("resource"), Version::R4, "sdf-4"), Some(Severity::Error));
    assert_eq!(said(&structure("logical"), Version::R5, "sdf-4"), Some(Severity::Error));
    let based = structure("logical")
        .replace(r#""type":"X""#, r#""type":"X","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Base""#);
    assert_eq!(said(&based, Version::R5, "sdf-27"), Some(Severity::Warning));
    assert_eq!(said(&based.replace("logical", "resource"), Version::R5, "sdf-27"), Some(Severity::Error));
}

#[test]
fn the_types_of_a_reference_in_one_code_are_doubtful_in_r5() {
    let item = |code: &str| {
        format!(
            r#"{{"resourceType":"Questionnaire","status":"draft","item":[{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource","valueCode":"{code}"}}],"linkId":"a","type":"reference"}}]}}"#
        )
    };
    let about = "resource-types";
    assert_eq!(said(&item("Patient, Group"), Version::R5, about), Some(Severity::Warning));
    assert_eq!(said(&item("Patient"), Version::R5, about), None);
    assert_eq!(said(&item("Patient, Group"), Version::R4, about), Some(Severity::Error));
}

#[test]
fn a_draft_map_of_r4_may_lack_the_comments_that_an_active_one_needs() {
    let map = |status: &str| {
        format!(
            r#"{{"resourceType":"ConceptMap","status":"{status}","group":[{{"source":"http://a.example/a","target":"http://a.example/b","element":[{{"code":"a","target":[{{"code":"b","equivalence":"narrower"}}]}}]}}]}}"#
        )
    };
    assert_eq!(said(&map("draft"), Version::R4B, "cmd-1"), None);
    assert_eq!(said(&map("active"), Version::R4B, "cmd-1"), Some(Severity::Error));
}
