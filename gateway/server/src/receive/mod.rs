//! Stage 1: HTTP request to [`Request`]. Syntax only: nothing is believed yet.

mod address;
pub mod aside;
mod conditions;
mod interaction;
pub mod linger;
pub mod markup;
pub mod negotiate;
pub mod path;
pub mod payload;
pub mod places;
mod prefer;
mod shape;
pub mod site;
mod trace;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter::{Practice, Trace};
use fhir::{Handling, Interaction, IssueType, Shape, Version, VersionId};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};

use crate::failure::Failure;
use crate::listener::Peer;

pub use aside::Aside;
pub use linger::Lingering;
pub use markup::Markup;
pub use negotiate::Format;
use payload::{Budget, Lease};
pub use shape::check_method;
use site::Site;

/// What a request may cost before anybody knows who sent it.
pub struct Limits {
    /// Bytes of one body.
    pub body: usize,
    /// Bytes of all bodies in flight.
    pub budget: Arc<Budget>,
    /// Bytes a second below which a body is too slow, after [`Limits::grace`].
    pub body_rate: u64,
    /// How long a body may take whatever its rate.
    pub grace: Duration,
    /// From the head to the last byte of the answer.
    pub total: Duration,
    /// Proxies whose forwarding fields are believed.
    pub proxies: Arc<[IpAddr]>,
    /// Where large payloads are worked on.
    pub aside: Aside,
}

/// A request and the memory that its body holds.
pub struct Received {
    /// What is asked.
    pub request: Box<Request>,
    /// Bytes of the budget, until the answer stands.
    pub lease: Lease,
}

/// What is known of a request before its URL is looked at; answers carry it whatever happens.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The client's address.
    pub address: IpAddr,
    /// X-Request-Id and the trace.
    pub trace: Trace,
    /// Whether the caller's `traceparent` says that it is sampled; none when there is no sound one.
    pub sampled: Option<bool>,
    /// When the head was understood.
    pub arrived: Instant,
}

impl Envelope {
    /// Reads it off the head.
    #[must_use]
    pub fn open(headers: &HeaderMap, peer: &Peer, proxies: &[IpAddr], arrived: Instant) -> Self {
        let (trace, sampled) = trace::read(headers);
        Self { address: address::of_client(headers, peer.address, proxies), trace, sampled, arrived }
    }
}

/// Reads the rest: URL, header fields, body.
///
/// # Errors
/// 4xx for what is no interaction of FHIR's API, with what was expected; 503 when the budget for bodies is used up.
pub async fn read(
    head: &Parts,
    body: Lingering,
    shape: Shape,
    site: &Site,
    envelope: &Envelope,
    limits: &Limits,
) -> Result<Received, Failure> {
    check_method(&shape, &head.method)?;
    let mut query = interaction::query_of(&head.uri)?;
    let format = negotiate::accept(&head.headers, &mut query, site.version)?;
    let mut preferences = prefer::read(&head.headers);
    preferences.pretty = interaction::take_pretty(&mut query);
    preferences.format = format;
    conditions::of_read(&head.headers, &mut preferences);
    let deadline = envelope.arrived + limits.total;
    let mut lease = limits.budget.lease();
    let (interaction, markup) =
        interaction::build(head, body, shape, query, site, &mut preferences, limits, deadline, &mut lease).await?;
    let request = Box::new(Request {
        practice: site.practice.clone(),
        base: Arc::clone(&site.base),
        version: site.version,
        interaction,
        markup,
        address: envelope.address,
        preferences,
        idempotency_key: idempotency_key(&head.headers)?,
        target: Target {
            method: head.method.clone(),
            path_and_query: head.uri.path_and_query().map_or("/", |target| target.as_str()).into(),
        },
        trace: envelope.trace.clone(),
        arrived: envelope.arrived,
    });
    Ok(Received { request, lease })
}

/// Reads who the client says it is: all that is looked at before it is known.
///
/// # Errors
/// 400 when that is not said once and in ASCII.
pub fn credentials(head: &Parts, site: &Site, envelope: &Envelope, peer: &Peer) -> Result<Credentials, Failure> {
    Ok(Credentials {
        practice: site.practice.clone(),
        base: Arc::clone(&site.base),
        bearer: bearer(&head.headers)?,
        certificate: peer.certificate,
        address: envelope.address,
    })
}

/// RFC 6750 2.1; a token in the URL or in a form is never looked at (RFC 9700 4.3.2).
fn bearer(headers: &HeaderMap) -> Result<Option<Bearer>, Failure> {
    let Some(value) = only(headers, &header::AUTHORIZATION)? else { return Ok(None) };
    let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Ok(token.map(|(_, token)| Bearer(token.trim().into())))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Arc<str>>, Failure> {
    let Some(key) = only(headers, &http::HeaderName::from_static("idempotency-key"))? else { return Ok(None) };
    if key.is_empty() || key.len() > 255 {
        return Err(bad("expected an Idempotency-Key of 1 to 255 characters"));
    }
    Ok(Some(key.into()))
}

/// The one value of a field that may stand once only.
fn only<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad(format!("expected one {name} field, found several")));
    }
    value.to_str().map(|text| Some(text.trim())).map_err(|_| bad(format!("expected {name} in visible ASCII")))
}

fn bad(text: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, text)
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The practice whose base was addressed.
    pub practice: Practice,
    /// Absolute FHIR base that was addressed, without a slash at the end.
    pub base: Arc<str>,
    /// The release the client speaks.
    pub version: Version,
    /// What it wants.
    pub interaction: Interaction,
    /// What the payload was, when it came in XML: the interaction has it in JSON.
    pub markup: Option<Arc<Markup>>,
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

/// Who the client says it is.
#[derive(Debug)]
pub struct Credentials {
    /// The practice whose base was addressed.
    pub practice: Practice,
    /// Absolute FHIR base that was addressed, without a slash at the end.
    pub base: Arc<str>,
    /// The bearer token, when there is one.
    pub bearer: Option<Bearer>,
    /// SHA-256 of the client's certificate, when TLS verified one.
    pub certificate: Option<[u8; 32]>,
    /// The client's address; from forwarding fields only when a named proxy sent them.
    pub address: IpAddr,
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
    /// `Prefer: handling=…` (search.html#errors).
    pub handling: Handling,
    /// `Prefer: respond-async`.
    pub respond_async: bool,
    /// `_pretty=true`.
    pub pretty: bool,
    /// What the answer is written in.
    pub format: Format,
    /// `If-None-Match` of a read: 304 when it is current.
    pub if_none_match: Option<VersionId>,
    /// `If-None-Match: *`: 304 for a read of what exists (RFC 9110 13.1.2), and an update must make something new.
    pub if_none_match_any: bool,
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
