//! Validates resources with what they need: one job a line of standard input, one outcome a line of standard output.
//!
//! `{"id": …, "file": …, "version": "4.0.1", "supporting": […], "profile_file": …|null}` gives `{"id": …, "outcome": {…}}`.

use std::io::{self, BufRead as _, Write as _};

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, Version};
use profile::{Request, Validator};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line?)?;
        let outcome =
            outcome(&job).unwrap_or_else(|error| Outcome::from(Issue::error(IssueType::Processing, error.to_string())));
        let outcome: Value = serde_json::from_slice(&outcome.to_json())?;
        writeln!(out, "{}", json!({"id": job["id"], "outcome": outcome}))?;
        out.flush()?;
    }
    Ok(())
}

fn outcome(job: &Value) -> io::Result<Outcome> {
    let version: Version = job["version"].as_str().unwrap_or("4.0.1").parse().map_err(io::Error::other)?;
    let mut resources = Vec::new();
    for file in job["supporting"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        resources.push(read(file, version)?);
    }
    let profile = match job["profile_file"].as_str() {
        Some(file) => {
            let json = read(file, version)?;
            let definition: Value = serde_json::from_slice(&json)?;
            resources.push(json);
            definition["url"].as_str().map(str::to_owned)
        }
        None => None,
    };
    let validator = Validator::new(version).with(resources).map_err(io::Error::other)?;
    let profiles: Vec<&str> = profile.as_deref().into_iter().collect();
    let bytes = std::fs::read(job["file"].as_str().unwrap_or_default())?;
    Ok(validator.validate(&bytes, &Request { expected: None, profiles: &profiles, ..Request::default() }))
}

/// A definition as JSON.
fn read(file: &str, version: Version) -> io::Result<Bytes> {
    let bytes = std::fs::read(file)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if !xml::is_xml(bytes) {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    // Definitions of one release are validated by those of another as well.
    let releases = [version, Version::R5, Version::R4B, Version::R4];
    let mut read = releases.into_iter().map(|release| xml::to_json(bytes, release, xml::Limits::default()));
    match read.find_map(Result::ok) {
        Some(json) => Ok(Bytes::from(json)),
        None => Err(io::Error::other(format!("expected a FHIR resource in XML: {file}"))),
    }
}
