//! What the command validates against.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, Severity, Version};
use profile::{Request, Validator};

use crate::packages::{self, Given};

/// Validators of every release with what the command line adds to them.
#[derive(Default)]
pub(super) struct Judge {
    profiles: Vec<String>,
    given: Given,
    /// Each made at first use.
    validators: [OnceLock<Validator>; 3],
}

impl Judge {
    /// With canonicals of profiles that every resource must follow, and what packages are added.
    pub(super) fn new(profiles: Vec<String>, given: Given) -> Self {
        Self { profiles, given, validators: Default::default() }
    }

    fn validator(&self, version: Version) -> &Validator {
        let index = Version::ALL.iter().position(|known| *known == version).unwrap_or_default();
        self.validators[index]
            .get_or_init(|| self.given.registry(version).map_or_else(|| Validator::new(version), packages::validator))
    }

    /// What is wrong with a resource in JSON or XML.
    pub(super) fn validate(&self, version: Version, bytes: &[u8]) -> Outcome {
        validate(self.validator(version), &self.profiles, bytes)
    }

    /// The same with resources that it may refer to, and with one more profile.
    pub(super) fn validate_with(
        &self,
        version: Version,
        bytes: &[u8],
        supporting: Vec<Vec<u8>>,
        profile: Option<String>,
    ) -> Outcome {
        let profiles: Vec<String> = self.profiles.iter().cloned().chain(profile).collect();
        match self.validator(version).with(supporting.into_iter().map(Bytes::from)) {
            Ok(validator) => validate(&validator, &profiles, bytes),
            Err(error) => Outcome::from(Issue::error(IssueType::Invalid, format!("a supporting file: {error}"))),
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
