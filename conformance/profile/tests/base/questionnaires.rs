//! Questionnaires by themselves.

use super::{accepted, refused_at};
use fhir::{Severity, Version};

fn questionnaire(item: &str) -> String {
    format!(
        r##"{{"resourceType":"Questionnaire","status":"active","contained":[{{"resourceType":"ValueSet","id":"v","status":"active"}},{{"resourceType":"CodeSystem","id":"c","status":"active","content":"complete"}}],"item":[{item}]}}"##
    )
}

/// What is doubtful, by its expression.
fn warnings(text: &str) -> Vec<String> {
    let outcome = profile::validate(text.as_bytes(), Version::R4, None);
    let doubts = outcome.0.into_iter().filter(|issue| issue.severity == Severity::Warning);
    doubts.filter_map(|issue| issue.expression).collect()
}

fn item(members: &str) -> String {
    questionnaire(&format!(
        r##"{{"linkId":"z","type":"display","text":"x"}},{{"linkId":"v","type":"choice","answerValueSet":"#v"}},{{"linkId":"a",{members}}}"##
    ))
    .replace(r##",{"resourceType":"CodeSystem","id":"c","status":"active","content":"complete"}"##, "")
}

#[test]
fn initial_values_and_options_are_of_the_type_of_their_item() {
    accepted(&item(r#""type":"integer","initial":[{"valueInteger":1}]"#));
    refused_at(&item(r#""type":"integer","initial":[{"valueString":"1"}]"#), "Questionnaire.item[2].initial[0].value");
    accepted(&item(r#""type":"choice","answerOption":[{"valueCoding":{"code":"x"}}]"#));
    refused_at(
        &item(r#""type":"date","answerOption":[{"valueInteger":1}]"#),
        "Questionnaire.item[2].answerOption[0].value",
    );
}

#[test]
fn the_value_set_of_a_question_that_is_contained_is_a_value_set() {
    accepted(
        &questionnaire(r##"{"linkId":"a","type":"choice","answerValueSet":"#v"}"##)
            .replace(r##",{"resourceType":"CodeSystem","id":"c","status":"active","content":"complete"}"##, ""),
    );
    let wrong = questionnaire(
        r##"{"linkId":"b","type":"choice","answerValueSet":"#v"},{"linkId":"a","type":"choice","answerValueSet":"#c"}"##,
    );
    refused_at(&wrong, "Questionnaire.item[1].answerValueSet");
}

#[test]
fn a_questionnaire_does_not_derive_from_a_profile() {
    let derived =
        |url: &str| format!(r#"{{"resourceType":"Questionnaire","status":"active","derivedFrom":["{url}"]}}"#);
    accepted(&derived("http://a.example/other"));
    refused_at(&derived("http://hl7.org/fhir/StructureDefinition/Patient"), "Questionnaire.derivedFrom[0]");
}

#[test]
fn a_condition_that_no_answer_meets_is_doubtful() {
    let condition = |question: &str, answer: &str| {
        let when = format!(r#""enableWhen":[{{"question":"{question}","operator":"=",{answer}}}]"#);
        item(&format!(r#""type":"boolean"}},{{"linkId":"b","type":"string",{when}"#))
    };
    let at = "Questionnaire.item[3].enableWhen[0]";
    assert!(!warnings(&condition("a", r#""answerBoolean":true"#)).iter().any(|found| found.starts_with(at)));
    assert!(warnings(&condition("a", r#""answerInteger":1"#)).contains(&format!("{at}.answer")));
    assert!(warnings(&condition("z", r#""answerInteger":1"#)).contains(&at.to_owned()));
}

#[test]
fn bounds_that_leave_no_room_are_doubtful() {
    let bounds = |least: u32, most: u32| {
        let extension = |name: &str, value: u32| {
            format!(
                r#"{{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-{name}","valueInteger":{value}}}"#
            )
        };
        item(&format!(
            r#""type":"integer","repeats":true,"extension":[{},{}]"#,
            extension("minOccurs", least),
            extension("maxOccurs", most)
        ))
    };
    let at = "Questionnaire.item[2]".to_owned();
    assert!(!warnings(&bounds(1, 2)).contains(&at));
    assert!(warnings(&bounds(3, 2)).contains(&at));
}
