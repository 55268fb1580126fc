//! What is validated against definitions that are given with it.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use bytes::Bytes;
use fhir::{Severity, Version};
use profile::{Request, Validator};

/// Expressions of the errors.
fn errors(supporting: &str, text: &str) -> Vec<String> {
    let validator = Validator::new(Version::R4).with([Bytes::from(supporting.to_owned())]).unwrap();
    let outcome = validator.validate(text.as_bytes(), &Request::default());
    let errors = outcome.0.into_iter().filter(|issue| issue.severity >= Severity::Error);
    errors.map(|issue| issue.expression.unwrap_or_default()).collect()
}

#[test]
fn a_response_is_held_against_the_questionnaire_that_it_names() {
    let questionnaire = r#"{"resourceType":"Questionnaire","url":"http://a.example/q","status":"active","item":[{"linkId":"a","type":"integer"}]}"#;
    let response = |value: &str| {
        format!(
            r#"{{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://a.example/q","item":[{{"linkId":"a","answer":[{{{value}}}]}}]}}"#
        )
    };
    assert!(errors(questionnaire, &response(r#""valueInteger":1"#)).is_empty());
    assert_eq!(
        errors(questionnaire, &response(r#""valueString":"x""#)),
        ["QuestionnaireResponse.item[0].answer[0].value"]
    );
}

#[test]
fn a_report_on_a_cohort_has_no_score() {
    let measure = r#"{"resourceType":"Measure","url":"http://a.example/m","status":"active","scoring":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/measure-scoring","code":"cohort"}]}}"#;
    let report = |score: &str| {
        format!(
            r#"{{"resourceType":"MeasureReport","status":"complete","type":"summary","measure":"http://a.example/m","period":{{"start":"2026"}},"group":[{{"code":{{"text":"x"}}{score}}}]}}"#
        )
    };
    assert!(errors(measure, &report("")).is_empty());
    assert_eq!(errors(measure, &report(r#","measureScore":{"value":1}"#)), ["MeasureReport.group[0].measureScore"]);
}

#[test]
fn a_filter_has_a_value_of_the_type_of_its_property() {
    let system = r#"{"resourceType":"CodeSystem","url":"http://a.example/cs","status":"active","content":"complete","property":[{"code":"of","type":"Coding"}],"concept":[{"code":"a"}]}"#;
    let value_set = |value: &str| {
        format!(
            r#"{{"resourceType":"ValueSet","status":"active","compose":{{"include":[{{"system":"http://a.example/cs","filter":[{{"property":"of","op":"=","value":"{value}"}}]}}]}}}}"#
        )
    };
    assert!(errors(system, &value_set("http://a.example/cs#a")).is_empty());
    let at = "ValueSet.compose.include[0].filter[0]";
    assert_eq!(errors(system, &value_set("a")), [at]);
    assert_eq!(errors(system, &value_set("http://a.example/cs#z")), [at]);
}

#[test]
fn a_profile_of_a_profile_only_narrows_it() {
    let profile = |url: &str, base: &str, element: &str| {
        format!(
            r#"{{"resourceType":"StructureDefinition","url":"{url}","name":"X","status":"draft","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"{base}","derivation":"constraint","differential":{{"element":[{{"id":"Patient.name","path":"Patient.name",{element}}}]}}}}"#
        )
    };
    let base =
        profile("http://a.example/base", "http://hl7.org/fhir/StructureDefinition/Patient", r#""min":1,"max":"2""#);
    let derived = |element: &str| profile("http://a.example/derived", "http://a.example/base", element);
    assert!(errors(&base, &derived(r#""min":2,"max":"2""#)).is_empty());
    let at = "StructureDefinition.differential.element[0]";
    assert_eq!(errors(&base, &derived(r#""min":0"#)), [at]);
    assert_eq!(errors(&base, &derived(r#""max":"3""#)), [at]);
}
