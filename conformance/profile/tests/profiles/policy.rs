//! What a validator makes of what is no rule, and of what it cannot know.

use bytes::Bytes;
use fhir::{ResourceType, Severity, Version};
use profile::{BestPractice, Policy, Request, UnknownExtensions, Validator};
use serde_json::{Value, json};

use crate::support::*;

fn said(policy: Policy, resource: &Value, words: &str) -> Vec<Severity> {
    let validator = Validator::new(Version::R4).with_policy(policy);
    let outcome = validator.validate(resource.to_string().as_bytes(), &Request::default());
    outcome.0.into_iter().filter(|issue| issue.text.contains(words)).map(|issue| issue.severity).collect()
}

#[test]
fn a_recommendation_is_as_bad_as_the_policy_says() {
    let without_narrative = patient(json!({ "active": true }));
    let levels = [
        (BestPractice::Ignore, None),
        (BestPractice::Hint, Some(Severity::Information)),
        (BestPractice::Warning, Some(Severity::Warning)),
        (BestPractice::Error, Some(Severity::Error)),
    ];
    for (best_practice, expected) in levels {
        let policy = Policy { best_practice, ..Policy::default() };
        assert_eq!(said(policy.clone(), &without_narrative, "dom-6"), expected.into_iter().collect::<Vec<_>>());
        let validator = Validator::new(Version::R4).with_policy(policy);
        let checked = validator.check(without_narrative.to_string().as_bytes(), &Request::default());
        assert_eq!(checked.is_err(), best_practice == BestPractice::Error);
    }
}

#[test]
fn an_unknown_profile_is_as_bad_as_the_policy_says() {
    let claiming = patient(json!({ "active": true, "meta": { "profile": ["http://nobody.example/has"] } }));
    for unknown_profile in [Severity::Information, Severity::Warning, Severity::Error] {
        let policy = Policy { unknown_profile, ..Policy::default() };
        assert_eq!(said(policy, &claiming, "nobody.example"), [unknown_profile]);
    }
}

#[test]
fn an_unknown_extension_may_come_from_the_domains_that_the_policy_names() {
    let from = |url: &str| patient(json!({ "extension": [{ "url": url, "valueString": "x" }] }));
    let (known, other) = (from("http://ours.example/a"), from("http://theirs.example/a"));
    let from_ours = UnknownExtensions::From(vec!["http://ours.example/".to_owned()]);
    let policy = Policy { extensions: from_ours, ..Policy::default() };
    assert_eq!(said(policy.clone(), &known, "unknown extension"), [Severity::Warning]);
    assert_eq!(said(policy, &other, "unknown extension"), [Severity::Error]);
    assert_eq!(said(Policy::default(), &other, "unknown extension"), [Severity::Warning]);
}

#[test]
fn a_request_has_profiles_for_resources_of_a_type_wherever_they_are() {
    let profile = profile_of("Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let validator = Validator::new(Version::R4).with([Bytes::from(profile.to_string())]).unwrap();
    let by_type = [(ResourceType::PATIENT, &[PROFILE][..])];
    let request = Request { by_type: &by_type, ..Request::default() };
    let errors = |resource: &Value| {
        let outcome = validator.validate(resource.to_string().as_bytes(), &request);
        let errors = outcome.0.into_iter().filter(|issue| issue.severity >= Severity::Error);
        errors.map(|issue| issue.expression.unwrap_or_default()).collect::<Vec<_>>()
    };
    let nameless = patient(json!({ "active": true }));
    assert_eq!(errors(&nameless), ["Patient.name"]);
    let bundle = json!({
        "resourceType": "Bundle", "type": "collection",
        "entry": [{ "fullUrl": "http://a.example/Patient/1", "resource": nameless }],
    });
    assert_eq!(errors(&bundle), ["Bundle.entry[0].resource.name"]);
    assert_eq!(errors(&json!({ "resourceType": "Basic", "code": { "text": "x" } })), Vec::<String>::new());
}
