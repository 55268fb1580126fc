//! The rules of the base specification: what they refuse, where, and what they must not.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::{IssueType, Severity, Version};
use profile::{Bounds, Scratch};

/// Severity, place and key of each rule that is broken.
fn broken(text: &str, version: Version) -> Vec<(Severity, String, String)> {
    let of_rule = |issue: &fhir::Issue| issue.code == IssueType::Invariant;
    let outcome = profile::validate(text.as_bytes(), version, None);
    let issues = outcome.0.into_iter().filter(of_rule);
    let key = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    issues.map(|issue| (issue.severity, issue.expression.unwrap_or_default(), key(&issue.text))).collect()
}

#[track_caller]
fn refused(text: &str, version: Version, expression: &str, key: &str) {
    assert_eq!(broken(text, version), [(Severity::Error, expression.to_owned(), key.to_owned())], "{text}");
}

#[track_caller]
fn accepted(text: &str, version: Version) {
    assert_eq!(broken(text, version), [], "{text}");
}

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{members}}}"#)
}

fn appointment(members: &str) -> String {
    format!(
        r#"{{"resourceType":"Appointment","participant":[{{"actor":{{"reference":"Patient/1"}},"status":"accepted"}}],{members}}}"#
    )
}

#[test]
fn rules_hold_at_every_depth() {
    let r4 = Version::R4;
    refused(&patient(r#""contact":[{"name":{"text":"x"}},{"gender":"male"}]"#), r4, "Patient.contact[1]", "pat-1");
    refused(&patient(r#""telecom":[{"value":"1"}]"#), r4, "Patient.telecom[0]", "cpt-2");
    refused(
        &patient(r#""name":[{"period":{"start":"2020-01-02","end":"2020-01-01"}}]"#),
        r4,
        "Patient.name[0].period",
        "per-1",
    );
    refused(
        &patient(r#""extension":[{"url":"http://a.example","valueAge":{"value":1,"system":"urn:x","code":"a"}}]"#),
        r4,
        "Patient.extension[0].value",
        "age-1",
    );
    refused(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://a.example/Patient/1","resource":{"resourceType":"Patient","id":"1","photo":[{"data":"QQ=="}]}}]}"#,
        r4,
        "Bundle.entry[0].resource.photo[0]",
        "att-1",
    );
}

#[test]
fn a_rule_on_a_primitive_is_asked_of_its_value() {
    let bundle = |url: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"{url}","resource":{{"resourceType":"Basic","id":"1","code":{{"text":"x"}}}}}}]}}"#
        )
    };
    accepted(&bundle("http://a.example/Basic/1"), Version::R4);
    let found = broken(&bundle("http://a.example/Basic/1/_history/2"), Version::R4);
    assert!(
        found.iter().any(|(_, place, key)| (place.as_str(), key.as_str()) == ("Bundle.entry[0]", "bdl-8")),
        "{found:?}"
    );
}

#[test]
fn faults_of_the_specification_do_not_refuse_what_it_means() {
    let r4 = Version::R4;
    let missed = r#""start":"2026-01-01T10:00:00Z","end":"2026-01-01T11:00:00Z","cancelationReason":{"text":"x"}"#;
    accepted(&appointment(&format!(r#""status":"noshow",{missed}"#)), r4);
    refused(
        &appointment(&format!(
            r#""start":"2026-01-01T10:00:00Z","end":"2026-01-01T11:00:00Z","status":"booked",{missed}"#
        )),
        r4,
        "Appointment",
        "app-4",
    );
    // A month holds its days, whatever the precision of the other end.
    accepted(&patient(r#""name":[{"period":{"start":"2012-05","end":"2012-05-23"}}]"#), r4);
    accepted(&patient(r#""name":[{"period":{"start":"2012-05-23","end":"2012-05"}}]"#), r4);
}

#[test]
fn each_release_has_its_own_rules() {
    let text = appointment(r#""status":"cancelled","cancellationDate":"2026-01-01""#);
    accepted(&text, Version::R5);
    let text = appointment(r#""status":"proposed","cancellationDate":"2026-01-01""#);
    refused(&text, Version::R5, "Appointment", "app-7");
}

#[test]
fn a_warning_does_not_refuse_and_a_recommendation_is_silent_unless_asked_for() {
    let text = r#"{"resourceType":"Library","name":"not a name","status":"draft","type":{"text":"x"}}"#;
    let mut scratch = Scratch::default();
    assert!(profile::scan(text.as_bytes(), Version::R4, None, Bounds::default(), &mut scratch));
    assert!(scratch.has_warnings());
    assert!(profile::check(text.as_bytes(), Version::R4, None).is_ok());
    assert_eq!(broken(text, Version::R4), [(Severity::Warning, "Library".to_owned(), "lib-0".to_owned())]);

    let text = patient(r#""active":true"#);
    let bounds = Bounds { best_practice: profile::BestPractice::Warning, ..Bounds::default() };
    assert!(profile::scan(text.as_bytes(), Version::R4, None, bounds, &mut scratch));
    assert!(scratch.has_warnings());
    assert!(profile::scan(text.as_bytes(), Version::R4, None, Bounds::default(), &mut scratch));
    assert!(!scratch.has_warnings());
}

#[test]
fn the_work_of_all_rules_together_is_bounded() {
    let element = r#"{"id":"x","path":"Patient.x","min":0,"max":"1","definition":"x"}"#;
    let elements = vec![element; 3_000].join(",");
    let text = format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://a.example/x","name":"X","status":"draft","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","snapshot":{{"element":[{elements}]}}}}"#
    );
    let bounds = Bounds { steps: 20_000, ..Bounds::default() };
    let mut scratch = Scratch::default();
    profile::scan(text.as_bytes(), Version::R4, None, bounds, &mut scratch);
    let outcome = profile::explain(text.as_bytes(), Version::R4, None, &scratch);
    assert!(outcome.0.iter().any(|issue| issue.code == IssueType::Incomplete));
    assert!(outcome.0.iter().filter(|issue| issue.code == IssueType::Incomplete).count() <= 100);
}

#[test]
fn a_text_says_key_rule_and_what_was_expected() {
    let outcome = profile::validate(patient(r#""contact":[{"gender":"male"}]"#).as_bytes(), Version::R4, None);
    assert_eq!(
        outcome.0[0].text,
        "pat-1: SHALL at least contain a contact's details or a reference to an organization; expected `name.exists() or telecom.exists() or address.exists() or organization.exists()`"
    );
}
