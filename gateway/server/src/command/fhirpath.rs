//! `frontdesk fhirpath`: what an expression gives on a resource.

mod print;

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use fhir::Version;
use fhir::json::Document;
use fhirpath::{Environment, Program};
use profile::{Bounds, Scratch, Validator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use print::Printed;

use super::{Done, Output, parse_version};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Evaluates a FHIRPath expression on a resource
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk fhirpath --fhir-version R4 'Patient.name.given' patient.json\n  \
                        frontdesk fhirpath '1 + 1'\n  \
                        frontdesk fhirpath --fhir-version R5 --batch < jobs.ndjson")]
pub(crate) struct Fhirpath {
    /// The FHIR release: R4, 4.0, 4.0.1, R4B, 4.3, R5, …
    #[arg(long, value_name = "V", default_value = "R4", value_parser = parse_version)]
    fhir_version: Version,
    /// Read from standard input, a JSON object a line: id, expression, resource_file; an object with id and result or error for
    /// each
    #[arg(long, conflicts_with_all = ["expression", "file", "output"])]
    batch: bool,
    /// How the result is written: an item a line for people, or a JSON array (json unless standard output is a terminal)
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
    /// The expression
    #[arg(value_name = "EXPR", required_unless_present = "batch")]
    expression: Option<String>,
    /// File with the resource, as JSON or XML; `-` is standard input. Without one the expression has nothing to look at
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// One line of input.
#[derive(Deserialize)]
struct Job {
    id: Value,
    expression: String,
    #[serde(default)]
    resource_file: Option<PathBuf>,
}

/// One line of output.
#[derive(Serialize)]
struct Answer {
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Vec<Printed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Answer {
    const fn error(id: Value, text: String) -> Self {
        Self { id, result: None, error: Some(text) }
    }
}

impl Fhirpath {
    pub(crate) fn run(self) -> Done {
        let Some(expression) = &self.expression else {
            batch(self.fhir_version, io::stdin().lock(), &mut io::stdout().lock())?;
            return Ok(ExitCode::SUCCESS);
        };
        let items = evaluate(expression, self.file.as_deref(), self.fhir_version)?;
        let mut output = io::stdout().lock();
        match self.output.unwrap_or_else(|| Output::of(io::stdout().is_terminal())) {
            Output::Json => writeln!(output, "{}", serde_json::to_string(&items)?)?,
            Output::Text => items.iter().try_for_each(|item| writeln!(output, "{}", item.plain()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A line that is no job is answered with an error as well.
fn batch(version: Version, input: impl BufRead, output: &mut impl Write) -> io::Result<()> {
    for line in input.split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut *output, &answer(&line, version))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &[u8], version: Version) -> Answer {
    let job = match serde_json::from_slice::<Job>(line) {
        Ok(job) => job,
        Err(error) => {
            return Answer::error(Value::Null, format!("expected a job with `id` and `expression`: {error}"));
        }
    };
    match evaluate(&job.expression, job.resource_file.as_deref(), version) {
        Ok(result) => Answer { id: job.id, result: Some(result), error: None },
        Err(error) => Answer::error(job.id, error.to_string()),
    }
}

fn evaluate(expression: &str, file: Option<&Path>, version: Version) -> Result<Vec<Printed>, Failed> {
    let program = Program::compile(expression, version)?;
    let bytes = match file {
        Some(file) => read(file, version)?,
        // A resource without anything in it.
        None => br#"{"resourceType":"Basic"}"#.to_vec(),
    };
    let mut scratch = Scratch::default();
    let document = indexed(&bytes, version, &mut scratch)?;
    let context = document.root().and_then(|root| root.member("resourceType")?.text());
    program.check_names(&context.unwrap_or_default())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let validator = Validator::new(version);
    let services = validator.services();
    let environment = Environment { now: i64::try_from(now)?, services: &services, ..Environment::new(document) };
    let result = program.evaluate(&environment)?;
    Ok(result.iter().map(|item| Printed::of(document, version, item)).collect())
}

/// The document with its types. What breaks the rules of FHIR is looked at all the same; what is no JSON is not.
fn indexed<'b>(bytes: &'b [u8], version: Version, scratch: &'b mut Scratch) -> Result<Document<'b>, Failed> {
    // No rule is run, and no number of findings ends the scan.
    let bounds = Bounds { findings: 1 << 20, steps: 0, ..Bounds::default() };
    profile::scan(bytes, version, None, bounds, scratch);
    if !scratch.is_whole() {
        let outcome = profile::explain(bytes, version, None, scratch);
        return Err(outcome.0.into_iter().next_back().map(|issue| issue.text).unwrap_or_default().into());
    }
    Ok(Document::new(bytes, scratch.nodes()))
}

fn read(file: &Path, version: Version) -> Result<Vec<u8>, Failed> {
    let bytes = super::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    if !xml::is_xml(&bytes) {
        return Ok(bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes));
    }
    let first = |outcome: fhir::Outcome| outcome.0.into_iter().next_back().map(|issue| issue.text).unwrap_or_default();
    Ok(xml::to_json(&bytes, version, xml::Limits::default()).map_err(first)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on(content: &str, expression: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resource");
        std::fs::write(&file, content).unwrap();
        let line = json!({ "id": 1, "expression": expression, "resource_file": file }).to_string();
        let mut output = Vec::new();
        batch(Version::R4, line.as_bytes(), &mut output).unwrap();
        serde_json::from_slice(&output).unwrap()
    }

    #[test]
    fn items_come_with_their_types_from_json_and_xml() {
        let json = r#"{"resourceType":"Patient","birthDate":"1990-01-01","name":[{"given":["Ann"]}],"multipleBirthInteger":2}"#;
        let xml = r#"<Patient xmlns="http://hl7.org/fhir"><name><given value="Ann"/></name></Patient>"#;
        assert_eq!(on(json, "name.given")["result"], json!([{ "type": "string", "value": "Ann" }]));
        assert_eq!(on(xml, "name.given")["result"], json!([{ "type": "string", "value": "Ann" }]));
        assert_eq!(on(json, "birthDate")["result"], json!([{ "type": "date", "value": "1990-01-01" }]));
        assert_eq!(on(json, "multipleBirth")["result"], json!([{ "type": "integer", "value": 2 }]));
        assert_eq!(on(json, "name")["result"], json!([{ "type": "HumanName", "value": { "given": ["Ann"] } }]));
        assert_eq!(on(json, "1.50 + 1")["result"], json!([{ "type": "decimal", "value": 2.5 }]));
    }

    #[test]
    fn what_cannot_be_evaluated_is_an_error_under_its_id() {
        assert_eq!(on("{}", "name.(")["id"], 1);
        assert!(on("{}", "name.(")["error"].is_string());
        assert!(on("{", "1")["error"].is_string());
        let answer = answer(br#"{"id":"a","expression":"1","resource_file":"/nowhere"}"#, Version::R4);
        assert!(answer.error.unwrap().contains("/nowhere"));
    }
}
