//! What is refused, where, and what for; and what must not be.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::{Issue, IssueType, Outcome, ResourceType, Severity, Version};

fn outcome(text: &str) -> Outcome {
    profile::validate(text.as_bytes(), Version::R4, None)
}

/// What is wrong enough to refuse.
fn errors(text: &str) -> impl Iterator<Item = Issue> {
    outcome(text).0.into_iter().filter(|issue| issue.severity >= Severity::Error)
}

/// Kind and expression of each error.
fn issues(text: &str) -> Vec<(IssueType, String)> {
    errors(text).map(|issue| (issue.code, issue.expression.unwrap_or_default())).collect()
}

#[track_caller]
fn refused(text: &str, code: IssueType, expression: &str) {
    assert_eq!(issues(text), [(code, expression.to_owned())], "{text}");
}

#[track_caller]
fn accepted(text: &str) {
    let found: Vec<_> = errors(text).map(|issue| (issue.expression, issue.text)).collect();
    assert!(found.is_empty(), "{text}: {found:?}");
}

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{members}}}"#)
}

#[test]
fn an_unknown_element_is_refused_at_any_depth() {
    refused(&patient(r#""nam":[]"#), IssueType::Structure, "Patient.nam");
    refused(
        &patient(r#""contact":[{"name":{"family":"x"}},{"name":{"famly":"x"}}]"#),
        IssueType::Structure,
        "Patient.contact[1].name.famly",
    );
    let text = &outcome(&patient(r#""birthdate":"2000""#)).0[0].text;
    assert_eq!(text, "unknown element `birthdate`: expected an element of Patient; did you mean `birthDate`?");
}

#[test]
fn what_repeats_is_an_array_and_what_does_not_is_none() {
    refused(&patient(r#""name":{"family":"x"}"#), IssueType::Structure, "Patient.name");
    refused(&patient(r#""gender":["male"]"#), IssueType::Structure, "Patient.gender");
    refused(&patient(r#""name":[{"given":"x"}]"#), IssueType::Structure, "Patient.name[0].given");
    refused(&patient(r#""maritalStatus":[{"text":"x"}]"#), IssueType::Structure, "Patient.maritalStatus");
    refused(&patient(r#""name":[["x"]]"#), IssueType::Structure, "Patient.name[0]");
}

#[test]
fn required_elements_are_missed_at_every_depth() {
    refused(
        r#"{"resourceType":"Slot","schedule":{"reference":"Schedule/1"},"status":"free","start":"2026-01-01T10:00:00Z"}"#,
        IssueType::Required,
        "Slot.end",
    );
    refused(&patient(r#""link":[{"type":"seealso"}]"#), IssueType::Required, "Patient.link[0].other");
    refused(&patient(r#""extension":[{"valueString":"x"}]"#), IssueType::Required, "Patient.extension[0].url");
    accepted(
        r#"{"resourceType":"Slot","schedule":{"reference":"Schedule/1"},"status":"free","start":"2026-01-01T10:00:00Z","_end":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}"#,
    );
}

#[test]
fn a_choice_has_one_value() {
    refused(&patient(r#""deceasedBoolean":true,"deceasedDateTime":"2020""#), IssueType::Structure, "Patient.deceased");
    refused(&patient(r#""deceasedString":"x""#), IssueType::Structure, "Patient.deceasedString");
    refused(&patient(r#""deceased":true"#), IssueType::Structure, "Patient.deceased");
    accepted(&patient(
        r#""deceasedDateTime":"2020","_deceasedDateTime":{"extension":[{"url":"http://a.example","valueString":"x"}]}"#,
    ));
    refused(
        &patient(
            r#""_deceasedDateTime":{"extension":[{"url":"http://a.example","valueString":"x"}]},"deceasedBoolean":true"#,
        ),
        IssueType::Structure,
        "Patient.deceased",
    );
}

#[test]
fn a_primitive_has_its_json_type_its_format_and_its_range() {
    refused(&patient(r#""active":"true""#), IssueType::Structure, "Patient.active");
    refused(&patient(r#""birthDate":20000101"#), IssueType::Structure, "Patient.birthDate");
    refused(&patient(r#""birthDate":"2023-02-30""#), IssueType::Value, "Patient.birthDate");
    refused(&patient(r#""id":"a_b""#), IssueType::Value, "Patient.id");
    refused(&patient(r#""telecom":[{"rank":0}]"#), IssueType::Value, "Patient.telecom[0].rank");
    refused(&patient(r#""multipleBirthInteger":1.5"#), IssueType::Value, "Patient.multipleBirth");
    refused(
        &patient(r#""photo":[{"contentType":"image/png","data":"QQ="}]"#),
        IssueType::Value,
        "Patient.photo[0].data",
    );
    refused(&patient(r#""meta":{"lastUpdated":"2020-01-01"}"#), IssueType::Value, "Patient.meta.lastUpdated");
    refused(&patient(r#""name":[{"id":"a b","family":"x"}]"#), IssueType::Value, "Patient.name[0].id");
    refused(&patient(r#""name":[{"family":"a\u0000b"}]"#), IssueType::Value, "Patient.name[0].family");
    refused(&patient(r#""name":[{"family":{"x":1}}]"#), IssueType::Structure, "Patient.name[0].family");
    accepted(&patient(r#""name":[{"family":"\u00e9 \uD83D\uDE00 \"x\""}],"multipleBirthInteger":2"#));
}

#[test]
fn codes_of_required_bindings_are_checked() {
    refused(&patient(r#""gender":"xx""#), IssueType::CodeInvalid, "Patient.gender");
    let text = &outcome(&patient(r#""gender":"xx""#)).0[0].text;
    assert_eq!(
        text,
        "expected a code of http://hl7.org/fhir/ValueSet/administrative-gender (male, female, other, unknown), found `xx`"
    );
    let allergy = |status: &str| {
        format!(
            r#"{{"resourceType":"AllergyIntolerance","patient":{{"reference":"Patient/1"}},"clinicalStatus":{status}}}"#
        )
    };
    let system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    accepted(&allergy(&format!(
        r#"{{"coding":[{{"system":"http://snomed.info/sct","code":"55561003"}},{{"system":"{system}","code":"active"}}]}}"#
    )));
    for status in [r#"{"text":"active"}"#.to_owned(), format!(r#"{{"coding":[{{"system":"{system}","code":"x"}}]}}"#)] {
        refused(&allergy(&status), IssueType::CodeInvalid, "AllergyIntolerance.clinicalStatus");
    }
    // Media types cannot be listed.
    accepted(&patient(r#""photo":[{"contentType":"image/avif"}]"#));
}

#[test]
fn a_literal_reference_points_at_an_allowed_type() {
    let with = |reference: &str| patient(&format!(r#""managingOrganization":{{"reference":"{reference}"}}"#));
    for reference in
        ["Organization/1", "https://x.example/fhir/Organization/1/_history/2", "urn:uuid:1", "Organization?x=1"]
    {
        accepted(&with(reference));
    }
    let at = "Patient.managingOrganization.reference";
    refused(&with("Patient/1"), IssueType::Value, at);
    refused(&with("https://x.example/fhir/Patient/1"), IssueType::Value, at);
    refused(&with("Organisation/1"), IssueType::Value, at);
    refused(
        &patient(r#""generalPractitioner":[{"type":"Organization","reference":"Practitioner/1"}]"#),
        IssueType::Value,
        "Patient.generalPractitioner[0].reference",
    );
}

#[test]
fn contained_resources_are_checked_and_referred_to() {
    let with = |contained: &str, reference: &str| {
        patient(&format!(r#""contained":[{contained}],"managingOrganization":{{"reference":"{reference}"}}"#))
    };
    let organization = r##"{"resourceType":"Organization","id":"o","name":"x"}"##;
    accepted(&with(organization, "#o"));
    assert_eq!(
        issues(&with(organization, "#p")),
        [
            (IssueType::Invariant, "Patient.contained[0]".to_owned()),
            (IssueType::NotFound, "Patient.managingOrganization.reference".to_owned())
        ]
    );
    refused(
        &with(r#"{"resourceType":"Practitioner","id":"o"}"#, "#o"),
        IssueType::Value,
        "Patient.managingOrganization.reference",
    );
    refused(
        &with(r#"{"resourceType":"Organization","id":"o","name":"x","nme":"x"}"#, "#o"),
        IssueType::Structure,
        "Patient.contained[0].nme",
    );
    refused(
        &with(r#"{"resourceType":"Organization","id":"o","name":"x","meta":{"versionId":"1"}}"#, "#o"),
        IssueType::Invariant,
        "Patient.contained[0]",
    );
    refused(&patient(r#""contained":[{"id":"o"}]"#), IssueType::Required, "Patient.contained[0]");
}

#[test]
fn companions_go_with_their_values() {
    let extension = r#"{"extension":[{"url":"http://a.example","valueCode":"x"}]}"#;
    accepted(&patient(&format!(r#""name":[{{"given":["a",null,"c"],"_given":[null,{extension},null]}}]"#)));
    accepted(&patient(&format!(r#""_birthDate":{extension}"#)));
    refused(&patient(r#""name":[{"given":["a",null]}]"#), IssueType::Required, "Patient.name[0].given[1]");
    refused(
        &patient(&format!(r#""name":[{{"given":["a",null],"_given":[{extension},null]}}]"#)),
        IssueType::Required,
        "Patient.name[0].given[1]",
    );
    refused(&patient(r#""_birthDate":{"id":"x"}"#), IssueType::Invariant, "Patient.birthDate");
    refused(&patient(&format!(r#""_name":[{extension}]"#)), IssueType::Structure, "Patient._name");
    refused(&patient(&format!(r#""_birthDate":[{extension}]"#)), IssueType::Structure, "Patient.birthDate");
    let value = r#"{"value":"x","extension":[{"url":"http://a.example","valueCode":"x"}]}"#;
    refused(&patient(&format!(r#""_birthDate":{value}"#)), IssueType::Structure, "Patient.birthDate.value");
}

#[test]
fn nothing_is_empty_and_null_is_no_value() {
    refused(&patient(r#""name":[]"#), IssueType::Required, "Patient.name");
    refused(&patient(r#""name":[{}]"#), IssueType::Required, "Patient.name[0]");
    refused(&patient(r#""name":[{"family":""}]"#), IssueType::Required, "Patient.name[0].family");
    refused(&patient(r#""birthDate":null"#), IssueType::Structure, "Patient.birthDate");
    refused(&patient(r#""name":[null]"#), IssueType::Structure, "Patient.name[0]");
    refused(&patient(r#""maritalStatus":null"#), IssueType::Structure, "Patient.maritalStatus");
}

#[test]
fn an_extension_has_a_value_or_extensions_and_an_absolute_url() {
    let with = |extension: &str| patient(&format!(r#""extension":[{extension}]"#));
    accepted(&with(r#"{"url":"http://a.example","extension":[{"url":"part","valueDecimal":1.50}]}"#));
    refused(&with(r#"{"url":"http://a.example"}"#), IssueType::Invariant, "Patient.extension[0]");
    refused(
        &with(r#"{"url":"http://a.example","valueCode":"x","extension":[{"url":"b","valueCode":"x"}]}"#),
        IssueType::Invariant,
        "Patient.extension[0]",
    );
    refused(&with(r#"{"url":"a","valueCode":"x"}"#), IssueType::Value, "Patient.extension[0].url");
    // extensibility.html: modifier extensions stand on resources and backbone elements only.
    refused(
        &patient(r#""name":[{"modifierExtension":[{"url":"http://a.example","valueCode":"x"}],"family":"x"}]"#),
        IssueType::Structure,
        "Patient.name[0].modifierExtension",
    );
    // What an unknown one changes cannot be told, so nobody may overlook it.
    refused(
        &patient(
            r#""contact":[{"name":{"text":"x"},"modifierExtension":[{"url":"http://a.example","valueCode":"x"}]}]"#,
        ),
        IssueType::Extension,
        "Patient.contact[0].modifierExtension[0]",
    );
}

#[test]
fn a_member_that_repeats_is_refused_in_any_spelling() {
    refused(&patient(r#""id":"a","active":true,"id":"b""#), IssueType::Duplicate, "Patient.id");
    refused(&patient(r#""id":"a","\u0069d":"b""#), IssueType::Structure, r"Patient.`\u0069d`");
    refused(
        r#"{"resourceType":"Patient","resourceType":"Slot","active":true}"#,
        IssueType::Duplicate,
        "Patient.resourceType",
    );
    refused(&patient(r#""name":[{"family":"a","family":"b"}]"#), IssueType::Duplicate, "Patient.name[0].family");
}

#[test]
fn the_resource_type_is_there_known_and_the_expected_one_wherever_it_stands() {
    let check = |text: &str, expected| {
        let issues = profile::validate(text.as_bytes(), Version::R4, expected).0;
        issues.into_iter().map(|issue| issue.code).collect::<Vec<_>>()
    };
    let late = r#"{"id":"a","name":[{"given":["{\"resourceType\":\"Slot\"}"]}],"resourceType":"Patient"}"#;
    assert_eq!(check(late, Some(ResourceType::PATIENT)), []);
    assert_eq!(check(late, Some(ResourceType::SLOT)), [IssueType::Structure]);
    assert_eq!(check(r#"{"id":"a"}"#, None), [IssueType::Required]);
    assert_eq!(check(r#"{"resourceType":"Pationt"}"#, None), [IssueType::Value]);
    assert_eq!(check(r#"{"resourceType":"DomainResource"}"#, None), [IssueType::Value]);
    assert_eq!(check(r#"{"resourceType":"HumanName"}"#, None), [IssueType::Value]);
    assert_eq!(check(r#"{"resourceType":1}"#, None), [IssueType::Structure]);
    assert_eq!(check("[]", None), [IssueType::Structure]);
    assert_eq!(check("null", None), [IssueType::Structure]);
}

#[test]
fn resources_in_bundles_and_parameters_are_checked() {
    refused(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://a.example/1","resource":{"resourceType":"Patient","gender":"x"}}]}"#,
        IssueType::CodeInvalid,
        "Bundle.entry[0].resource.gender",
    );
    refused(
        r#"{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Slot"}}]}]}"#
            .replace(r#""Slot""#, r#""Patient","birthDate":"x""#)
            .as_str(),
        IssueType::Value,
        "Parameters.parameter[0].part[0].resource.birthDate",
    );
}

#[test]
fn narrative_is_xhtml() {
    let with = |div: &str| {
        let div = serde_json::to_string(div).unwrap();
        patient(&format!(r#""text":{{"status":"generated","div":{div}}}"#))
    };
    accepted(&with("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>x<br/></p></div>"));
    refused(
        &with("<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"),
        IssueType::Invariant,
        "Patient.text.div",
    );
}

#[test]
fn every_error_is_reported_at_once_with_its_place_in_the_source() {
    let text = "{\n  \"resourceType\": \"Patient\",\n  \"gender\": \"é\",\n  \"é\": 1, \"birthDate\": \"x\"\n}";
    let found: Vec<_> =
        outcome(text).0.iter().map(|issue| issue.position.map(|at| (at.line, at.column)).unwrap()).collect();
    assert_eq!(found, [(3, 13), (4, 8), (4, 24)]);
}

#[test]
fn the_number_of_issues_is_bounded() {
    let many = (0..500).map(|number| format!(r#""x{number}":1"#)).collect::<Vec<_>>().join(",");
    let outcome = outcome(&patient(&many));
    assert_eq!(outcome.0.len(), 101);
    assert_eq!(outcome.0[100].code, IssueType::TooCostly);
}

#[test]
fn a_text_that_stops_being_json_keeps_what_was_found_before() {
    let codes: Vec<_> =
        issues(&patient(r#""gender":"x","name":[{"family":"#)).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [IssueType::CodeInvalid, IssueType::Structure]);
}

#[test]
fn the_nodes_of_a_valid_resource_know_their_elements() {
    let text = patient(
        r##""name":[{"given":["a"]}],"deceasedBoolean":false,"contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"}"##,
    );
    let nodes = profile::check(text.as_bytes(), Version::R4, Some(ResourceType::PATIENT)).unwrap();
    let document = fhir::json::Document::new(text.as_bytes(), &nodes);
    let r4 = definitions::of(Version::R4);
    let path = |value: fhir::json::Value<'_>| r4.element_of(value.node()).unwrap().path();
    let root = document.root().unwrap();
    assert_eq!(path(root), "Patient");
    let name = root.member("name").unwrap();
    assert_eq!(path(name), "Patient.name");
    let item = name.children().next().unwrap();
    assert_eq!((path(item), path(item.member("given").unwrap())), ("Patient.name".into(), "HumanName.given".into()));
    assert_eq!(path(root.member("deceasedBoolean").unwrap()), "Patient.deceased[x]");
    assert_eq!(path(root.member("contained").unwrap().children().next().unwrap()), "Organization");
    assert_eq!(root.member("resourceType").unwrap().node().element, 0);
}

#[test]
fn each_release_has_its_own_elements() {
    let text = r#"{"resourceType":"Appointment","status":"cancelled","cancelationReason":{"text":"x"},"participant":[{"type":[{"text":"x"}],"status":"accepted"}]}"#;
    assert!(!profile::validate(text.as_bytes(), Version::R4, None).has_errors());
    assert!(!profile::validate(text.as_bytes(), Version::R4B, None).has_errors());
    assert!(profile::validate(text.as_bytes(), Version::R5, None).has_errors());
}
