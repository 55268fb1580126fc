//! `frontdesk validate`: an OperationOutcome for each file.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fhir::{Issue, IssueType, Outcome, Version};

use super::Done;

/// Validates FHIR resources: one OperationOutcome a file, exit code 1 when any has an error
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

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(content: &str) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resource.json");
        std::fs::write(&file, content).unwrap();
        validate(&file, Version::R4)
    }

    #[test]
    fn a_sound_resource_has_no_error_and_a_broken_one_has_them_with_their_places() {
        assert!(!validated(r#"{"resourceType":"Patient","active":true}"#).has_errors());
        let outcome = validated(r#"{"resourceType":"Patient","active":"yes"}"#);
        assert!(outcome.has_errors());
        assert_eq!(outcome.0[0].expression.as_deref(), Some("Patient.active"));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_outcome_too() {
        let outcome = validate(Path::new("/nowhere/patient.json"), Version::R4);
        assert_eq!(outcome.0[0].code, IssueType::NotFound);
    }

    #[test]
    fn every_usual_form_of_a_version_is_taken() {
        for text in ["4.0.1", "4.0", "R4", "r4"] {
            assert_eq!(parse_version(text).unwrap(), Version::R4, "{text}");
        }
        assert!(parse_version("3.0").is_err());
    }
}
