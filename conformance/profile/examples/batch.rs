//! Validates files: `batch --fhir-version V --batch` reads paths from standard input and writes one OperationOutcome a line.

use std::io::{self, BufRead as _, Write as _};

use fhir::{Issue, IssueType, Outcome, Version};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let after_flag = arguments.iter().skip_while(|argument| *argument != "--fhir-version").nth(1);
    let version: Version = after_flag.map_or("R4", String::as_str).parse().map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    for path in io::stdin().lock().lines() {
        let outcome = match std::fs::read(path?) {
            Ok(bytes) => profile::validate(&bytes, version, None),
            Err(error) => Outcome::from(Issue::error(IssueType::NotFound, error.to_string())),
        };
        out.write_all(&outcome.to_json())?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}
