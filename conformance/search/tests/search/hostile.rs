//! Data and queries are written by strangers.

use fhir::json::{Document, Limits, scan};
use fhir::{Query, ResourceType, Version};
use proptest::prelude::*;
use search::{Criterion, Handling};

use crate::support::{Scanned, parse};

#[test]
fn deep_nesting_and_long_values_are_taken() {
    let nested = [r#"[{"extension":"#.repeat(40), "[]".to_owned(), "}]".repeat(40)].concat();
    let deep = format!(r#"{{"resourceType":"Patient","id":"1","contact":{nested}}}"#);
    assert_eq!(Scanned::new(&deep).values_of("_id"), ["-|1"]);
    let long = "Ä".repeat(1_000_000);
    let patient = Scanned::new(&format!(r#"{{"resourceType":"Patient","id":"1","name":[{{"family":"{long}"}}]}}"#));
    assert!(patient.meets("family=aaaa"));
    assert!(patient.meets(&format!("family={}", "%C3%84".repeat(1_000_000))));
}

#[test]
fn wrong_shapes_have_no_values() {
    for json in [
        r#"{"resourceType":"Patient","name":"x","identifier":{"system":1,"value":[]},"birthDate":{},"gender":[["male"]],"telecom":[[{"system":"phone"}]]}"#,
        r#"{"resourceType":"Patient","name":[null,1,true,"x",[]],"link":[{"other":"Patient/1"}],"deceasedDateTime":"never","birthDate":"1970-99"}"#,
        r#"{"resourceType":"Patient","address":{"city":{"a":1}},"communication":[{"language":{"coding":{"code":"x"}}}],"active":"true"}"#,
    ] {
        let resource = Scanned::new(json);
        let values = resource.values(Version::R4);
        assert!(
            values.iter().all(|value| !value.starts_with("birthdate") && !value.starts_with("death-date")),
            "{values:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn parsing_a_query_never_panics(query in ".{0,80}") {
        for resource_type in [None, Some(ResourceType::PATIENT), Some("Observation".parse().unwrap())] {
            for handling in [Handling::Strict, Handling::Lenient] {
                let _ = search::parse(&Query::parse(&query), Version::R4, resource_type, handling);
            }
        }
    }

    #[test]
    fn parsing_a_value_never_panics(code in 0usize..200, modifier in "(:[a-zA-Z-]{1,12})?", value in "[-a-z0-9|,$\\\\:/. TZé]{0,40}") {
        let parameters = search::parameters(Version::R4, "Observation".parse().unwrap());
        let parameter = &parameters[code % parameters.len()];
        let mut query = Query::default();
        query.push(format!("{}{modifier}", parameter.code), value);
        let _ = search::parse(&query, Version::R4, Some(parameter.base), Handling::Strict);
    }

    #[test]
    fn a_lenient_search_never_has_fewer_criteria_than_known_parameters(value in "[^=&]{0,20}") {
        let mut query = Query::default();
        query.push("unknown-parameter", "x");
        query.push("family", value.clone());
        match search::parse(&query, Version::R4, Some(ResourceType::PATIENT), Handling::Lenient) {
            Ok(search) => prop_assert_eq!((search.criteria.len(), search.ignored.len()), (1, 1)),
            Err(issues) => prop_assert!(!issues.is_empty()),
        }
    }

    #[test]
    fn extraction_never_panics_on_any_document(json in json()) {
        let bytes = json.as_bytes();
        let mut nodes = Vec::new();
        if scan(bytes, &mut nodes, Limits::default()).is_ok() {
            for name in ["Patient", "Observation", "Appointment", "Bundle", "Questionnaire"] {
                search::extract(Document::new(bytes, &nodes), name.parse().unwrap(), Version::R4, &mut |_, _| {});
            }
        }
    }

    #[test]
    fn a_value_that_was_extracted_is_found_by_searching_for_it(
        family in "[A-Za-zäöüßÉ]{1,12}",
        code in "[a-zA-Z0-9.-]{1,10}",
        year in 1900i32..2100,
        month in 1u8..13,
    ) {
        let patient = Scanned::new(&format!(
            r#"{{"resourceType":"Patient","id":"{code}","name":[{{"family":"{family}"}}],"identifier":[{{"system":"urn:x","value":"{code}"}}],"birthDate":"{year}-{month:02}"}}"#
        ));
        prop_assert!(patient.meets(&Query::from_iter([("family".to_owned(), family.clone())]).encode()));
        prop_assert!(patient.meets(&Query::from_iter([("family:exact".to_owned(), family)]).encode()));
        let token = format!("identifier=urn:x|{code}&_id={code}");
        prop_assert!(patient.meets(&token));
        let date = |prefix: &str| format!("birthdate={prefix}{year}-{month:02}");
        prop_assert!(patient.meets(&date("")));
        for prefix in ["ne", "gt", "lt"] {
            prop_assert!(!patient.meets(&date(prefix)));
        }
    }

    #[test]
    fn exactly_one_of_missing_true_and_false_is_met(which in 0usize..200, json in patient()) {
        let patient = Scanned::new(&json);
        let parameters = search::parameters(Version::R4, ResourceType::PATIENT);
        let code = parameters[which % parameters.len()].code;
        let missing = |wanted: bool| patient.meets(&format!("{code}:missing={wanted}"));
        prop_assert_ne!(missing(true), missing(false));
    }
}

fn patient() -> impl Strategy<Value = String> {
    proptest::sample::subsequence(
        vec![
            r#""gender":"male""#,
            r#""birthDate":"1970""#,
            r#""name":[{"family":"x"}]"#,
            r#""telecom":[{"system":"phone","value":"1"}]"#,
            r#""deceasedBoolean":true"#,
            r#""link":[{"other":{"reference":"Patient/2"}}]"#,
        ],
        0..6,
    )
    .prop_map(|members| {
        let mut json = r#"{"resourceType":"Patient","id":"1""#.to_owned();
        for member in members {
            json.push(',');
            json.push_str(member);
        }
        json.push('}');
        json
    })
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just(r#""Patient/1""#.to_owned()),
        Just(r#""2024-05""#.to_owned()),
        Just("1.5e3".to_owned()),
        "[a-z]{0,5}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let names = proptest::sample::select(vec![
            "resourceType",
            "name",
            "family",
            "identifier",
            "value",
            "system",
            "code",
            "coding",
            "valueQuantity",
            "component",
            "birthDate",
            "_birthDate",
            "participant",
            "actor",
            "reference",
            "entry",
            "resource",
            "item",
            "deceasedBoolean",
        ]);
        let members = proptest::collection::btree_map(names, inner.clone(), 0..6).prop_map(|members| {
            let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![members, proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(",")))]
    })
}

#[test]
fn criteria_are_conjunctive_and_alternatives_disjunctive() {
    let search = parse(ResourceType::PATIENT, "name=a,b&name=c");
    let lengths: Vec<usize> = search
        .criteria
        .iter()
        .map(|criterion| match criterion {
            Criterion::Plain(condition) => condition.values.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [2, 1]);
}
