use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::{Bases, Malformed, Rewriter};

const FROM: &str = "http://ehr.example/fhir";
const LONGER: &str = "http://ehr.example/fhir/r4";
const TO: &str = "https://gate.example/fhir/r4";

fn bases() -> Bases {
    Bases::new([FROM, LONGER], TO)
}

fn rewrite_in_pieces(text: &str, cuts: &[usize]) -> Result<String, Malformed> {
    let mut rewriter = Rewriter::new(bases());
    let mut written = Vec::new();
    let mut at = 0;
    for end in cuts.iter().copied().chain([text.len()]) {
        let end = end.clamp(at, text.len());
        written.extend_from_slice(&rewriter.push(&Bytes::copy_from_slice(&text.as_bytes()[at..end]))?);
        at = end;
    }
    rewriter.finish()?;
    Ok(String::from_utf8(written).unwrap())
}

fn rewrite(text: &str) -> String {
    rewrite_in_pieces(text, &[]).unwrap()
}

#[test]
fn a_value_that_starts_with_the_base_starts_with_the_gateways_afterwards() {
    assert_eq!(
        rewrite(r#"{"reference":"http://ehr.example/fhir/Patient/1","url":"http://ehr.example/fhir"}"#),
        r#"{"reference":"https://gate.example/fhir/r4/Patient/1","url":"https://gate.example/fhir/r4"}"#
    );
    assert_eq!(
        rewrite(r#"{"url":"http://ehr.example/fhir?_page=2"}"#),
        r#"{"url":"https://gate.example/fhir/r4?_page=2"}"#
    );
}

#[test]
fn the_longest_of_several_bases_is_replaced() {
    assert_eq!(
        rewrite(r#"{"a":"http://ehr.example/fhir/r4/Patient/1","b":"http://ehr.example/fhir/r4x"}"#),
        r#"{"a":"https://gate.example/fhir/r4/Patient/1","b":"https://gate.example/fhir/r4/r4x"}"#
    );
}

#[test]
fn escapes_are_read_as_json_reads_them() {
    assert_eq!(
        rewrite(r#"{"a":"http:\/\/ehr.example\/fhir\/Patient\/1","b":"\u0068ttp://ehr.example/fhir"}"#),
        r#"{"a":"https://gate.example/fhir/r4\/Patient\/1","b":"https://gate.example/fhir/r4"}"#
    );
}

#[test]
fn what_only_looks_like_the_base_stays() {
    for text in [
        r#"{"a":"http://ehr.example/fhirpath","b":"see http://ehr.example/fhir/x","c":"http://ehr.example/fhi"}"#,
        r#"{"http://ehr.example/fhir/":"name","b":["\"http://ehr.example/fhir"],"c":"\\u0068ttp://ehr.example/fhir"}"#,
        r#"{"a":"\u00e9http://ehr.example/fhir","b":1.50,"c":"\u0068","d":"h\ttp"}"#,
    ] {
        assert_eq!(rewrite(text), text);
    }
}

#[test]
fn nothing_is_copied_when_nothing_is_replaced() {
    let chunk = Bytes::from_static(br#"{"resourceType":"Patient","id":"1","name":[{"family":"h"}]}"#);
    let written = Rewriter::new(bases()).push(&chunk).unwrap();
    assert_eq!(written.as_ptr(), chunk.as_ptr());
}

#[test]
fn type_and_id_of_the_root_are_read_on_the_way() {
    let mut rewriter = Rewriter::new(bases());
    let text = br#"{"contained":[{"resourceType":"Slot","id":"2"}],"id":"1","resourceType":"Patient","x":{"id":"3"}}"#;
    rewriter.push(&Bytes::from_static(text)).unwrap();
    assert_eq!((rewriter.resource_type(), rewriter.id()), (Some("Patient"), Some("1")));
}

#[test]
fn what_is_not_one_whole_json_object_is_refused() {
    for (text, expected) in [
        ("", Malformed::Truncated),
        ("<html>", Malformed::NotAnObject),
        ("[]", Malformed::NotAnObject),
        ("{\"a\":1", Malformed::Truncated),
        ("{\"a\":\"b", Malformed::Truncated),
        ("{\"a\":\"http://ehr.example/fhir", Malformed::Truncated),
        ("{\"a\":[1}", Malformed::Unbalanced),
        ("{}{}", Malformed::Trailing),
        ("{\"a\":<b>}", Malformed::NotJson),
    ] {
        assert_eq!(rewrite_in_pieces(text, &[]), Err(expected), "{text}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(200), "}".repeat(200));
    assert_eq!(rewrite_in_pieces(&deep, &[]), Err(Malformed::TooDeep));
}

#[test]
fn text_outside_of_json_is_rewritten_by_the_same_rule() {
    assert_eq!(bases().replace("http://ehr.example/fhir/Patient/1").unwrap(), format!("{TO}/Patient/1"));
    assert_eq!(bases().replace("http://ehr.example/fhirpath"), None);
    assert_eq!(bases().replace("Patient/1"), None);
}

/// What the rewriter must do, said by a parser: every string value by the rule for plain text.
fn expected(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(replaced) = bases().replace(text) {
                *text = replaced;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(expected),
        Value::Object(members) => members.values_mut().for_each(expected),
        _ => {}
    }
}

/// Another spelling of the same JSON string.
fn spell(text: &str, style: u8) -> String {
    let plain = serde_json::to_string(text).unwrap();
    match style % 3 {
        0 => plain,
        1 => plain.replace('/', "\\/"),
        _ => plain.replace('t', "\\u0074").replace(':', "\\u003A"),
    }
}

fn strings() -> impl Strategy<Value = String> {
    let tails =
        prop_oneof![Just(""), Just("/Patient/1"), Just("?x=1"), Just("path"), Just("/r4"), Just("/r4/S"), Just("|1")];
    prop_oneof![
        (prop_oneof![Just(FROM), Just("http://ehr.exam"), Just("h"), Just("")], tails)
            .prop_map(|(base, tail)| format!("{base}{tail}")),
        ".{0,12}",
    ]
}

fn documents() -> impl Strategy<Value = String> {
    let string = (strings(), any::<u8>()).prop_map(|(text, style)| spell(&text, style));
    let leaf = prop_oneof![string, Just("null".to_owned()), Just("-1.50e+3".to_owned()), Just("true".to_owned())];
    let value = leaf.prop_recursive(4, 40, 5, |inner| {
        let member = (strings(), inner.clone(), 0..1000_u32).prop_map(|(name, value, n)| {
            format!("{} : {value}", serde_json::to_string(&format!("{name}{n}")).unwrap())
        });
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    prop::collection::vec(value, 1..4).prop_map(|values| format!("{{\"a\":[{}]}}", values.join(",")))
}

proptest! {
    #[test]
    fn any_document_cut_anywhere_is_rewritten_as_a_parser_would(
        text in documents(),
        mut cuts in prop::collection::vec(0..400_usize, 0..12),
    ) {
        cuts.sort_unstable();
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        let written = rewrite_in_pieces(&text, &cuts).unwrap();
        prop_assert_eq!(&written, &rewrite(&text), "the borders of chunks do not matter");
        // A member name may repeat by chance; a parser keeps one of them, and so do both sides.
        let mut value: Value = serde_json::from_str(&text).unwrap();
        expected(&mut value);
        prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut rewriter = Rewriter::new(bases());
        for piece in bytes.chunks(7) {
            if rewriter.push(&Bytes::copy_from_slice(piece)).is_err() {
                break;
            }
        }
    }
}
