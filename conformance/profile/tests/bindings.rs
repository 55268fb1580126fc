//! Codes against their code systems and against the value sets of bindings.

use std::fmt::Write as _;

use fhir::Version;

/// `severity expression` of every issue, a line each.
fn issues(version: Version, resource: &str) -> String {
    profile::validate(resource.as_bytes(), version, None).0.iter().fold(String::new(), |mut all, issue| {
        let severity = format!("{:?}", issue.severity).to_lowercase();
        let _ = writeln!(all, "{severity} {}", issue.expression.as_deref().unwrap_or_default());
        all
    })
}

#[test]
fn a_code_that_its_code_system_does_not_have_is_an_error_whatever_it_is_bound_to() {
    let found = issues(
        Version::R4,
        r#"{"resourceType":"Patient","maritalStatus":{"coding":[
            {"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"Q"}]},
            "meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"no such"}]}}"#,
    );
    assert_eq!(
        found,
        "warning Patient.maritalStatus\n\
         error Patient.maritalStatus.coding[0].code\n\
         error Patient.meta.tag[0].code\n"
    );
}

#[test]
fn outside_of_an_extensible_binding_is_a_warning_and_of_a_preferred_one_information() {
    let found = issues(
        Version::R4,
        r#"{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://snomed.info/sct","code":"87915002"}]},
            "communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"gsw"}]}}]}"#,
    );
    assert_eq!(found, "warning Patient.maritalStatus\ninformation Patient.communication[0].language\n");
}

#[test]
fn a_media_type_and_a_language_are_told_by_their_form() {
    let attachment = |kind| format!(r#"{{"resourceType":"Binary","contentType":"{kind}","data":"aGk="}}"#);
    assert_eq!(issues(Version::R4, &attachment("text/plain; charset=utf-8")), "");
    assert_eq!(issues(Version::R4, &attachment("plain text")), "error Binary.contentType\n");
    let practitioner = |code| {
        format!(
            r#"{{"resourceType":"Practitioner","communication":[{{"language":{{"coding":[
                {{"system":"urn:ietf:bcp:47","code":"{code}"}}]}}}}]}}"#
        )
    };
    assert_eq!(issues(Version::R5, &practitioner("de-CH")), "");
    assert!(issues(Version::R5, &practitioner("deutsch!")).contains("error"));
}

#[test]
fn unknown_code_systems_are_warnings_known_names_are_silent_and_wrong_words_are_told() {
    let coding = |system: &str, code: &str, display: &str| {
        let found = issues(
            Version::R4,
            &format!(
                r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[
                {{"system":"{system}","code":"{code}","display":"{display}"}}]}}}}"#
            ),
        );
        found.trim_end().to_owned()
    };
    assert_eq!(coding("http://loinc.org", "8480-6", "Systolic"), "");
    assert_eq!(coding("http://example.org/codes", "1", "One"), "warning Observation.code.coding[0].system");
    const GENDER: &str = "http://hl7.org/fhir/administrative-gender";
    assert_eq!(coding(GENDER, "male", "male"), "");
    assert_eq!(coding(GENDER, "male", "man"), "error Observation.code.coding[0].display");
    assert_eq!(coding(GENDER, "male", "männlich"), "warning Observation.code.coding[0].display");
    assert_eq!(coding("urn:iso:std:iso:3166", "BD", "Bengal"), "warning Observation.code.coding[0].display");
    assert_eq!(coding("local", "1", "One"), "error Observation.code.coding[0].system");
    const SET: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";
    assert!(coding(SET, "male", "Male").contains("error Observation.code.coding[0].system"));
}

#[test]
fn a_code_of_a_required_binding_is_reported_once() {
    let found = issues(Version::R4, r#"{"resourceType":"Patient","gender":"man"}"#);
    assert_eq!(found, "error Patient.gender\n");
}

#[test]
fn added_code_systems_are_asked_like_those_that_are_built_in() {
    let system =
        br#"{"resourceType":"CodeSystem","url":"http://example.org/cs","content":"complete","concept":[{"code":"a"}]}"#;
    let terminology = terminology::Terminology::of(Version::R4).with([system.as_slice()]).unwrap();
    let validator = profile::Validator::new(Version::R4).with_terminology(terminology);
    let outcome = |code: &str| {
        let observation = format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://example.org/cs","code":"{code}"}}]}}}}"#
        );
        validator.validate(observation.as_bytes(), &profile::Request::default()).0.len()
    };
    assert_eq!((outcome("a"), outcome("b")), (0, 1));
}

#[test]
fn a_required_code_may_not_be_absent_for_whatever_reason() {
    let allergy = |category: &str| {
        format!(
            r#"{{"resourceType":"AllergyIntolerance","patient":{{"reference":"Patient/1"}},
            "clinicalStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code":"active"}}]}},{category}}}"#
        )
    };
    let absent =
        r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;
    let found = issues(Version::R4, &allergy(&format!(r#""_category":[{absent}]"#)));
    assert_eq!(found, "error AllergyIntolerance.category[0]\n");
    let found = issues(Version::R4, &allergy(&format!(r#""category":["food",null],"_category":[null,{absent}]"#)));
    assert_eq!(found, "error AllergyIntolerance.category[1]\n");
    assert_eq!(issues(Version::R4, &allergy(&format!(r#""category":["food"],"_category":[{absent}]"#))), "");
    assert_eq!(issues(Version::R4, &allergy(&format!(r#""criticality":"low","_criticality":{absent}"#))), "");
    let found = issues(Version::R4, &allergy(&format!(r#""_criticality":{absent}"#)));
    assert_eq!(found, "error AllergyIntolerance.criticality\n");
    let other = r#"{"extension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-AllergyIntolerance.criticality",
        "valueCode":"x"}]}"#;
    assert!(!issues(Version::R4, &allergy(&format!(r#""_criticality":{other}"#))).contains("error"));
}

#[test]
fn a_unit_that_is_none_is_a_warning_where_nothing_is_bound() {
    let observation = |code: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"a"}},
            "valueQuantity":{{"value":1,"unit":"x","system":"http://unitsofmeasure.org","code":"{code}"}}}}"#
        )
    };
    assert_eq!(issues(Version::R4, &observation("mm[Hg]")), "");
    assert_eq!(issues(Version::R4, &observation("mmHg")), "warning Observation.value.code\n");
}

#[test]
fn words_in_another_language_are_advice() {
    let patient = |language: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
            "resource":{{"resourceType":"Patient"{language},"maritalStatus":{{"coding":[
            {{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M","display":"verheiratet"}}]}}}}}}]}}"#
        )
    };
    const PLACE: &str = "Bundle.entry[0].resource.maritalStatus.coding[0].display\n";
    assert_eq!(issues(Version::R4, &patient(r#","language":"de""#)), format!("warning {PLACE}"));
    assert_eq!(issues(Version::R4, &patient(r#","language":"en-US""#)), format!("error {PLACE}"));
    assert_eq!(issues(Version::R4, &patient("")), format!("error {PLACE}"));
}

#[test]
fn a_wrong_check_digit_and_a_code_that_only_groups_others_are_warnings() {
    let coding = |system: &str, code: &str| {
        let coding = format!(r#"{{"coding":[{{"system":"{system}","code":"{code}"}}]}}"#);
        let observation = format!(r#"{{"resourceType":"Observation","status":"final","code":{coding}}}"#);
        issues(Version::R4, &observation).trim_end().to_owned()
    };
    const WRONG: &str = "warning Observation.code.coding[0].code";
    assert_eq!(coding("http://loinc.org", "8480-7"), WRONG);
    assert_eq!(coding("http://snomed.info/sct", "386661007"), WRONG);
    for right in ["386661006", "386661006:246112005=24484000", "386661006 |Fever|"] {
        assert_eq!(coding("http://snomed.info/sct", right), "");
    }
    const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    assert_eq!(coding(ACT, "_ActEncounterCode"), "warning Observation.code.coding[0]");
    assert_eq!(coding(ACT, "AMB"), "");
}

/// As US Core's own example has it: race, ethnicity and sex at birth.
#[test]
fn an_ordinary_us_core_patient_has_no_warning() {
    const CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core";
    let coding = |url: &str, code: &str, display: &str| {
        format!(
            r#"{{"url":"{url}","valueCoding":{{"system":"urn:oid:2.16.840.1.113883.6.238","code":"{code}","display":"{display}"}}}}"#
        )
    };
    let text = |words: &str| format!(r#"{{"url":"text","valueString":"{words}"}}"#);
    let group =
        |name: &str, parts: &[String]| format!(r#"{{"extension":[{}],"url":"{CORE}-{name}"}}"#, parts.join(","));
    let race = group(
        "race",
        &[
            coding("ombCategory", "2106-3", "White"),
            coding("ombCategory", "1002-5", "American Indian or Alaska Native"),
            coding("detailed", "1586-7", "Shoshone"),
            text("Mixed"),
        ],
    );
    let ethnicity = group(
        "ethnicity",
        &[
            coding("ombCategory", "2135-2", "Hispanic or Latino"),
            coding("detailed", "2184-0", "Dominican"),
            text("Hispanic or Latino"),
        ],
    );
    let patient = |birth_sex: &str| {
        let sex = format!(r#"{{"url":"{CORE}-birthsex","valueCode":"{birth_sex}"}}"#);
        let rest = r#""identifier":[{"system":"http://clinic.example","value":"1"}],"name":[{"family":"Shaw"}],"gender":"female""#;
        format!(
            r#"{{"resourceType":"Patient","meta":{{"profile":["{CORE}-patient"]}},"extension":[{race},{ethnicity},{sex}],{rest}}}"#
        )
    };
    assert_eq!(issues(Version::R4, &patient("F")), "");
    assert_eq!(issues(Version::R4, &patient("X")), "error Patient.extension[2].value\n");
}
