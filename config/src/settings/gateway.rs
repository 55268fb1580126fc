//! `[gateway]`: addresses, TLS, workers, data.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Duration;

/// `[gateway]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Gateway {
    /// Where clients connect: FHIR and tokens.
    pub listen: SocketAddr,
    /// Where operators connect: health, metrics. Plain HTTP, so on loopback, unless `plain-http` says otherwise.
    pub admin: SocketAddr,
    /// What clients call this gateway, without a path: the base of links, of `aud` and of discovery. Without it, it is
    /// `http(s)://` and the address of `listen`.
    pub public_url: Option<Url>,
    /// Where the gateway keeps what must outlive it: keys, clients, audit, the stores.
    pub data: PathBuf,
    /// Threads that serve requests; without it, one per core.
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<u16>,
    /// Where plain HTTP may be spoken.
    pub plain_http: PlainHttp,
    /// TLS; without it, plain HTTP.
    pub tls: Option<Tls>,
    /// Addresses of proxies whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins of browsers that may call any FHIR base and the token endpoint: `https://portal.example`. Origins of one
    /// client stand with the client.
    pub origins: Vec<String>,
    /// How long requests in flight may go on after SIGTERM.
    pub shutdown_time: Duration,
}

/// Where plain HTTP may be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlainHttp {
    /// Only on 127.0.0.0/8 and ::1.
    #[default]
    LoopbackOnly,
    /// Everywhere: whoever runs the network reads tokens and patient data.
    PatientDataUnencryptedOnTheNetwork,
}

/// `[gateway.tls]`: TLS 1.2 and 1.3. The files are read again when they change and on SIGHUP.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// The certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities whose client certificates are believed, PEM.
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
    /// Revocation lists of those authorities, PEM, one of each; only with `client-authorities`. A certificate that is on a
    /// list, or whose authority has none that is still in force, is refused.
    #[serde(default)]
    pub client_revocations: Option<PathBuf>,
    /// Whether a client must have a certificate; only with `client-authorities`.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// It may, and it is then verified.
    #[default]
    Optional,
    /// Without one there is no connection.
    Required,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8080),
            admin: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8081),
            public_url: None,
            data: PathBuf::from("data"),
            workers: None,
            plain_http: PlainHttp::default(),
            tls: None,
            trusted_proxies: Vec::new(),
            origins: Vec::new(),
            shutdown_time: Duration::from_secs(20),
        }
    }
}
