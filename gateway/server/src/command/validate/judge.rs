//! What the command validates against.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, Severity, Version};
use profile::{Request, Validator};

/// Validators of every release with what the command line adds to them.
pub(super) struct Judge {
    profiles: Vec<String>,
}

impl Judge {
    /// With canonicals of profiles that every resource must follow.
    pub(super) const fn new(profiles: Vec<String>) -> Self {
        Self { profiles }
    }

    /// What is wrong with a resource in JSON or XML.
    pub(super) fn validate(&self, version: Version, bytes: &[u8]) -> Outcome {
        validate(&Validator::new(version), &self.profiles, bytes)
    }

    /// The same with resources that it may refer to, and with one more profile.
    pub(super) fn validate_with(
        &self,
        version: Version,
        bytes: &[u8],
        supporting: &[Vec<u8>],
        profile: Option<String>,
    ) -> Outcome {
        let profiles: Vec<String> = self.profiles.iter().cloned().chain(profile).collect();
        let definitions = supporting.iter().map(|resource| Bytes::copy_from_slice(resource));
        match Validator::new(version).with(definitions) {
            Ok(validator) => validate(&validator, &profiles, bytes),
            Err(error) => Outcome::from(Issue::error(IssueType::Invalid, format!("in a supporting file: {error}"))),
        }
    }
}

fn validate(validator: &Validator, profiles: &[String], bytes: &[u8]) -> Outcome {
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let request = Request { expected: None, profiles: &profiles };
    // A fault of ours with one resource must not cost the answers about the others.
    catch_unwind(AssertUnwindSafe(|| validator.validate(bytes, &request))).unwrap_or_else(|_| broken())
}

fn broken() -> Outcome {
    let issue =
        Issue::error(IssueType::Exception, "the validator broke on this resource: it is neither valid nor invalid");
    Outcome::from(Issue { severity: Severity::Fatal, ..issue })
}

/// What is said about a file that cannot be read.
pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> Outcome {
    let issue = Issue::error(IssueType::NotFound, format!("cannot read {}: {error}", file.display()));
    Outcome::from(Issue { severity: Severity::Fatal, ..issue })
}
