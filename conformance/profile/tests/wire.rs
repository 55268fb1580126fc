//! What the wire asks: whether a resource may go on, and whether what may not is FHIR at all.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::{ResourceType, Version};
use profile::{Checked, Refused, Request, Validator};

fn check(json: &str, profiles: &[&str]) -> Result<Checked, Refused> {
    Validator::new(Version::R4)
        .check(json.as_bytes(), &Request { expected: Some(ResourceType::PATIENT), profiles, ..Request::default() })
}

#[test]
fn a_sound_resource_comes_with_its_nodes() {
    let checked = check(r#"{"resourceType":"Patient","active":true}"#, &[]).unwrap();
    assert_eq!(checked.nodes.len(), 3);
    assert!(checked.nodes.iter().all(|node| node.element != 0 || node.name_length == 12));
}

#[test]
fn what_is_no_fhir_is_told_from_what_breaks_a_rule() {
    assert!(!check(r#"{"resourceType":"Patient","active":"yes"}"#, &[]).unwrap_err().is_fhir);
    assert!(!check("{", &[]).unwrap_err().is_fhir);
    assert!(check(r#"{"resourceType":"Patient","contact":[{"gender":"male"}]}"#, &[]).unwrap_err().is_fhir);
}

#[test]
fn a_profile_that_is_asked_for_or_claimed_is_a_rule() {
    let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let refused = check(r#"{"resourceType":"Patient","gender":"male"}"#, &[url]).unwrap_err();
    assert!(refused.is_fhir);
    assert!(refused.outcome.0.iter().any(|issue| issue.text.contains("identifier")), "{:?}", refused.outcome);
    let claiming = format!(r#"{{"resourceType":"Patient","meta":{{"profile":["{url}"]}},"gender":"male"}}"#);
    assert!(check(&claiming, &[]).unwrap_err().is_fhir);
}
