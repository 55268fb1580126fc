//! `[terminology]`: a terminology server outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Duration, Secret};

/// `[terminology]`. Codes that neither what is built in nor a package decides are asked there; without an answer they stay a
/// warning. Only canonicals, versions and codes are sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Terminology {
    /// The base of a FHIR server with `ValueSet/$validate-code` and `CodeSystem/$validate-code`; without it, nobody is asked.
    pub server: Option<Url>,
    /// A bearer token for it.
    pub token: Option<Secret>,
    /// A user name for it, with `password`.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The longest that a request waits for all answers together.
    pub time: Duration,
    /// How long an answer holds.
    pub lifetime: Duration,
    /// Answers that are kept at a time.
    pub answers: u32,
    /// Questions about one resource; what is beyond them is not asked.
    pub questions: u32,
    /// Failures in a row after which the server is left alone.
    pub failures: u32,
    /// How long it is left alone before one question is tried.
    pub pause: Duration,
}

impl Default for Terminology {
    fn default() -> Self {
        Self {
            server: None,
            token: None,
            user: None,
            password: None,
            time: Duration::from_secs(1),
            lifetime: Duration::from_secs(3600),
            answers: 20_000,
            questions: 32,
            failures: 5,
            pause: Duration::from_secs(30),
        }
    }
}
