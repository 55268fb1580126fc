//! `frontdesk validate`: an OperationOutcome for each file.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fhir::{Issue, IssueType, Outcome, Version};

use super::Done;

/// Validates FHIR resources: prints one OperationOutcome a file; exits 1 when any has an error
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk validate --fhir-version R4 patient.json appointment.json\n  \
                        frontdesk validate - < patient.json")]
pub(crate) struct Validate {
    /// The FHIR release: R4, 4.0, 4.0.1, R4B, 4.3, R5, …
    #[arg(long, value_name = "V", default_value = "R4", value_parser = parse_version)]
    fhir_version: Version,
    /// Files with one resource each as JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn parse_version(text: &str) -> Result<Version, fhir::version::UnknownVersion> {
    text.parse()
}

impl Validate {
    pub(crate) fn run(self) -> Done {
        let mut output = std::io::stdout().lock();
        let mut sound = true;
        for file in &self.files {
            let outcome = validate(file, self.fhir_version);
            sound &= !outcome.has_errors();
            output.write_all(&outcome.to_json())?;
            output.write_all(b"\n")?;
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn validate(file: &Path, version: Version) -> Outcome {
    match read(file) {
        Ok(bytes) => profile::validate(&bytes, version, None),
        Err(error) => {
            let text = format!("cannot read {}: {error}", file.display());
            Outcome(vec![Issue::error(IssueType::NotFound, text)])
        }
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
