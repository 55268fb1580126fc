//! The settings, a module for each group of sections. Every default stands here once.

mod adapter;
mod audit;
mod authorization;
mod bulk;
mod gateway;
mod limits;
mod packages;
mod route;
mod telemetry;
mod terminology;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::source::{Fault, Report, Source};

pub use adapter::{Adapter, AdapterSettings, Breaker, Retry};
pub use audit::{Audit, OnFull};
pub use authorization::{Algorithm, Authorization, Client, Introspection, Issuer, JwkSet};
pub use bulk::Bulk;
pub use gateway::{ClientCertificates, Gateway, PlainHttp, Tls};
pub use limits::{Limits, Rate, RateLimits};
pub use packages::{Packages, PracticePackages};
pub use route::{Owners, Practice, Route, TypeRules, Types, ValidateMode};
pub use telemetry::{LogFormat, OtlpProtocol, Telemetry};
pub use terminology::Terminology;

/// The whole configuration. Names are the keys of its maps; `default` is the practice of whoever names none.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Addresses, TLS, workers, data.
    pub gateway: Gateway,
    /// What one request, one connection and all of them together may use.
    pub limits: Limits,
    /// How often a client or an address may ask.
    pub rate_limits: RateLimits,
    /// Tokens.
    pub authorization: Authorization,
    /// Outside issuers that are trusted, by name.
    pub issuers: BTreeMap<String, Issuer>,
    /// Clients that are registered here rather than by `frontdesk client add`, by client id.
    pub clients: BTreeMap<String, Client>,
    /// Adapters, by name.
    pub adapters: BTreeMap<String, Adapter>,
    /// Which adapter answers what; the first that matches.
    pub routes: Vec<Route>,
    /// Practices beside `default`, by name.
    pub practices: BTreeMap<String, Practice>,
    /// FHIR packages beside those that are built in.
    pub packages: Packages,
    /// A terminology server outside.
    pub terminology: Terminology,
    /// The audit log.
    pub audit: Audit,
    /// Exports.
    pub bulk: Bulk,
    /// Logs and traces.
    pub telemetry: Telemetry,
    pub(crate) source: Arc<Source>,
}

impl Config {
    /// Something wrong with the value at a path of keys: `["routes", "2", "adapter"]`.
    #[must_use]
    pub fn fault(&self, path: &[&str], message: impl Into<String>, expected: impl Into<String>) -> Fault {
        Fault::new(self.source.span(path), message, expected)
    }

    /// What a further pass found: `Ok` when it found nothing.
    ///
    /// # Errors
    /// The faults, to be shown with their places.
    pub fn report(&self, faults: Vec<Fault>) -> Result<(), Report> {
        if faults.is_empty() { Ok(()) } else { Err(Report::new(self.source.clone(), faults)) }
    }

    /// The names of all practices, `default` first.
    pub fn practice_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once("default").chain(self.practices.keys().map(String::as_str))
    }
}
