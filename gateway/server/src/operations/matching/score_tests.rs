use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::operations::matching::person::{Address, Identifier};

fn person(json: &str) -> Person {
    Person::read(format!(r#"{{"resourceType":"Patient",{json}}}"#).as_bytes()).unwrap()
}

fn points(one: &str, other: &str) -> i32 {
    Score::of(&person(one), &person(other)).points
}

const EVA: &str = r#""identifier":[{"system":"urn:mrn","value":"1"}],"name":[{"family":"Müller","given":["Eva"]}],
    "birthDate":"1980-02-11","gender":"female""#;

#[test]
fn the_same_record_is_certain_and_another_person_is_no_match() {
    let same = Score::of(&person(EVA), &person(EVA));
    assert_eq!((same.points, same.fraction().as_str(), same.grade(0)), (100, "1.00", Grade::Certain));
    let other = r#""name":[{"family":"Schulz","given":["Otto"]}],"birthDate":"1951-07-30","gender":"male""#;
    let score = Score::of(&person(EVA), &person(other));
    assert_eq!((score.points, score.fraction().as_str(), score.grade(0)), (0, "0.00", Grade::CertainlyNot));
}

#[test]
fn a_contradiction_or_a_rival_makes_it_probable_at_most() {
    let other = EVA.replace("\"value\":\"1\"", "\"value\":\"2\"");
    assert!(Score::of(&person(EVA), &person(&other)).is_contradicted);
    let high = Score { points: 95, is_contradicted: false };
    assert_eq!(high.grade(80), Grade::Certain);
    assert_eq!(high.grade(81), Grade::Probable);
    assert_eq!(Score { is_contradicted: true, ..high }.grade(0), Grade::Probable);
    assert_eq!(Score { points: 84, ..high }.grade(0), Grade::Probable);
    assert_eq!(Score { points: 59, ..high }.grade(0), Grade::Possible);
    assert_eq!(Score { points: 39, ..high }.grade(0), Grade::CertainlyNot);
}

#[test]
fn twins_are_not_probable_and_a_married_name_is_possible() {
    let home =
        r#""telecom":[{"system":"phone","value":"030 1234567"}],"address":[{"postalCode":"10115","line":["Hof 1"]}]"#;
    let born = r#""birthDate":"2012-05-01","gender":"female""#;
    let twin = |given: &str| format!(r#""name":[{{"family":"Okafor","given":["{given}"]}}],{born},{home}"#);
    assert!(points(&twin("Ada"), &twin("Zoe")) < PROBABLE);
    assert!((POSSIBLE..PROBABLE).contains(&points(&twin("Ada"), &twin("Ada").replace("Okafor", "Brandt"))));
}

#[test]
fn an_old_identifier_agrees_and_does_not_contradict() {
    let of = |value: &str, more: &str| format!(r#""identifier":[{{"system":"urn:mrn","value":"{value}"{more}}}]"#);
    assert_eq!(points(&of("1", ""), &of("1", r#","use":"old""#)), IDENTIFIER_SAME);
    assert!(!Score::of(&person(&of("1", "")), &person(&of("2", r#","use":"old""#))).is_contradicted);
}

/// The page is read by those who must rely on it.
#[test]
fn the_page_has_the_weights_and_thresholds_of_the_code() {
    let page = include_str!("../../../MATCH.md");
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            [element, agreement, points] => Some((*element, *agreement, points.parse::<i32>().ok()?)),
            _ => None,
        }
    });
    let told: BTreeSet<_> = rows.collect();
    let known: BTreeSet<_> = WEIGHTS.iter().copied().collect();
    assert_eq!(told, known);
    for (grade, points) in [("certain", CERTAIN), ("probable", PROBABLE), ("possible", POSSIBLE)] {
        let row = format!("| `{grade}` | 0.{points} |");
        assert!(page.contains(&row), "{row}");
    }
    assert!(page.contains(&format!("0.{LEAD}")));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]{1,6}", "[a-z]{4,9}", "[äöüßé]{3,5}"]
}

fn somebody() -> impl Strategy<Value = Person> {
    let optional = |of: &'static str| proptest::option::of(of);
    let names = proptest::collection::vec(
        (proptest::collection::vec(word(), 0..3), proptest::collection::vec(word(), 0..3)),
        0..3,
    );
    let identifiers = proptest::collection::vec(
        (proptest::option::of("[xy]"), "[12]", proptest::option::of("MR"), any::<bool>()),
        0..4,
    );
    let addresses =
        proptest::collection::vec((optional("[12]{1,2}"), optional("[ab]"), optional("[a-c]{2,6} [12]")), 0..3);
    let telecoms = (proptest::collection::vec("[0+]{0,2}[12]{6,9}", 0..3), proptest::collection::vec("[ab]@c", 0..2));
    let born = proptest::option::of("19[78][01](-0[12](-1[12])?)?");
    (identifiers, names, born, proptest::option::of("male|female"), telecoms, addresses).prop_map(
        |(identifiers, names, birth_date, gender, (phones, emails), addresses)| Person {
            identifiers: identifiers
                .into_iter()
                .map(|(system, value, kind, is_old)| Identifier { system, value, kind, is_old })
                .collect(),
            names: names
                .into_iter()
                .map(|(family_words, given_words)| Name { family_words, given_words, ..Name::default() })
                .collect(),
            birth_date,
            gender,
            phones,
            emails,
            addresses: addresses
                .into_iter()
                .map(|(postal_code, city, line)| Address { postal_code, city, line })
                .collect(),
            ..Person::default()
        },
    )
}

/// What both get.
fn shared() -> impl Strategy<Value = fn(&mut Person)> {
    prop_oneof![
        Just((|of| of.birth_date = Some("1990-10-12".into())) as fn(&mut Person)),
        Just((|of| of.gender = Some("female".into())) as fn(&mut Person)),
        Just((|of| of.phones.push("030 9876543".into())) as fn(&mut Person)),
        Just((|of| of.emails.push("x@y.z".into())) as fn(&mut Person)),
        Just(
            (|of| of.identifiers.push(Identifier {
                system: Some("x".into()),
                value: "9".into(),
                ..Identifier::default()
            })) as fn(&mut Person)
        ),
        Just(
            (|of| of.names.push(Name {
                family_words: vec!["tan".into()],
                given_words: vec!["ly".into()],
                ..Name::default()
            })) as fn(&mut Person)
        ),
        Just(
            (|of| of.addresses.push(Address { postal_code: Some("99".into()), city: None, line: Some("hof 7".into()) }))
                as fn(&mut Person)
        ),
    ]
}

proptest! {
    #[test]
    fn a_score_is_symmetric_and_bounded(one in somebody(), other in somebody()) {
        let score = Score::of(&one, &other);
        prop_assert_eq!(score, Score::of(&other, &one));
        prop_assert!((0..=100).contains(&score.points));
    }

    #[test]
    fn what_agrees_never_lowers_a_score(mut one in somebody(), mut other in somebody(), add in shared()) {
        let before = Score::of(&one, &other).points;
        add(&mut one);
        add(&mut other);
        prop_assert!(Score::of(&one, &other).points >= before);
    }
}
