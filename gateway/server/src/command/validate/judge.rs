//! What the command validates against.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, Severity, Version};
use package::Package;
use profile::{Request, Validator};

use crate::packages::{self, PackageError};

/// Validators of every release with what the command line adds to them.
pub(super) struct Judge {
    profiles: Vec<String>,
    packages: Vec<Package>,
    /// Each made at first use.
    validators: [OnceLock<Validator>; 3],
}

impl Judge {
    /// With canonicals of profiles that every resource must follow, and `.tgz` files of packages.
    ///
    /// # Errors
    /// A package cannot be read, or builds on one that is neither built in nor among them.
    pub(super) fn new(profiles: Vec<String>, packages: &[PathBuf]) -> Result<Self, PackageError> {
        let packages: Vec<Package> = packages.iter().map(|path| packages::read_file(path)).collect::<Result<_, _>>()?;
        let judge = Self { profiles, packages, validators: Default::default() };
        for version in Version::ALL {
            judge.check(version)?;
        }
        Ok(judge)
    }

    fn check(&self, version: Version) -> Result<(), PackageError> {
        if self.of(version).next().is_none() {
            return Ok(());
        }
        let missing = Validator::new(version).registry().missing(self.of(version).map(Package::manifest));
        if missing.is_empty() { Ok(()) } else { Err(PackageError::Missing(missing)) }
    }

    fn of(&self, version: Version) -> impl Iterator<Item = &Package> + Clone {
        self.packages.iter().filter(move |package| package.manifest().is_for(version))
    }

    fn validator(&self, version: Version) -> &Validator {
        let index = Version::ALL.iter().position(|known| *known == version).unwrap_or_default();
        self.validators[index].get_or_init(|| {
            let built_in = Validator::new(version);
            if self.of(version).next().is_none() {
                return built_in;
            }
            packages::validator(built_in.registry().with_packages(self.of(version).cloned()))
        })
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

#[cfg(test)]
impl Judge {
    /// With what is built in.
    pub(super) fn plain() -> Self {
        Self { profiles: Vec::new(), packages: Vec::new(), validators: Default::default() }
    }
}
