//! Definitional resources.

use super::{accepted, doubted_at, refused_at, refused_by};
use fhir::Version;

fn value_set(include: &str) -> String {
    format!(r#"{{"resourceType":"ValueSet","status":"active","compose":{{"include":[{{{include}}}]}}}}"#)
}

#[test]
fn a_definition_and_what_it_includes_have_absolute_urls() {
    refused_at(r#"{"resourceType":"ValueSet","url":"local","status":"active"}"#, "ValueSet.url");
    refused_at(&value_set(r##""system":"#cs""##), "ValueSet.compose.include[0]");
    accepted(&value_set(r#""system":"http://a.example/cs""#));
}

#[test]
fn a_filter_has_a_value_that_its_property_can_have() {
    let filter = |system: &str, filter: &str| value_set(&format!(r#""system":"{system}","filter":[{{{filter}}}]"#));
    let inactive = r#""property":"inactive","op":"=","value":"1""#;
    refused_at(&filter("http://a.example/cs", inactive), "ValueSet.compose.include[0].filter[0]");
    let attribute = r#""property":"1142143009","op":"not-in","value":"73211009""#;
    refused_at(&filter("http://snomed.info/sct", attribute), "ValueSet.compose.include[0].filter[0]");
    accepted(&filter("http://snomed.info/sct", r#""property":"concept","op":"is-a","value":"73211009""#));
}

#[test]
fn a_code_system_declares_each_property_once_and_uses_it_as_declared() {
    let system = |properties: &str, property: &str| {
        format!(
            r#"{{"resourceType":"CodeSystem","url":"http://a.example/cs","name":"X","status":"active","content":"complete","property":[{properties}],"concept":[{{"code":"a","property":[{property}]}}]}}"#
        )
    };
    let flag = r#"{"code":"flag","type":"boolean"}"#;
    accepted(&system(flag, r#"{"code":"flag","valueBoolean":true}"#));
    refused_at(&system(flag, r#"{"code":"flag","valueString":"x"}"#), "CodeSystem.concept[0].property[0]");
    refused_at(&system(&format!("{flag},{flag}"), r#"{"code":"flag","valueBoolean":true}"#), "CodeSystem.property[1]");
    let parent = r#"{"code":"parent","type":"code"}"#;
    refused_at(&system(parent, r#"{"code":"parent","valueCode":"z"}"#), "CodeSystem.concept[0].property[0]");
}

fn parameter(members: &str) -> String {
    format!(
        r#"{{"resourceType":"SearchParameter","url":"http://a.example/sp","name":"X","status":"active","description":"x","code":"x","base":["Organization"],{members}}}"#
    )
}

#[test]
fn a_search_parameter_has_parts_a_fitting_type_and_an_expression_that_compiles() {
    accepted(&parameter(r#""type":"string","expression":"Organization.name""#));
    refused_at(&parameter(r#""type":"composite","expression":"Organization""#), "SearchParameter");
    refused_at(&parameter(r#""type":"string","expression":"Organization.name.""#), "SearchParameter.expression");
    refused_at(&parameter(r#""type":"string","expression":"Organization.nome""#), "SearchParameter.expression");
    let derived = r#""type":"token","derivedFrom":"http://hl7.org/fhir/SearchParameter/Organization-name""#;
    refused_at(&parameter(derived), "SearchParameter");
    let derived = r#""type":"date","derivedFrom":"http://hl7.org/fhir/SearchParameter/individual-birthdate""#;
    refused_at(&parameter(derived), "SearchParameter");
}

#[test]
fn an_expression_that_starts_at_no_base_is_doubtful_and_that_of_a_component_compiles() {
    let at = "SearchParameter.expression";
    assert!(!doubted_at(&parameter(r#""type":"string","expression":"Organization.name | (Patient.name).text""#), at));
    assert!(doubted_at(&parameter(r#""type":"string","expression":"Patient.name.text""#), at));
    let composite = |expression: &str| {
        let component = format!(
            r#"{{"definition":"http://hl7.org/fhir/SearchParameter/Organization-name","expression":"{expression}"}}"#
        );
        parameter(&format!(r#""type":"composite","expression":"Organization","component":[{component},{component}]"#))
    };
    accepted(&composite("name"));
    refused_at(&composite("name."), "SearchParameter.component[0].expression");
}

#[test]
fn a_capability_statement_names_profiles_of_the_type_of_the_resource() {
    let statement = |profile: &str| {
        format!(
            r#"{{"resourceType":"CapabilityStatement","status":"active","date":"2026","kind":"requirements","description":"x","fhirVersion":"4.0.1","format":["json"],"rest":[{{"mode":"server","resource":[{{"type":"Observation","supportedProfile":["http://hl7.org/fhir/StructureDefinition/{profile}"]}}]}}]}}"#
        )
    };
    let at = "CapabilityStatement.rest[0].resource[0].supportedProfile[0]";
    assert!(!doubted_at(&statement("bmi"), at));
    assert!(doubted_at(&statement("Patient"), at));
}

#[test]
fn a_capability_statement_gives_search_parameters_the_types_of_their_definitions() {
    let statement = |kind: &str| {
        format!(
            r#"{{"resourceType":"CapabilityStatement","status":"active","date":"2026","kind":"requirements","description":"x","fhirVersion":"4.0.1","format":["json"],"rest":[{{"mode":"server","resource":[{{"type":"Organization","searchParam":[{{"name":"name","definition":"http://hl7.org/fhir/SearchParameter/Organization-name","type":"{kind}"}}]}}]}}]}}"#
        )
    };
    accepted(&statement("string"));
    refused_at(&statement("token"), "CapabilityStatement.rest[0].resource[0].searchParam[0]");
}

fn structure(type_name: &str, members: &str, elements: &str) -> String {
    format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://a.example/sd","name":"X","status":"draft","kind":"resource","abstract":false,"type":"{type_name}","baseDefinition":"http://hl7.org/fhir/StructureDefinition/{type_name}","derivation":"constraint",{members}"differential":{{"element":[{elements}]}}}}"#
    )
}

#[test]
fn a_profile_speaks_of_elements_of_its_type_and_only_narrows_them() {
    let element =
        |members: &str| structure("Patient", "", &format!(r#"{{"id":"Patient","path":"Patient"}},{{{members}}}"#));
    let at = "StructureDefinition.differential.element[1]";
    accepted(&element(r#""id":"Patient.name","path":"Patient.name","min":1,"max":"1""#));
    accepted(&element(r#""id":"Patient.deceased[x]","path":"Patient.deceased[x]","type":[{"code":"boolean"}]"#));
    refused_at(&element(r#""id":"Patient.nome","path":"Patient.nome""#), &format!("{at}.path"));
    refused_at(&element(r#""id":"Patient.gender","path":"Patient.gender","max":"2""#), at);
    refused_at(&element(r#""id":"Patient.link.other","path":"Patient.link.other","min":0"#), at);
    refused_at(&element(r#""id":"Patient.link.other","path":"Patient.link.other","max":"0""#), at);
    let typed = r#""id":"Patient.deceased[x]","path":"Patient.deceased[x]","type":[{"code":"string"}]"#;
    refused_at(&element(typed), &format!("{at}.type[0].code"));
    let constraint = r#""id":"Patient.name","path":"Patient.name","constraint":[{"key":"a-1","severity":"error","human":"x","expression":"family.exists("}]"#;
    refused_at(&element(constraint), &format!("{at}.constraint[0].expression"));
}

#[test]
fn an_extension_stands_on_elements_that_exist_and_has_its_own_url() {
    let extension = |path: &str, url: &str| {
        structure(
            "Extension",
            &format!(r#""context":[{{"type":"element","expression":"{path}"}}],"#),
            &format!(
                r#"{{"id":"Extension","path":"Extension"}},{{"id":"Extension.url","path":"Extension.url","fixedUri":"{url}"}}"#
            ),
        )
        .replace("\"resource\"", "\"complex-type\"")
    };
    accepted(&extension("Patient.name", "http://a.example/sd"));
    accepted(&extension("CanonicalResource", "http://a.example/sd"));
    refused_at(&extension("Patient.nome", "http://a.example/sd"), "StructureDefinition.context[0]");
    refused_at(&extension("Patient", "http://a.example/other"), "StructureDefinition");
}

#[test]
fn a_condition_of_a_questionnaire_refers_to_another_item() {
    let questionnaire = |question: &str| {
        format!(
            r#"{{"resourceType":"Questionnaire","status":"active","item":[{{"linkId":"a","type":"boolean"}},{{"linkId":"b","type":"string","enableWhen":[{{"question":"{question}","operator":"=","answerBoolean":true}}]}}]}}"#
        )
    };
    accepted(&questionnaire("a"));
    refused_at(&questionnaire("b"), "Questionnaire.item[1].enableWhen[0]");
    refused_by(Version::R5, &questionnaire("z"), "Questionnaire.item[1].enableWhen[0]");
}

#[test]
fn a_concept_map_maps_codes_of_its_value_sets() {
    let map = |code: &str| {
        format!(
            r#"{{"resourceType":"ConceptMap","status":"draft","sourceCanonical":"http://hl7.org/fhir/ValueSet/administrative-gender","group":[{{"source":"http://hl7.org/fhir/administrative-gender","target":"http://a.example/cs","element":[{{"code":"{code}","target":[{{"code":"x","equivalence":"equal"}}]}}]}}]}}"#
        )
    };
    accepted(&map("male"));
    let sources = map("final").replace(
        "\"source\":\"http://hl7.org/fhir/administrative-gender\"",
        "\"source\":\"http://hl7.org/fhir/observation-status\"",
    );
    refused_at(&sources, "ConceptMap.group[0].element[0].code");
}

#[test]
fn sampled_data_are_decimals_or_say_why_not() {
    let observation = |data: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"valueSampledData":{{"origin":{{"value":0}},"period":1,"dimensions":1,"data":"{data}"}}}}"#
        )
    };
    accepted(&observation("1 -2.5 E U L"));
    refused_at(&observation("1 x"), "Observation.value.data");
}

#[test]
fn a_rule_that_needs_codes_is_run_where_they_are_known() {
    let scenario = |kind: &str| {
        format!(
            r#"{{"resourceType":"ExampleScenario","status":"draft","instance":[{{"key":"1","title":"t",
            "structureType":{{"system":"http://hl7.org/fhir/fhir-types","code":"{kind}"}}}}]}}"#
        )
    };
    let rules =
        |text: &str| crate::errors(text, Version::R5).into_iter().filter(|(_, text)| text.contains("exs-1")).count();
    assert_eq!(rules(&scenario("Patient")), 0);
    assert_eq!(rules(&scenario("Nonsense")), 1, "another structure needs its version");
}

#[test]
fn an_invariant_that_names_what_is_not_there_is_doubtful() {
    let doubts = |expression: &str| {
        let constraint = format!(
            r#"{{"id":"Patient.contact","path":"Patient.contact","constraint":[{{"key":"p-1","severity":"error","human":"h",
            "expression":"{expression}"}}]}}"#
        );
        let text = structure("Patient", "", &constraint);
        let outcome = profile::validate(text.as_bytes(), Version::R4, None);
        outcome.0.into_iter().filter(|issue| issue.text.contains("unknown element")).count()
    };
    assert_eq!(doubts("name.exists() and %resource.birthDate.exists()"), 0);
    assert_eq!(doubts("birthDate.exists()"), 1);
}
