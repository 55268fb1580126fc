//! The specification clause by clause: what each function and operator does at its edges (FHIRPath 2.0.0 and the 3.0 ballot).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

mod collections;
mod operators;
mod values;

use fhir::Version;
use fhir::json::{Document, Limits, scan};
use fhirpath::temporal::TemporalKind;
use fhirpath::{Environment, Item, Program};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"gender":"male","birthDate":"1974-12-25",
  "name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","family":"Abel","given":["Jim"]}],
  "_gender":{"extension":[{"url":"urn:e","valueCode":"x"}]},"photo":[{"size":3}],"multipleBirthInteger":2,
  "telecom":[{"system":"phone","rank":2},{"system":"email","rank":1}]}"#;

fn run(expression: &str) -> Result<Vec<String>, String> {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let document = Document::new(PATIENT.as_bytes(), &nodes);
    let program = Program::compile(expression, Version::R5).map_err(|error| error.to_string())?;
    let environment = Environment { now: 1_715_938_200_000_000, ..Environment::new(document) };
    let found = program.evaluate(&environment).map_err(|error| error.to_string())?;
    Ok(found.iter().map(|item| show(document, item)).collect())
}

fn show(document: Document<'_>, item: &Item<'_>) -> String {
    match item {
        Item::Boolean(value) => value.to_string(),
        Item::Integer(value) => value.to_string(),
        Item::Long(value) => format!("{value}L"),
        Item::Decimal(value) => value.to_string(),
        Item::Text(text) => format!("'{text}'"),
        Item::Temporal(value) if value.kind == TemporalKind::Time => format!("@T{value}"),
        Item::Temporal(value) => format!("@{value}"),
        Item::Quantity(quantity) if quantity.calendar => format!("{} {}", quantity.value, quantity.unit),
        Item::Quantity(quantity) => format!("{} '{}'", quantity.value, quantity.unit),
        Item::Type(namespace, name) => format!("{namespace}.{name}"),
        Item::Element(element) => {
            let value = document.at(element.any_node()).unwrap();
            value.text().map_or_else(|| String::from_utf8_lossy(value.raw()).into_owned(), |text| text.into_owned())
        }
        Item::Remote(_) | Item::Foreign(_) | Item::Terminologies => "elsewhere".to_owned(),
    }
}

/// One expectation a line: `expression => items`, items separated by blanks; `!` for an error.
fn meets(table: &str) {
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expression, expected) = line.rsplit_once("=>").unwrap();
        let found = run(expression).map_or_else(|_| "!".to_owned(), |items| items.join(" "));
        if found != expected.trim() {
            wrong.push(format!("{line} but {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
