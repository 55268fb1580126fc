//! Rules of elements, and what an evaluation asks of the outside.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use fhir::Version;
use fhir::json::{Document, Limits, scan};
use fhirpath::{Element, Environment, EvaluationError, Item, Kind, Program, Services, Truth};

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o","code":{"coding":[{"system":"urn:animals","code":"cat"}]},
  "subject":{"display":"x"},"performer":[{"reference":"Practitioner/1"}],
  "effectivePeriod":{"start":"2012-05","end":"2012-05-23"},
  "component":[{"modifierExtension":[{"url":"urn:known","valueBoolean":true}],"code":{"text":"x"}}]}"#;

/// Knows that a cat is an animal, and nothing else.
struct Animals;

impl Services for Animals {
    fn subsumes(&self, system: &str, ancestor: &str, code: &str) -> Option<bool> {
        (system == "urn:animals").then_some(ancestor == "animal" && code == "cat")
    }

    fn member_of(&self, _: Option<&str>, code: &str, value_set: &str) -> Option<bool> {
        (value_set == "urn:pets").then_some(code == "cat")
    }
}

fn check(expression: &str) -> Result<Truth, EvaluationError> {
    let mut nodes = Vec::new();
    scan(OBSERVATION.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let program = Program::compile(expression, Version::R4).unwrap();
    let document = Document::new(OBSERVATION.as_bytes(), &nodes);
    let environment = Environment { services: &Animals, ..Environment::new(document) };
    let root = definitions::of(Version::R4).type_named("Observation").unwrap().root().unwrap();
    let (truth, steps) = program.check(&environment, Item::Element(Element::new(0, Kind::from(root))));
    assert!(steps > 0);
    truth
}

#[test]
fn a_rule_must_be_true_and_is_open_only_where_data_would_decide() {
    assert_eq!(check("code.exists()"), Ok(Truth::True));
    assert_eq!(check("value.exists()"), Ok(Truth::False));
    assert_eq!(check("value > 1"), Ok(Truth::False));
    assert_eq!(check("effective.start <= effective.end"), Ok(Truth::Open));
    assert_eq!(check("effective.start.lowBoundary() <= effective.end.highBoundary()"), Ok(Truth::True));
    assert_eq!(check("performer.resolve().exists()"), Ok(Truth::True));
    assert_eq!(check("subject.reference.startsWith('#').not()"), Ok(Truth::True));
}

#[test]
fn codes_are_asked_of_the_terminology() {
    assert_eq!(check("code.memberOf('urn:pets')"), Ok(Truth::True));
    assert_eq!(check("code.memberOf('urn:plants')"), Err(EvaluationError::Undecidable("memberOf")));
    assert_eq!(check("code.subsumes(code)"), Ok(Truth::True));
    assert_eq!(check("code.coding.first().subsumedBy(code)"), Ok(Truth::True));
}

#[test]
fn modifier_extensions_that_nobody_knows_are_an_error() {
    assert_eq!(check("component.checkModifiers('urn:known').exists()"), Ok(Truth::True));
    assert!(check("component.checkModifiers('urn:other').exists()").is_err());
    assert_eq!(check("code.checkModifiers().exists()"), Ok(Truth::True));
}
