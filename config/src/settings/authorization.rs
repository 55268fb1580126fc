//! `[authorization]`, `[issuers.NAME]` and `[clients.NAME]`: who is believed, and what they may ask for.

use std::path::PathBuf;

use fhir::ResourceType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Duration, Secret};

/// `[authorization]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Authorization {
    /// How long a token lives; at most 300 s (SMART Backend Services).
    pub token_lifetime: Duration,
    /// How far the clocks of others may be from ours.
    pub clock_skew: Duration,
    /// Verified tokens that are remembered at a time.
    pub token_cache: u32,
    /// Types that a `patient/` token may read outside its compartment, because booking needs them.
    #[schemars(with = "Vec<String>")]
    pub directory_reads: Vec<ResourceType>,
    /// Types of `fhirUser` whose `user/` scopes reach the whole practice. A Patient's reach that patient's compartment
    /// only, and those of any other type nothing.
    #[schemars(with = "Vec<String>")]
    pub staff: Vec<ResourceType>,
    /// How long one of our signing keys signs; it is published until its last token has expired.
    pub key_lifetime: Duration,
    /// One fetch of a JWK set, a discovery document or an introspection.
    pub fetch_time: Duration,
    /// The longest that a fetched JWK set is kept, whatever its Cache-Control says.
    pub jwks_lifetime: Duration,
    /// The shortest time between two fetches of one JWK set because of an unknown `kid`.
    pub jwks_refresh: Duration,
}

impl Default for Authorization {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(300),
            clock_skew: Duration::from_secs(30),
            token_cache: 10_000,
            directory_reads: vec![
                ResourceType::PRACTITIONER,
                ResourceType::PRACTITIONER_ROLE,
                ResourceType::LOCATION,
                ResourceType::ORGANIZATION,
                ResourceType::SCHEDULE,
                ResourceType::SLOT,
                ResourceType::HEALTHCARE_SERVICE,
            ],
            staff: vec![ResourceType::PRACTITIONER, ResourceType::PRACTITIONER_ROLE],
            key_lifetime: Duration::from_secs(30 * 86_400),
            fetch_time: Duration::from_secs(5),
            jwks_lifetime: Duration::from_secs(3600),
            jwks_refresh: Duration::from_secs(30),
        }
    }
}

/// A JOSE signature algorithm (RFC 7518, RFC 8037) that a token of others may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are those of RFC 7518 3.1")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// `[issuers.NAME]`: an outside issuer whose access tokens are accepted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Issuer {
    /// Its `iss`, byte for byte.
    pub url: Url,
    /// Where its keys are; without it, its discovery document says so.
    #[serde(default)]
    pub jwks_url: Option<Url>,
    /// The `aud` that its tokens for us carry; without it, our FHIR base.
    #[serde(default)]
    pub audience: Option<String>,
    /// What its tokens may be signed with.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// The `typ` that its access tokens carry (RFC 9068 2.1).
    #[serde(default = "default_token_type")]
    pub token_type: String,
    /// A claim that only its access tokens have, for an issuer that does not set `typ`. Takes the place of
    /// `token-type`.
    #[serde(default)]
    pub access_token_claim: Option<String>,
    /// The claim that holds the scopes.
    #[serde(default = "default_scope_claim")]
    pub scope_claim: String,
    /// The claim that holds the patient of a `patient/` token.
    #[serde(default = "default_patient_claim")]
    pub patient_claim: String,
    /// The claim that holds the client id.
    #[serde(default = "default_client_claim")]
    pub client_claim: String,
    /// Scopes that this issuer may grant at most, separated by blanks; without it, all.
    #[serde(default)]
    pub scopes: Option<String>,
    /// Ask the issuer about each token that is not remembered (RFC 7662).
    #[serde(default)]
    pub introspection: Option<Introspection>,
    /// The practice that its tokens are for.
    #[serde(default = "super::route::default_practice")]
    pub practice: String,
}

/// `[issuers.NAME.introspection]`: RFC 7662.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Introspection {
    /// The endpoint.
    pub url: Url,
    /// Our client id there.
    pub client: String,
    /// Our secret there.
    pub secret: Secret,
}

/// `[clients.NAME]`: a client of the embedded authorization server; NAME is its client id.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// Its public keys: a file or a URL.
    pub jwks: JwkSet,
    /// The most it may ask for: SMART v1 or v2 scopes, separated by blanks.
    pub scopes: String,
    /// Whether it may ask for a token in a patient's context.
    #[serde(default)]
    pub patient_context: bool,
    /// Origins that its pages may call from.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The practice that it belongs to.
    #[serde(default = "super::route::default_practice")]
    pub practice: String,
    /// Another rate than `rate-limits.client`.
    #[serde(default)]
    pub rate: Option<super::Rate>,
}

/// Where a JWK set is: `{ file = "client.jwks" }` or `{ url = "https://…/jwks" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JwkSet {
    /// A file with a JWK set.
    File(PathBuf),
    /// Fetched, and kept within its Cache-Control.
    Url(Url),
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::RS384, Algorithm::PS256, Algorithm::PS384, Algorithm::ES256, Algorithm::ES384]
}

fn default_token_type() -> String {
    "at+jwt".into()
}

fn default_scope_claim() -> String {
    "scope".into()
}

fn default_patient_claim() -> String {
    "patient".into()
}

fn default_client_claim() -> String {
    "client_id".into()
}
