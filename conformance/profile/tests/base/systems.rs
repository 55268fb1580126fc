//! Code systems beside others, and operations.

use super::{accepted, doubted_at, errors, refused_at};
use bytes::Bytes;
use fhir::{Severity, Version};
use profile::{Request, Validator};

fn supplement(code: &str) -> String {
    format!(
        r#"{{"resourceType":"CodeSystem","url":"http://a.example/s","name":"X","status":"draft","content":"supplement","supplements":"http://hl7.org/fhir/administrative-gender","concept":[{{"code":"{code}","designation":[{{"language":"de","value":"x"}}]}}]}}"#
    )
}

#[test]
fn a_supplement_adds_to_codes_that_are_there() {
    accepted(&supplement("male"));
    refused_at(&supplement("man"), "CodeSystem.concept[0].code");
    let unknown = supplement("man").replace("http://hl7.org/fhir/administrative-gender", "http://a.example/other");
    accepted(&unknown);
}

#[test]
fn the_value_set_of_all_codes_includes_them_all() {
    let value_set = |more: &str| {
        format!(
            r#"{{"resourceType":"ValueSet","url":"http://a.example/vs","status":"draft","compose":{{"include":[{{"system":"http://a.example/cs"{more}}}]}}}}"#
        )
    };
    let system = r#"{"resourceType":"CodeSystem","url":"http://a.example/cs","name":"X","status":"draft","valueSet":"http://a.example/vs","content":"complete","concept":[{"code":"a"}]}"#;
    let errors = |value_set: String| {
        let known =
            Validator::new(Version::R4).with([Bytes::from(value_set)]).unwrap_or_else(|_| Validator::new(Version::R4));
        let outcome = known.validate(system.as_bytes(), &Request::default());
        outcome.0.iter().filter(|issue| issue.severity >= Severity::Error).count()
    };
    assert_eq!(errors(value_set("")), 0);
    assert_eq!(errors(value_set(r#","concept":[{"code":"a"}]"#)), 1);
    assert_eq!(errors(value_set("").replace("/cs", "/other")), 1);
}

#[test]
fn a_parameter_of_an_operation_has_a_most_that_is_not_below_its_least() {
    let operation = |most: &str| {
        format!(
            r#"{{"resourceType":"OperationDefinition","name":"X","status":"draft","kind":"operation","code":"x","system":true,"type":false,"instance":false,"parameter":[{{"name":"a","use":"in","min":1,"max":"{most}","type":"string"}}]}}"#
        )
    };
    accepted(&operation("1"));
    accepted(&operation("*"));
    refused_at(&operation("0"), "OperationDefinition.parameter[0]");
    refused_at(&operation("many"), "OperationDefinition.parameter[0].max");
}

#[test]
fn the_profile_of_the_parameters_of_an_operation_is_one_of_parameters() {
    let operation = |profile: &str| {
        format!(
            r#"{{"resourceType":"OperationDefinition","name":"X","status":"draft","kind":"operation","code":"x","system":true,"type":false,"instance":false,"inputProfile":"http://hl7.org/fhir/StructureDefinition/{profile}"}}"#
        )
    };
    accepted(&operation("Parameters"));
    refused_at(&operation("Patient"), "OperationDefinition.inputProfile");
}

#[test]
fn a_naming_system_with_a_faulty_oid_is_warned() {
    let system = |value: &str| {
        format!(
            r#"{{"resourceType":"NamingSystem","name":"X","status":"draft","kind":"codesystem","date":"2026","uniqueId":[{{"type":"oid","value":"{value}"}}]}}"#
        )
    };
    let warnings = |text: String| {
        let outcome = profile::validate(text.as_bytes(), Version::R4, None);
        outcome.0.iter().filter(|issue| issue.text.contains("expected an OID")).count()
    };
    assert_eq!(warnings(system("2.16.840.1")), 0);
    assert_eq!(warnings(system("urn:oid:2.16.840.1")), 0);
    assert_eq!(warnings(system("9.1")), 1);
    assert!(errors(&system("9.1"), Version::R4).is_empty());
}

#[test]
fn a_supplement_says_what_it_supplements() {
    accepted(&supplement("male"));
    let without = supplement("male").replace(r#""supplements":"http://hl7.org/fhir/administrative-gender","#, "");
    refused_at(&without, "CodeSystem.supplements");
}

#[test]
fn a_value_set_includes_code_systems_and_no_value_sets_as_such() {
    let including = |system: &str, codes: &str| {
        format!(
            r#"{{"resourceType":"ValueSet","status":"active","compose":{{"include":[{{"system":"http://hl7.org/fhir/{system}","concept":[{codes}]}}]}}}}"#
        )
    };
    accepted(&including("administrative-gender", r#"{"code":"male"}"#));
    refused_at(&including("ValueSet/administrative-gender", r#"{"code":"male"}"#), "ValueSet.compose.include[0]");
}

#[test]
fn codes_that_the_system_does_not_have_or_that_are_listed_twice_are_doubtful() {
    let including = |codes: &str| {
        format!(
            r#"{{"resourceType":"ValueSet","status":"active","compose":{{"include":[{{"system":"http://hl7.org/fhir/administrative-gender","concept":[{codes}]}}]}}}}"#
        )
    };
    let at = |index: u8| format!("ValueSet.compose.include[0].concept[{index}].code");
    assert!(!doubted_at(&including(r#"{"code":"male"},{"code":"female"}"#), &at(1)));
    assert!(doubted_at(&including(r#"{"code":"man"}"#), &at(0)));
    assert!(doubted_at(&including(r#"{"code":"male"},{"code":"male"}"#), &at(1)));
}
