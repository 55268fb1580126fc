//! Runs expressions over files: `evaluate [R4|R4B|R5]`. A line in, `{"id", "expression", "resource_file"}`, is a line out,
//! `{"id", "result": [{"type", "value"}]}` or `{"id", "error"}`.

use std::io::{BufRead, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use fhir::Version;
use fhir::json::{Document, Limits, Node, Value as Json, scan};
use fhirpath::{Element, Environment, Item, Program};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let version = std::env::args().nth(1).unwrap_or_else(|| "R4".to_owned()).parse()?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line?)?;
        let answer = match answer(&job, version) {
            Ok(result) => json!({ "id": job["id"], "result": result }),
            Err(error) => json!({ "id": job["id"], "error": error.to_string() }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn answer(job: &Value, version: Version) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let program = Program::compile(job["expression"].as_str().unwrap_or_default(), version)?;
    let bytes = match job["resource_file"].as_str() {
        Some(path) => std::fs::read(path)?,
        None => br#"{"resourceType":"Basic"}"#.to_vec(),
    };
    let mut nodes: Vec<Node> = Vec::new();
    scan(&bytes, &mut nodes, Limits::default()).map_err(|error| format!("{error:?}"))?;
    let root: Value = serde_json::from_slice(&bytes)?;
    program.check_names(root["resourceType"].as_str().unwrap_or_default())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as i64;
    let document = Document::new(&bytes, &nodes);
    let environment = Environment { now, ..Environment::new(document) };
    let result = program.evaluate(&environment)?;
    Ok(result.iter().map(|item| print(document, item)).collect())
}

fn print(document: Document<'_>, item: &Item<'_>) -> Value {
    match item {
        Item::Boolean(value) => json!({ "type": "boolean", "value": value }),
        Item::Integer(value) => json!({ "type": "integer", "value": value }),
        Item::Long(value) => json!({ "type": "integer64", "value": value }),
        Item::Decimal(value) => json!({ "type": "decimal", "value": value.to_string() }),
        Item::Text(text) => json!({ "type": "string", "value": text }),
        Item::Temporal(value) => json!(value.to_string()),
        Item::Quantity(quantity) => {
            json!(format!("{} '{}'", quantity.value, quantity.unit))
        }
        Item::Type(namespace, name) => json!(format!("{namespace}.{name}")),
        Item::Remote(resource_type) => json!({ "resourceType": resource_type.as_str() }),
        Item::Terminologies => json!({}),
        Item::Foreign(foreign) => {
            let raw = foreign.value().map(Json::raw).unwrap_or_default();
            serde_json::from_slice(raw).unwrap_or(Value::Null)
        }
        Item::Element(element) => {
            let node = if element.node == Element::ABSENT { element.companion } else { element.node };
            let raw = document.at(node).map(Json::raw).unwrap_or_default();
            serde_json::from_slice(raw).unwrap_or(Value::Null)
        }
    }
}
