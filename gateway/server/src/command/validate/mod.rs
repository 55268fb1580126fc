//! `frontdesk validate`: an OperationOutcome for each resource.

mod batch;
mod jobs;
mod judge;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fhir::{Outcome, Version};

use super::{Done, parse_version};
use judge::{Judge, unreadable};

/// Validates FHIR resources: one OperationOutcome a file, exit code 1 when any has an error
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk validate --fhir-version R4 patient.json appointment.xml\n  \
                        frontdesk validate - < patient.json\n  \
                        find . -name '*.json' | frontdesk validate --fhir-version R5 --batch")]
pub(crate) struct Validate {
    /// The FHIR release: R4, 4.0, 4.0.1, R4B, 4.3, R5, …
    #[arg(long, value_name = "V", default_value = "R4", value_parser = parse_version)]
    fhir_version: Version,
    /// Read paths from standard input; one OperationOutcome a line, in their order
    #[arg(long, conflicts_with_all = ["jobs", "files"])]
    batch: bool,
    /// Read jobs from standard input, a JSON object a line: id, file, version, supporting files, profile_file; an object with id
    /// and outcome for each
    #[arg(long, conflicts_with = "files")]
    jobs: bool,
    /// Canonical of a profile that every resource must follow beside those that it claims; may be repeated
    #[arg(long = "profile", value_name = "URL")]
    profiles: Vec<String>,
    /// Files with one resource each, as JSON or XML; `-` is standard input
    #[arg(required_unless_present_any = ["batch", "jobs"], value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Validate {
    pub(crate) fn run(self) -> Done {
        let judge = Judge::new(self.profiles);
        let sound = if self.jobs {
            jobs::run(&judge, io::stdin().lock(), &mut io::stdout().lock())?
        } else if self.batch {
            batch::run(&judge, self.fhir_version, io::stdin().lock(), &mut io::stdout().lock())?
        } else {
            files(&judge, self.fhir_version, &self.files)?
        };
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether all are without errors.
fn files(judge: &Judge, version: Version, files: &[PathBuf]) -> io::Result<bool> {
    let mut output = io::stdout().lock();
    let mut sound = true;
    for file in files {
        let outcome = one(judge, version, file);
        sound &= !outcome.has_errors();
        write_line(&mut output, &outcome.to_json())?;
    }
    Ok(sound)
}

fn one(judge: &Judge, version: Version, file: &Path) -> Outcome {
    match super::read(file) {
        Ok(bytes) => judge.validate(version, &bytes),
        Err(error) => unreadable(file, &error),
    }
}

/// A line that the reader has at once: who asks for one may wait for it before asking again.
fn write_line(output: &mut impl io::Write, line: &[u8]) -> io::Result<()> {
    output.write_all(line)?;
    output.write_all(b"\n")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use fhir::IssueType;

    use super::*;

    fn validated(content: &str) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resource.json");
        std::fs::write(&file, content).unwrap();
        one(&Judge::new(Vec::new()), Version::R4, &file)
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
        let outcome = one(&Judge::new(Vec::new()), Version::R4, Path::new("/nowhere/patient.json"));
        assert_eq!(outcome.0[0].code, IssueType::NotFound);
    }
}
