//! Any FHIR R4 server as a back end: `kind = "fhir-rest"`.
//!
//! A call becomes a request (`mapping/request.rs`), goes out on a pooled connection by one rule for retries
//! (crate `exchange`), and its response becomes a reply (`mapping/reply.rs`). Base URLs are rewritten both ways
//! ([`rewrite`]), page links are sealed, refusals go through one table.

mod body;
mod capability;
mod mapping;
pub mod rewrite;
pub mod settings;
mod standing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::{Adapter, AdapterKind, Call, ConnectError, Error, ErrorKind, Health, Host, Reply};
use arc_swap::{ArcSwap, ArcSwapOption};
use exchange::body::receive_whole;
use exchange::capability::{Stated, keep_fresh, refuse_unserved};
use exchange::{Authorization, Client};
use fhir::{Capability, Interaction};
use http::{StatusCode, Uri};
use parking_lot::Mutex;

use mapping::reply::Reading;
use mapping::request::{Outgoing, outgoing};
use rewrite::Bases;
use settings::{CapabilitySource, Settings};
use standing::Standing;

/// A FHIR server as a back end.
pub struct FhirRest {
    server: Arc<Server>,
}

/// Everything that is known of one back end.
struct Server {
    host: Host,
    settings: Settings,
    /// The base, and every other base that means it.
    bases: Vec<String>,
    base_uri: Uri,
    /// The path of the base, without a slash at the end.
    prefix: String,
    client: Client,
    authorization: Authorization,
    capability: ArcSwap<Capability>,
    /// Made for the gateway's base that was used last: a practice has one.
    directions: ArcSwapOption<Directions>,
    contact: Mutex<Option<Instant>>,
    standing: Standing,
}

/// How URLs are rewritten, for one base of the gateway.
struct Directions {
    gateway: Arc<str>,
    to_back_end: Bases,
    to_gateway: Bases,
}

/// For so long an answer says that the back end is up.
const CONTACT_HOLDS: Duration = Duration::from_secs(5);
/// For so long a slow statement does not say that it is down.
const CONTACT_COUNTS: Duration = Duration::from_secs(60);
const HEALTH_LIMIT: Duration = Duration::from_secs(3);

#[async_trait::async_trait]
impl AdapterKind for FhirRest {
    const NAME: &'static str = "fhir-rest";
    type Settings = Settings;
    type Adapter = Self;

    fn offers(settings: &Settings) -> Option<Capability> {
        let known = settings.capability == CapabilitySource::Configured;
        known.then(|| capability::initial(settings).ok()).flatten()
    }

    async fn connect(settings: Settings, host: Host) -> Result<Self, ConnectError> {
        let server = Arc::new(Server::new(settings, host)?);
        if server.settings.capability == CapabilitySource::Discovered {
            keep_fresh(&server, *server.settings.capability_refresh, Arc::clone(&server.host.name));
        }
        Ok(Self { server })
    }
}

#[async_trait::async_trait]
impl Adapter for FhirRest {
    fn capability(&self) -> Arc<Capability> {
        self.server.capability.load_full()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        refuse_unserved(&self.server.capability.load(), &call.interaction)?;
        let directions = self.server.directions(&call.base);
        let request = outgoing(&self.server, &call, &directions.to_back_end)?;
        let response = self.server.exchange(&call, &request).await?;
        self.server.standing.answered(&call.interaction, response.status());
        let reading = Reading {
            server: &self.server,
            call: &call,
            to_gateway: &directions.to_gateway,
            had_version: request.has_version(),
        };
        reading.read(response).await
    }

    async fn health(&self) -> Health {
        let since = self.server.contact.lock().map(|contact| contact.elapsed());
        let standing = || self.server.standing.text().map_or(Health::Up, Health::Degraded);
        if since.is_some_and(|since| since < CONTACT_HOLDS) {
            return standing();
        }
        match self.server.ask_for_statement(Instant::now() + HEALTH_LIMIT).await {
            Ok(response) if !response.status().is_success() => {
                let text = || format!("/metadata answers {}", response.status().as_u16());
                Health::Degraded(self.server.standing.text().unwrap_or_else(text))
            }
            Ok(_) => standing(),
            // A slow statement says nothing of the rest.
            Err(error) if error.kind == ErrorKind::Timeout && since.is_some_and(|since| since < CONTACT_COUNTS) => {
                Health::Degraded(format!("/metadata does not answer within {} s", HEALTH_LIMIT.as_secs()))
            }
            Err(error) => Health::Down(error.issues.first().map(|issue| issue.text.clone()).unwrap_or_default()),
        }
    }
}

fn authorization(settings: &Settings, base: &str) -> Result<Authorization, ConnectError> {
    match (&settings.header, &settings.smart) {
        (Some(_), Some(_)) => Err(ConnectError::Settings("expected at most one of `header` and `smart`".to_owned())),
        (Some(header), None) => Authorization::header(header),
        (None, Some(smart)) => Authorization::smart(smart, base, settings.allow_plain_http),
        (None, None) => Ok(Authorization::None),
    }
}

impl Server {
    fn new(settings: Settings, host: Host) -> Result<Self, ConnectError> {
        let bases = settings.bases()?;
        let base = bases.first().cloned().unwrap_or_default();
        let base_uri: Uri =
            base.parse().map_err(|_| ConnectError::Settings("`base`: expected an absolute URL".to_owned()))?;
        Ok(Self {
            client: Client::new(&settings.connection())?,
            authorization: authorization(&settings, &base)?,
            capability: ArcSwap::from_pointee(capability::initial(&settings)?),
            directions: ArcSwapOption::empty(),
            contact: Mutex::new(None),
            standing: Standing::new(Arc::clone(&host.name)),
            prefix: base_uri.path().trim_end_matches('/').to_owned(),
            base_uri,
            bases,
            settings,
            host,
        })
    }

    /// Sends the request; a token that the back end refuses is renewed once, because a 401 means that nothing was done.
    async fn exchange(&self, call: &Call, request: &Outgoing) -> Result<http::Response<hyper::body::Incoming>, Error> {
        let repeatable = call.interaction.is_repeatable();
        let mut grant = self.authorization.grant(&self.client, None, call.deadline).await?;
        let mut renewed = false;
        loop {
            let response = self.client.send(|| request.request(call, &grant), repeatable, call.deadline).await?;
            if !response.status().is_server_error() {
                *self.contact.lock() = Some(Instant::now());
            }
            if response.status() != StatusCode::UNAUTHORIZED || renewed || !self.authorization.can_renew() {
                return Ok(response);
            }
            renewed = true;
            grant = self.authorization.grant(&self.client, Some(&grant), call.deadline).await?;
        }
    }

    async fn ask_for_statement(&self, deadline: Instant) -> Result<http::Response<hyper::body::Incoming>, Error> {
        let call = Call {
            practice: self.host.practice.clone(),
            interaction: Interaction::Capabilities,
            version: self.settings.fhir_version,
            base: self.bases.first().map(|base| base.as_str().into()).unwrap_or_default(),
            confined_to: None,
            directory: Arc::default(),
            brings: None,
            must_create: false,
            must_be_complete: false,
            additions: search::Additions::default(),
            handling: fhir::Handling::Strict,
            deadline,
            idempotency_key: None,
            trace: adapter::Trace::default(),
        };
        let request = outgoing(self, &call, &Bases::new([], ""))?;
        self.exchange(&call, &request).await
    }

    fn directions(&self, gateway: &Arc<str>) -> Arc<Directions> {
        if let Some(known) = self.directions.load_full().filter(|known| known.gateway == *gateway) {
            return known;
        }
        let base = self.bases.first().map(String::as_str).unwrap_or_default();
        let made = Arc::new(Directions {
            gateway: Arc::clone(gateway),
            to_back_end: Bases::new([&**gateway], base),
            to_gateway: Bases::new(self.bases.iter().map(String::as_str), gateway),
        });
        self.directions.store(Some(Arc::clone(&made)));
        made
    }
}

impl Server {
    async fn take_over(&self, deadline: Instant) -> Result<Vec<String>, Error> {
        let response = self.ask_for_statement(deadline).await?;
        if response.status() != StatusCode::OK {
            let text = format!("expected 200 at /metadata, found {}", response.status().as_u16());
            return Err(Error::new(ErrorKind::BadReply, text));
        }
        let bytes = receive_whole(response.into_body(), self.settings.max_reply.as_usize(), deadline).await?;
        let stated = capability::stated(&bytes, &self.settings)?;
        self.capability.store(Arc::new(stated.capability));
        Ok(stated.foreign)
    }
}

#[async_trait::async_trait]
impl Stated for Server {
    async fn refresh(&self, deadline: Instant) -> Result<(), Error> {
        match self.take_over(deadline).await {
            Ok(foreign) => {
                self.standing.read(foreign);
                Ok(())
            }
            Err(error) => {
                let text = error.issues.first().map(|issue| issue.text.clone());
                self.standing.failed(text.unwrap_or_else(|| error.kind.code().to_owned()));
                Err(error)
            }
        }
    }
}
