//! What the command validates against.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, Severity, Version};
use package::Registry;
use profile::{Request, Validator};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::consult::Outside;
use crate::packages::{self, Given};

/// Validators of every release with what the command line adds to them.
#[derive(Default)]
pub(super) struct Judge {
    profiles: Vec<String>,
    given: Given,
    outside: Option<Asked>,
    /// Each made at first use.
    validators: [OnceLock<Validator>; 3],
}

/// A terminology server, and what drives the way to it.
struct Asked {
    outside: Outside,
    runtime: Runtime,
}

impl Judge {
    /// With canonicals of profiles that every resource must follow, what packages are added, and the base of a terminology server.
    ///
    /// # Errors
    /// No server can be asked there.
    pub(super) fn new(
        profiles: Vec<String>,
        given: Given,
        terminology: Option<&Url>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let outside = terminology.map(asked).transpose()?;
        Ok(Self { profiles, given, outside, validators: Default::default() })
    }

    fn validator(&self, version: Version) -> &Validator {
        let index = Version::ALL.iter().position(|known| *known == version).unwrap_or_default();
        self.validators[index].get_or_init(|| {
            let outside = self.outside.as_ref().map(|asked| &asked.outside);
            match (self.given.registry(version), outside) {
                (None, None) => Validator::new(version),
                (registry, _) => {
                    let registry = registry.unwrap_or_else(|| Registry::built_in(version));
                    packages::validator(registry, outside)
                }
            }
        })
    }

    /// What is wrong with a resource in JSON or XML.
    pub(super) fn validate(&self, version: Version, bytes: &[u8]) -> Outcome {
        self.judge(self.validator(version), &self.profiles, bytes)
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
            Ok(validator) => self.judge(&validator, &profiles, bytes),
            Err(error) => Outcome::from(Issue::error(IssueType::Invalid, format!("a supporting file: {error}"))),
        }
    }

    fn judge(&self, validator: &Validator, profiles: &[String], bytes: &[u8]) -> Outcome {
        let work = || validate(validator, profiles, bytes);
        match &self.outside {
            Some(asked) => asked.runtime.block_on(asked.outside.settled(work)),
            None => work(),
        }
    }
}

/// A server with the patience that the gateway has by default.
fn asked(server: &Url) -> Result<Asked, Box<dyn std::error::Error + Send + Sync>> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let settings = config::Terminology { server: Some(server.clone()), ..config::Terminology::default() };
    let outside = runtime.block_on(async { Outside::of(&settings) })?;
    outside.map(|outside| Asked { outside, runtime }).ok_or_else(|| "expected the URL of a terminology server".into())
}

fn validate(validator: &Validator, profiles: &[String], bytes: &[u8]) -> Outcome {
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let request = Request { expected: None, profiles: &profiles, ..Request::default() };
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
