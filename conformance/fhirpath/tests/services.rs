//! What expressions ask of the outside.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use fhir::Version;
use fhir::json::{Document, Limits, scan};
use fhirpath::{Environment, EvaluationError, Item, Listed, LookUp, NoServices, Program, Services, Translation};

const PATIENT: &str = r#"{"resourceType":"Patient","gender":"male","deceasedBoolean":true,
  "address":[{"use":"home"}],"identifier":[{"system":"urn:a"},{"system":"urn:b"}],
  "maritalStatus":{"coding":[{"system":"urn:s","code":"M"}]}}"#;

struct Known;

impl Services for Known {
    fn member_of(&self, _: Option<&str>, code: &str, value_set: &str) -> Option<bool> {
        (value_set == "urn:genders").then_some(code == "male")
    }

    fn subsumes(&self, system: &str, ancestor: &str, _: &str) -> Option<bool> {
        (system == "urn:s").then_some(ancestor == "top")
    }

    fn look_up(&self, system: &str, code: &str) -> Option<LookUp> {
        let found = if code == "M" { LookUp::Known(Some("Married".to_owned())) } else { LookUp::Absent };
        (system == "urn:s").then_some(found)
    }

    fn expand(&self, value_set: &str, filter: Option<&str>, _: Option<usize>) -> Option<Vec<Listed>> {
        let of = |code: &str| Listed { system: "urn:s".to_owned(), code: code.to_owned(), display: None };
        let has = |listed: &Listed| filter.is_none_or(|filter| listed.code.contains(filter));
        (value_set == "urn:genders").then(|| ["male", "female"].map(of).into_iter().filter(has).collect())
    }

    fn translate(&self, map: &str, _: Option<&str>, code: &str) -> Option<Vec<Translation>> {
        let target = Translation { system: None, code: "H".to_owned(), relationship: "equivalent".to_owned() };
        (map == "urn:map").then(|| if code == "home" { vec![target] } else { Vec::new() })
    }

    fn is_in_slice(&self, document: Document<'_>, node: u32, profile: &str, slice: &str) -> Option<bool> {
        let system = document.at(node)?.member("system")?.text()?;
        (profile == "urn:profile").then(|| system.ends_with(slice))
    }
}

fn run(expression: &str, services: &dyn Services) -> Result<Vec<String>, EvaluationError> {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let document = Document::new(PATIENT.as_bytes(), &nodes);
    let program = Program::compile(expression, Version::R5).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let environment = Environment { services, ..Environment::new(document) };
    Ok(program.evaluate(&environment)?.iter().map(|item| shown(document, item)).collect())
}

fn shown(document: Document<'_>, item: &Item<'_>) -> String {
    let value = match item {
        Item::Element(element) => document.at(element.any_node()),
        Item::Foreign(foreign) => foreign.value(),
        Item::Boolean(value) => return value.to_string(),
        Item::Integer(value) => return value.to_string(),
        Item::Text(text) => return text.to_string(),
        Item::Type(namespace, name) => return format!("{namespace}.{name}"),
        _ => None,
    };
    value.map(|value| String::from_utf8_lossy(value.raw()).replace('"', "")).unwrap_or_default()
}

fn gives(table: &[(&str, &[&str])]) {
    for (expression, expected) in table {
        assert_eq!(run(expression, &Known).as_deref(), Ok(expected.map_strings().as_slice()), "{expression}");
    }
}

trait Strings {
    fn map_strings(&self) -> Vec<String>;
}

impl Strings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn answers_of_a_terminology_are_resources_that_a_path_goes_into() {
    gives(&[
        ("%terminologies.expand('urn:genders').expansion.contains.code", &["male", "female"]),
        ("%terminologies.expand('urn:genders').expansion.contains.code.distinct().count()", &["2"]),
        ("%terminologies.expand('urn:genders', 'filter=fem').expansion.contains.code", &["female"]),
        ("%terminologies.expand('urn:genders').type()", &["FHIR.ValueSet"]),
        ("%terminologies.expand('urn:genders') is ValueSet", &["true"]),
        ("%terminologies.expand('urn:genders').expansion.contains.where(code = 'male').exists()", &["true"]),
        ("%terminologies.expand('urn:genders').descendants().ofType(code).count()", &["3"]),
        ("%terminologies.expand('urn:nobody')", &[]),
        ("%terminologies.validateVS('urn:genders', gender).parameter.where(name = 'result').value", &["true"]),
        ("%terminologies.validateVS('urn:genders', 'x').parameter.value", &["false"]),
        ("%terminologies.validateCS('urn:s', maritalStatus).parameter.value", &["true"]),
        ("%terminologies.lookup(maritalStatus.coding).parameter.where(name = 'display').value", &["Married"]),
        ("%terminologies.subsumes('urn:s', 'top', 'leaf')", &["subsumes"]),
        ("%terminologies.subsumes('urn:s', 'leaf', 'top')", &["subsumed-by"]),
        ("%terminologies.subsumes('urn:s', 'a', 'b')", &["not-subsumed"]),
        ("%terminologies.subsumes('urn:s', 'a', 'a')", &["equivalent"]),
        (
            "%terminologies.translate('urn:map', address.use).parameter.where(name = 'match').part.where(name = 'concept').value.code",
            &["H"],
        ),
        ("%terminologies.translate('urn:map', gender).parameter.where(name = 'match')", &[]),
    ]);
}

#[test]
fn an_element_knows_its_definition() {
    gives(&[
        ("gender.elementDefinition().path", &["Patient.gender"]),
        ("gender.elementDefinition().max.toInteger()", &["1"]),
        ("address.elementDefinition().type.code", &["Address"]),
        ("gender.elementDefinition().binding.strength", &["required"]),
        ("deceased.elementDefinition().path", &["Patient.deceased[x]"]),
        ("gender.elementDefinition() is ElementDefinition", &["true"]),
        ("elementDefinition().path", &["Patient"]),
    ]);
}

#[test]
fn a_slice_has_the_items_that_the_profile_puts_there() {
    gives(&[
        ("identifier.slice('urn:profile', 'b').system", &["urn:b"]),
        ("identifier.slice('urn:profile', 'c')", &[]),
    ]);
    assert_eq!(run("identifier.slice('urn:other', 'b')", &Known), Err(EvaluationError::Undecidable("slice")));
}

#[test]
fn without_services_nothing_is_claimed() {
    assert_eq!(run("%terminologies.expand('urn:genders')", &NoServices), Ok(Vec::new()));
    assert!(matches!(run("gender.memberOf('urn:genders')", &NoServices), Err(EvaluationError::Undecidable(_))));
    assert!(run("gender.expand('urn:genders')", &Known).is_err(), "an operation of %terminologies alone");
}
