//! Stage 1: HTTP request to [`Request`]. Syntax only: nothing is believed yet.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use adapter::{Practice, Trace};
use fhir::{Interaction, Version, VersionId};

/// What a client asks for.
#[derive(Debug)]
pub struct Request {
    /// The practice whose base was addressed.
    pub practice: Practice,
    /// Absolute FHIR base that was addressed, without a slash at the end.
    pub base: Arc<str>,
    /// The release the client speaks.
    pub version: Version,
    /// What it wants.
    pub interaction: Interaction,
    /// The bearer token, when there is one.
    pub bearer: Option<Bearer>,
    /// SHA-256 of the client's certificate, when TLS verified one.
    pub certificate: Option<[u8; 32]>,
    /// The client's address; from forwarding fields only when a named proxy sent them.
    pub address: IpAddr,
    /// What the client would like.
    pub preferences: Preferences,
    /// Idempotency-Key.
    pub idempotency_key: Option<Arc<str>>,
    /// Method and target as they came (path and query), for audit. Holds patient data: never logged.
    pub target: Target,
    /// For logs and spans.
    pub trace: Trace,
    /// When the first byte of the head was understood.
    pub arrived: Instant,
}

/// A bearer token. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(pub Arc<str>);

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// Method and target of a request. Its `Debug` shows the method only.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The method.
    pub method: http::Method,
    /// Path and query.
    pub path_and_query: Arc<str>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({} …)", self.method)
    }
}

/// Prefer, Accept, and the conditions of a read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `Prefer: return=…` (http.html#ops).
    pub returns: Option<Returns>,
    /// `Prefer: handling=strict`; lenient is the default (search.html#errors).
    pub strict: bool,
    /// `Prefer: respond-async`.
    pub respond_async: bool,
    /// `_pretty=true`.
    pub pretty: bool,
    /// `If-None-Match` of a read: 304 when it is current.
    pub if_none_match: Option<VersionId>,
    /// `If-Modified-Since` of a read.
    pub if_modified_since: Option<SystemTime>,
}

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nothing.
    Minimal,
    /// The resource.
    Representation,
    /// An OperationOutcome.
    OperationOutcome,
}
