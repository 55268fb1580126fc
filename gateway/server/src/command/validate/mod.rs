//! `frontdesk validate`: an OperationOutcome for each resource.

mod batch;
mod bulk;
mod jobs;
mod judge;
mod sheet;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fhir::{Outcome, Version};
use url::Url;

use super::{Done, Output, parse_version};
use crate::authorize::fetch::may_fetch;
use crate::packages::{Folder, Folders, Given};
use bulk::Bulk;
use judge::{Judge, unreadable};
use sheet::Sheet;

/// Bytes that are asked of a bulk file at once.
const READ_AT_ONCE: usize = 1024 * 1024;

/// Validates FHIR resources: one OperationOutcome a file, exit code 1 when any has an error
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk validate --fhir-version R4 patient.json appointment.xml\n  \
                        frontdesk validate --profile http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient - < patient.json\n  \
                        find . -name '*.json' | frontdesk validate --fhir-version R5 --batch\n  \
                        frontdesk validate --package own.guide-1.0.0.tgz --ndjson Patient.ndjson\n  \
                        frontdesk validate --package hl7.fhir.us.core#7.0.0 --package own-profile.json patient.json")]
pub(crate) struct Validate {
    /// The FHIR release: R4, 4.0, 4.0.1, R4B, 4.3, R5, …
    #[arg(long, value_name = "V", default_value = "R4", value_parser = parse_version)]
    fhir_version: Version,
    /// Read paths from standard input; one OperationOutcome a line, in their order
    #[arg(long, conflicts_with_all = ["jobs", "ndjson", "files", "output"])]
    batch: bool,
    /// Read jobs from standard input, a JSON object a line: id, file, version, supporting files, profile_file; an object with id
    /// and outcome for each
    #[arg(long, conflicts_with_all = ["ndjson", "files", "output"])]
    jobs: bool,
    /// A bulk file, a resource a line (`-` is standard input): prints the lines with errors, numbered, and a summary
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    ndjson: Option<PathBuf>,
    /// Canonical of a profile that every resource must follow beside those that it claims; may be repeated
    #[arg(long = "profile", value_name = "URL")]
    profiles: Vec<String>,
    /// Profiles, value sets and code systems beside those that are built in: a FHIR package (.tgz or an unpacked folder), a file with
    /// one resource (or .ndjson), or a package that was added or is built in; may be repeated
    #[arg(long = "package", value_name = "FILE|DIR|NAME#VERSION")]
    packages: Vec<String>,
    /// The folder of packages that were added [default: ~/.fhir/packages]
    #[arg(long, value_name = "DIR")]
    package_folder: Option<PathBuf>,
    /// Base of a FHIR terminology server that is asked about codes which nothing here decides (https, or http on this machine); only
    /// canonicals, versions and codes are sent
    #[arg(long, value_name = "URL", value_parser = parse_server)]
    terminology: Option<Url>,
    /// How results are written: JSON for programs, or for people with the place in the source (json unless standard output is a
    /// terminal)
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
    /// Files with one resource each, as JSON or XML; `-` is standard input
    #[arg(required_unless_present_any = ["batch", "jobs", "ndjson"], value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Validate {
    pub(crate) fn run(self) -> Done {
        let folder = self.package_folder.as_deref().map_or_else(Folder::usual, Folder::at);
        let given = Given::read(&self.packages, &Folders(vec![folder]))?;
        let judge = Judge::new(self.profiles.clone(), given, self.terminology.as_ref())?;
        let sound = if self.jobs {
            jobs::run(&judge, io::stdin().lock(), &mut io::stdout().lock())?
        } else if self.batch {
            batch::run(&judge, self.fhir_version, io::stdin().lock(), &mut io::stdout().lock())?
        } else if let Some(file) = &self.ndjson {
            self.bulk(&judge, file)?
        } else {
            self.files(&judge)?
        };
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn output(&self) -> Output {
        self.output.unwrap_or_else(|| Output::of(io::stdout().is_terminal()))
    }

    fn bulk(&self, judge: &Judge, file: &Path) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let bulk = Bulk {
            judge,
            version: self.fhir_version,
            name: &name(file),
            output: self.output(),
            colours: io::stdout().is_terminal(),
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        };
        let mut output = io::BufWriter::new(io::stdout().lock());
        let sound = if file.as_os_str() == "-" {
            bulk.run(io::BufReader::new(io::stdin()), &mut output)
        } else {
            let opened = File::open(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            bulk.run(io::BufReader::with_capacity(READ_AT_ONCE, opened), &mut output)
        }?;
        output.flush()?;
        Ok(sound)
    }

    /// Whether all are without errors.
    fn files(&self, judge: &Judge) -> io::Result<bool> {
        let (form, colours) = (self.output(), io::stdout().is_terminal());
        let mut output = io::stdout().lock();
        let mut sound = true;
        for file in &self.files {
            let read = super::read(file);
            let outcome = outcome(judge, self.fhir_version, file, &read);
            sound &= !outcome.has_errors();
            let text = match form {
                Output::Json => outcome.to_json(),
                Output::Text => {
                    let source = read.as_deref().unwrap_or_default();
                    Sheet { name: &name(file), source, first_line: 1, colours }.render(&outcome).into_bytes()
                }
            };
            write_line(&mut output, &text)?;
        }
        Ok(sound)
    }
}

/// Codes go nowhere in plain text.
fn parse_server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if may_fetch(&url) { Ok(url) } else { Err("expected an https URL (http only on this machine)".to_owned()) }
}

/// What a file is called in messages.
fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn one(judge: &Judge, version: Version, file: &Path) -> Outcome {
    outcome(judge, version, file, &super::read(file))
}

fn outcome(judge: &Judge, version: Version, file: &Path, read: &io::Result<Vec<u8>>) -> Outcome {
    match read {
        Ok(bytes) => judge.validate(version, bytes),
        Err(error) => unreadable(file, error),
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
        one(&Judge::default(), Version::R4, &file)
    }

    #[test]
    fn a_sound_resource_has_no_error_and_a_broken_one_has_them_with_their_places() {
        assert!(!validated(r#"{"resourceType":"Patient","active":true}"#).has_errors());
        let outcome = validated(r#"{"resourceType":"Patient","active":"yes"}"#);
        assert!(outcome.has_errors());
        assert_eq!(outcome.0[0].expression.as_deref(), Some("Patient.active"));
    }

    #[test]
    fn every_resource_must_follow_the_profiles_that_are_asked_for() {
        let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
        let patient = br#"{"resourceType":"Patient","active":true}"#;
        let judged = |profiles: &[&str]| {
            let profiles = profiles.iter().map(|profile| (*profile).to_owned()).collect();
            Judge::new(profiles, Given::default(), None).unwrap().validate(Version::R4, patient)
        };
        assert!(!judged(&[]).has_errors());
        assert!(judged(&[us_core]).0.iter().any(|issue| issue.expression.as_deref() == Some("Patient.identifier")));
    }

    #[test]
    fn the_exit_code_is_0_when_all_are_sound_and_1_when_any_is_not() {
        use clap::Parser as _;
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            validate: Validate,
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let good = at("good.json", r#"{"resourceType":"Patient","active":true}"#);
        let bad = at("bad.json", r#"{"resourceType":"Patient","active":1}"#);
        for (arguments, expected) in [
            (vec![good.as_str()], ExitCode::SUCCESS),
            (vec![good.as_str(), bad.as_str()], ExitCode::FAILURE),
            (vec!["--ndjson", good.as_str()], ExitCode::SUCCESS),
            (vec!["--ndjson", bad.as_str()], ExitCode::FAILURE),
        ] {
            let line = Line::parse_from(std::iter::once("validate").chain(arguments.iter().copied()));
            let code = line.validate.run().unwrap();
            assert_eq!(format!("{code:?}"), format!("{expected:?}"), "{arguments:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_outcome_too() {
        let outcome = one(&Judge::default(), Version::R4, Path::new("/nowhere/patient.json"));
        assert_eq!(outcome.0[0].code, IssueType::NotFound);
    }
}
