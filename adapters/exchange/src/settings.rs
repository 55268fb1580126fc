//! Settings that adapters take into their own.

use std::path::PathBuf;

use adapter::ConnectError;
use adapter::setting::{Duration, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

/// How connections are made and kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Connection {
    /// Allows `http://` to a back end on another machine: payloads and tokens then cross the network in the clear.
    pub allow_plain_http: bool,
    /// Speaks HTTP/2 without asking, where the URL is `http://`.
    pub http2_prior_knowledge: bool,
    /// Connecting, TLS included.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Best shorter than the back end's own limit.
    pub idle_timeout: Duration,
    /// Unused connections that are kept, for each worker.
    pub idle_connections: usize,
    /// Whom to trust, and who we are.
    pub tls: Tls,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            allow_plain_http: false,
            http2_prior_knowledge: false,
            connect_timeout: default_connect_timeout(),
            idle_timeout: default_idle_timeout(),
            idle_connections: default_idle_connections(),
            tls: Tls::default(),
        }
    }
}

/// Connecting takes at most two seconds.
#[must_use]
pub fn default_connect_timeout() -> Duration {
    Duration::from_secs(2)
}

/// An unused connection is kept for a minute.
#[must_use]
pub fn default_idle_timeout() -> Duration {
    Duration::from_secs(60)
}

/// 64 unused connections are kept.
#[must_use]
pub const fn default_idle_connections() -> usize {
    64
}

/// `tls`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Tls {
    /// PEM file of the authorities that are trusted, instead of the public ones.
    pub ca: Option<PathBuf>,
    /// PEM file of our certificate and its chain, for a back end that asks for one.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<Secret>,
}

/// `header`: a header field that authorizes the gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// The field's name.
    #[serde(default = "default_header")]
    pub name: String,
    /// Its whole value: `Bearer …`, `Basic …`.
    pub value: Secret,
}

/// `basic`: a user and a password (RFC 7617).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// `smart`: client_credentials with private_key_jwt.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Smart {
    /// The client id that the back end gave us.
    pub client_id: String,
    /// The private key, PEM: RSA or P-384.
    pub key: Secret,
    /// How assertions are signed.
    pub algorithm: SmartAlgorithm,
    /// The id of the key in our JWKS.
    pub key_id: String,
    /// Where our JWKS is published, when the back end wants to be told (`jku`).
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The scopes that are asked for.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// The token endpoint; without it, it is read from `[base]/.well-known/smart-configuration`.
    #[serde(default)]
    pub token_url: Option<String>,
}

/// The algorithms that SMART names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SmartAlgorithm {
    /// RSA with SHA-384
    RS384,
    /// ECDSA on P-384 with SHA-384
    ES384,
}

/// `oauth`: client_credentials with a secret (RFC 6749 4.4, the secret by HTTP Basic, 2.3.1).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth {
    /// The token endpoint.
    pub token_url: String,
    /// The client id that the back end gave us.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
    /// The scopes that are asked for; without it, none is named.
    #[serde(default)]
    pub scope: Option<String>,
}

fn default_header() -> String {
    "authorization".to_owned()
}

fn default_scope() -> String {
    "system/*.cruds".to_owned()
}

/// An absolute http or https URL without user, query and fragment.
///
/// # Errors
/// It is something else; the error names the setting.
pub fn absolute(setting: &str, text: &str) -> Result<Url, ConnectError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| {
            ConnectError::Settings(format!(
                "`{setting}`: expected an absolute URL such as `https://ehr.example/fhir/r4`, without user, query and \
                 fragment"
            ))
        })
}

/// Payloads and tokens go over plain HTTP to this machine only.
///
/// # Errors
/// It is plain HTTP to another machine; the error names the setting.
pub fn refuse_plain_http(setting: &str, url: &Url) -> Result<(), ConnectError> {
    if url.scheme() == "https" || is_loopback(url) {
        return Ok(());
    }
    Err(ConnectError::Settings(format!(
        "`{setting}`: expected https to another machine (`allow-plain-http = true` accepts that payloads cross the \
         network in the clear)"
    )))
}

/// Whether the URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
