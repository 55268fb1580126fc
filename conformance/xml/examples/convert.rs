//! Converts one file: `convert R4 FILE` writes JSON for XML and XML for JSON to standard output, or an OperationOutcome to
//! standard error.

use std::io::{self, Write as _};

use fhir::Version;
use xml::Limits;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let version: Version = arguments.next().unwrap_or_default().parse().map_err(io::Error::other)?;
    let bytes = std::fs::read(arguments.next().unwrap_or_default())?;
    let convert = if xml::is_xml(&bytes) { xml::to_json } else { xml::from_json };
    match convert(&bytes, version, Limits::default()) {
        Ok(converted) => io::stdout().lock().write_all(&converted),
        Err(outcome) => io::stderr().lock().write_all(&outcome.to_json()),
    }
}
