//! An adapter in a process of its own, in any language: `kind = "process"`. The trait as HTTP and JSON; `PROTOCOL.md` describes it.
//!
//! A call becomes `POST /perform` ([`protocol::Call`], `request.rs`), its answer a reply (`reply.rs`). Page links are made and
//! sealed here, so that the process hands out plain cursors.

pub mod protocol;
mod reply;
mod request;
pub mod settings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::{Adapter, AdapterKind, Call, ConnectError, Error, ErrorKind, Health, Host, Reply, Trace};
use arc_swap::ArcSwap;
use bytes::Bytes;
use exchange::body::receive_whole;
use exchange::capability::{Stated, conservative, from_file, keep_fresh, refuse_unserved};
use exchange::{Authorization, Client, client};
use fhir::{Capability, Version};
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;

use crate::listing;
use protocol::PROTOCOL;
use reply::Reading;
use settings::{Place, Settings};

/// A process that is an adapter.
pub struct Process {
    remote: Arc<Remote>,
}

/// Everything that is known of one process.
struct Remote {
    host: Host,
    settings: Settings,
    base: Uri,
    /// The path of the URL, without a slash at the end.
    prefix: String,
    client: Client,
    authorization: Authorization,
    capability: ArcSwap<Capability>,
}

const JSON: &str = "application/json";
const HEALTH_LIMIT: Duration = Duration::from_secs(3);
/// The longest capability or health that is read.
const SMALL: usize = 1 << 20;

#[async_trait::async_trait]
impl AdapterKind for Process {
    const NAME: &'static str = "process";
    type Settings = Settings;
    type Adapter = Self;

    async fn connect(settings: Settings, host: Host) -> Result<Self, ConnectError> {
        let remote = Arc::new(Remote::new(settings, host)?);
        keep_fresh(&remote, *remote.settings.capability_refresh, Arc::clone(&remote.host.name));
        Ok(Self { remote })
    }
}

#[async_trait::async_trait]
impl Adapter for Process {
    fn capability(&self) -> Arc<Capability> {
        self.remote.capability.load_full()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let remote = &self.remote;
        refuse_unserved(&remote.capability.load(), &call.interaction)?;
        let (began, cursor) = listing::opened(&remote.host, &call)?;
        let body = request::body(&call, &began, cursor)?;
        let bytes = remote.ask("/perform", Some(body), &call.trace, call.interaction.is_repeatable(), call.deadline);
        let page_lifetime = *remote.settings.page_lifetime;
        Reading { host: &remote.host, call: &call, began: &began, page_lifetime }.read(&bytes.await?)
    }

    async fn health(&self) -> Health {
        let deadline = Instant::now() + HEALTH_LIMIT;
        match self.remote.ask("/health", None, &Trace::default(), true, deadline).await {
            Ok(bytes) => match serde_json::from_slice::<protocol::Health>(&bytes) {
                Ok(health) => told(health),
                Err(_) => Health::Degraded("/health does not answer as the protocol says".to_owned()),
            },
            Err(error) => Health::Down(error.issues.first().map(|issue| issue.text.clone()).unwrap_or_default()),
        }
    }
}

fn told(health: protocol::Health) -> Health {
    let text = health.text.chars().take(200).collect();
    match health.status {
        protocol::HealthStatus::Up => Health::Up,
        protocol::HealthStatus::Degraded => Health::Degraded(text),
        protocol::HealthStatus::Down => Health::Down(text),
    }
}

impl Remote {
    fn new(settings: Settings, host: Host) -> Result<Self, ConnectError> {
        let (client, base) = match settings.place()? {
            Place::Url(url) => (Client::new(&settings.connection)?, url),
            Place::Socket(path) => (Client::unix(&settings.connection, &path), "http://localhost".to_owned()),
        };
        let base: Uri =
            base.parse().map_err(|_| ConnectError::Settings("`url`: expected an absolute URL".to_owned()))?;
        let capability = match &settings.capability_file {
            Some(path) => from_file(path, settings.fhir_version)?,
            None => conservative(settings.fhir_version),
        };
        let authorization = match &settings.secret {
            Some(secret) => Authorization::bearer("secret", secret)?,
            None => Authorization::None,
        };
        let prefix = base.path().trim_end_matches('/').to_owned();
        Ok(Self { host, base, prefix, client, authorization, capability: ArcSwap::from_pointee(capability), settings })
    }

    /// One exchange, whose answer is 200 and JSON.
    async fn ask(
        &self,
        path: &str,
        body: Option<Bytes>,
        trace: &Trace,
        repeatable: bool,
        deadline: Instant,
    ) -> Result<Bytes, Error> {
        let grant = self.authorization.grant(&self.client, None, deadline).await?;
        let uri = client::uri(&self.base, format!("{}{path}", self.prefix))?;
        let limit = if body.is_some() { self.settings.max_reply.as_usize() } else { SMALL };
        let make = || {
            let mut request = request(uri.clone(), body.clone(), trace);
            grant.apply(request.headers_mut());
            Ok(request)
        };
        let response = self.client.send(make, repeatable, deadline).await?;
        refuse_status(response.status())?;
        receive_whole(response.into_body(), limit, deadline).await
    }
}

fn request(uri: Uri, body: Option<Bytes>, trace: &Trace) -> Request<Full<Bytes>> {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::new(Full::new(body.unwrap_or_default()));
    let has_body = method == Method::POST;
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static(JSON));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontdesk/", env!("CARGO_PKG_VERSION"))));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    for (name, text) in [
        ("x-request-id", Some(&*trace.request_id).filter(|id| !id.is_empty())),
        ("traceparent", trace.traceparent.as_deref()),
        ("tracestate", trace.tracestate.as_deref()),
    ] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    request
}

/// A refusal of an interaction is an answer with 200; any other status speaks of the process itself.
fn refuse_status(status: StatusCode) -> Result<(), Error> {
    let (kind, text) = match status.as_u16() {
        200 => return Ok(()),
        401 | 403 => (ErrorKind::Credentials, "the back end refused the gateway's secret"),
        413 => (ErrorKind::TooCostly, "this is too large for the back end"),
        429 => (ErrorKind::Throttled, "the back end limits our rate; try again later"),
        502..=504 => (ErrorKind::Unavailable, "the back end is not able to answer now"),
        500..=599 => (ErrorKind::BackEndFault, "the back end failed"),
        _ => (ErrorKind::BadReply, "expected 200 from the back end"),
    };
    Err(Error::new(kind, text).because(format!("the back end answered {}", status.as_u16())))
}

#[async_trait::async_trait]
impl Stated for Remote {
    async fn refresh(&self, deadline: Instant) -> Result<(), Error> {
        let bytes = self.ask("/capability", None, &Trace::default(), true, deadline).await?;
        let capability = stated(&bytes, self.settings.fhir_version)?;
        self.capability.store(Arc::new(capability));
        Ok(())
    }
}

/// Reads a capability that came from the process.
fn stated(bytes: &[u8], version: Version) -> Result<Capability, Error> {
    let bad = |text: String| Error::new(ErrorKind::BadReply, text);
    crate::document::index(bytes)?;
    let protocol: protocol::Capability = serde_json::from_slice(bytes)
        .map_err(|_| bad("expected `protocol`, `fhirVersion` and `rest` at /capability".to_owned()))?;
    if protocol.protocol != PROTOCOL {
        return Err(bad(format!("the process speaks protocol {}, expected {PROTOCOL}", protocol.protocol)));
    }
    if protocol.fhir_version.parse::<Version>().is_err() {
        return Err(bad("the process speaks a FHIR version that is not known".to_owned()));
    }
    let statement = serde_json::json!({ "fhirVersion": protocol.fhir_version, "rest": protocol.rest });
    let capability = Capability::from_statement(&statement, version);
    if capability.resources.is_empty() {
        return Err(bad("the process offers no resource type".to_owned()));
    }
    Ok(capability)
}
