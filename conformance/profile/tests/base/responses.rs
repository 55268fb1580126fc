//! QuestionnaireResponses against the Questionnaire that they contain.

use super::{accepted, refused_at};

fn response(items: &str, given: &str) -> String {
    format!(
        r##"{{"resourceType":"QuestionnaireResponse","status":"completed","contained":[{{"resourceType":"Questionnaire","id":"q","status":"active","item":[{items}]}}],"questionnaire":"#q","item":[{given}]}}"##
    )
}

/// A question alone, and an answer to it.
fn answer(question: &str, answer: &str) -> String {
    response(&format!(r#"{{"linkId":"a",{question}}}"#), &format!(r#"{{"linkId":"a","answer":[{answer}]}}"#))
}

const FIRST: &str = "QuestionnaireResponse.item[0].answer[0].value";

#[test]
fn an_answer_has_the_type_of_its_question() {
    accepted(&answer(r#""type":"integer""#, r#"{"valueInteger":1}"#));
    accepted(&answer(r#""type":"text""#, r#"{"valueString":"x"}"#));
    refused_at(&answer(r#""type":"integer""#, r#"{"valueString":"x"}"#), FIRST);
    refused_at(&answer(r#""type":"quantity""#, r#"{"valueString":"x"}"#), FIRST);
}

#[test]
fn an_answer_keeps_the_bounds_of_its_question() {
    let bound = |name: &str, value: &str, kind: &str| {
        format!(r#""type":"{kind}","extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/{name}",{value}}}]"#)
    };
    let least = bound("minValue", r#""valueInteger":5"#, "integer");
    accepted(&answer(&least, r#"{"valueInteger":5}"#));
    refused_at(&answer(&least, r#"{"valueInteger":4}"#), FIRST);
    let places = bound("maxDecimalPlaces", r#""valueInteger":2"#, "decimal");
    refused_at(&answer(&places, r#"{"valueDecimal":1.234}"#), FIRST);
    refused_at(&answer(r#""type":"string","maxLength":2"#, r#"{"valueString":"xyz"}"#), FIRST);
    let latest = bound("maxValue", r#""valueDate":"2026-01-31""#, "date");
    refused_at(&answer(&latest, r#"{"valueDate":"2026-02-01"}"#), FIRST);
    accepted(&answer(&latest, r#"{"valueDate":"2026-01"}"#));
}

#[test]
fn quantities_are_compared_in_their_units() {
    let most = r#""type":"quantity","extension":[{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity","valueQuantity":{"value":5,"system":"http://unitsofmeasure.org","code":"km"}}]"#;
    let metres = |value: &str| {
        format!(r#"{{"valueQuantity":{{"value":{value},"system":"http://unitsofmeasure.org","code":"m"}}}}"#)
    };
    accepted(&answer(most, &metres("5000")));
    refused_at(&answer(most, &metres("5001")), FIRST);
    refused_at(&answer(most, r#"{"valueQuantity":{"value":1,"unit":"km"}}"#), FIRST);
}

#[test]
fn an_answer_is_one_of_the_options() {
    let options = r#""repeats":true,"answerOption":[{"valueCoding":{"system":"http://a.example","code":"x"}},{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive","valueBoolean":true}],"valueCoding":{"system":"http://a.example","code":"y"}}]"#;
    let coding = |code: &str| format!(r#"{{"valueCoding":{{"system":"http://a.example","code":"{code}"}}}}"#);
    let choice = format!(r#""type":"choice",{options}"#);
    accepted(&answer(&choice, &coding("x")));
    refused_at(&answer(&choice, &coding("z")), FIRST);
    accepted(&answer(&format!(r#""type":"open-choice",{options}"#), &coding("z")));
    let both = format!("{},{}", coding("x"), coding("y"));
    refused_at(&answer(&choice, &both), "QuestionnaireResponse.item[0].answer[1]");
}

#[test]
fn items_are_those_of_the_questionnaire_in_its_order_and_number() {
    let items = r#"{"linkId":"a","type":"string"},{"linkId":"b","type":"string","repeats":true}"#;
    let given = |link_id: &str| format!(r#"{{"linkId":"{link_id}","answer":[{{"valueString":"x"}}]}}"#);
    let all = |ids: [&str; 2]| response(items, &ids.map(given).join(","));
    accepted(&all(["a", "b"]));
    accepted(&all(["b", "b"]));
    refused_at(&all(["b", "a"]), "QuestionnaireResponse.item[1]");
    refused_at(&all(["a", "a"]), "QuestionnaireResponse.item[1]");
    refused_at(&all(["a", "z"]), "QuestionnaireResponse.item[1]");
}

#[test]
fn a_required_item_is_answered_unless_it_is_not_enabled() {
    let items = r#"{"linkId":"a","type":"boolean"},{"linkId":"b","type":"string","required":true,"enableWhen":[{"question":"a","operator":"=","answerBoolean":true}]}"#;
    let first = |value: bool| format!(r#"{{"linkId":"a","answer":[{{"valueBoolean":{value}}}]}}"#);
    let second = r#"{"linkId":"b","answer":[{"valueString":"x"}]}"#;
    accepted(&response(items, &first(false)));
    accepted(&response(items, &format!("{},{second}", first(true))));
    refused_at(&response(items, &first(true)), "QuestionnaireResponse");
    refused_at(&response(items, &format!("{},{second}", first(false))), "QuestionnaireResponse.item[1]");
    accepted(&response(items, &first(true)).replace("completed", "in-progress"));
}

#[test]
fn a_group_has_items_and_a_display_has_no_answer() {
    let given = r#"{"linkId":"a","answer":[{"valueString":"x"}]}"#;
    refused_at(&response(r#"{"linkId":"a","type":"group"}"#, given), "QuestionnaireResponse.item[0]");
    refused_at(&response(r#"{"linkId":"a","type":"display","text":"x"}"#, given), "QuestionnaireResponse.item[0]");
}

#[test]
fn an_item_is_answered_as_often_as_its_extensions_say() {
    let bounded = |name: &str, value: u32| {
        format!(
            r#""type":"integer","repeats":true,"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-{name}","valueInteger":{value}}}]"#
        )
    };
    let two = r#"{"valueInteger":1},{"valueInteger":2}"#;
    accepted(&answer(&bounded("maxOccurs", 2), two));
    accepted(&answer(&bounded("minOccurs", 2), two));
    refused_at(&answer(&bounded("maxOccurs", 1), two), "QuestionnaireResponse.item[0]");
    refused_at(&answer(&bounded("minOccurs", 3), two), "QuestionnaireResponse.item[0]");
}

#[test]
fn an_answer_is_of_the_value_set_that_the_questionnaire_contains() {
    let given = |include: &str, coding: &str| {
        let text = answer(
            r##""type":"choice","answerValueSet":"#v""##,
            &format!(r#"{{"valueCoding":{{"system":"http://a.example/cs","code":"{coding}"}}}}"#),
        );
        let value_set = format!(
            r#""status":"active","contained":[{{"resourceType":"ValueSet","id":"v","status":"active","compose":{{"include":[{{"system":"http://a.example/cs"{include}}}]}}}}],"item""#
        );
        text.replacen(r#""status":"active","item""#, &value_set, 1)
    };
    // A contained resource contains none: what is asked here is only what is said of the answer.
    let says = |text: &str| {
        super::errors(text, fhir::Version::R4).iter().any(|(_, text)| text.contains("expected a code of #v"))
    };
    assert!(!says(&given(r#","concept":[{"code":"a"}]"#, "a")));
    assert!(says(&given(r#","concept":[{"code":"a"}]"#, "b")));
    assert!(!says(&given("", "b")));
}
