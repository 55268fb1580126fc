//! A running gateway: everything put together, from the configuration to sockets. Several may run in one process.

mod certificates;
mod data;
mod submit;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::host::SystemClock;
use adapter::seal::Seal;
use adapter::{Adapter, Clock, Host, Practice, PracticeAdditions};
use config::{Config, OnFull, PlainHttp};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::admin::Admin;
use crate::authorize::{self, Authority};
use crate::bulk::Exports;
use crate::bulk::worker::Workers;
use crate::dispatch::Vitals;
use crate::listener::pulse::Patience;
use crate::listener::tls::{CertificateError, Certificates};
use crate::listener::{self, Bound, Listener};
use crate::packages::{PackageError, Packages};
use crate::pipeline::Pipeline;
use crate::receive::Aside;
use crate::receive::payload::Budget;
use crate::receive::places::Places;
use crate::receive::site::Sites;
use crate::route::Routes;
use crate::telemetry::{self, Meters, Tracing};
use crate::{dispatch, receive, registry, route};

/// How long a body may take whatever its rate.
const GRACE: Duration = Duration::from_secs(5);
/// Histograms are folded together this often.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Plain HTTP would leave the machine.
    #[error(
        "expected a loopback address for plain HTTP (clients may have [gateway.tls], operators not), or plain-http = \
         \"patient-data-unencrypted-on-the-network\": {0} is reachable from other machines"
    )]
    PlainHttp(SocketAddr),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The data folder cannot be used.
    #[error("cannot use {} for data", .0.display())]
    Data(PathBuf, #[source] std::io::Error),
    /// Certificates cannot be used.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// The audit log cannot be opened.
    #[error(transparent)]
    Audit(#[from] audit::OpenError),
    /// The authorization server cannot start.
    #[error(transparent)]
    Authority(#[from] authorize::OpenError),
    /// The operator's token cannot be made or read.
    #[error("cannot use the operator's token in {}", .0.display())]
    Operator(PathBuf, #[source] std::io::Error),
    /// An adapter cannot be made.
    #[error("adapter `{name}`: {source}")]
    Adapter {
        /// Its name.
        name: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A route leads nowhere.
    #[error(transparent)]
    Route(#[from] route::RouteError),
    /// The table of exports cannot be used.
    #[error("exports")]
    Exports(#[source] authorize::DatabaseError),
    /// A package cannot be loaded.
    #[error(transparent)]
    Packages(#[from] PackageError),
}

/// A running gateway. Dropping it cuts everything off; [`Gateway::shutdown`] is the good end.
pub struct Gateway {
    pipeline: Arc<Pipeline>,
    clients: Listener,
    operators: Listener,
    certificates: Option<Arc<Certificates>>,
    exports: Workers,
    admin: Arc<Admin>,
    background: [AbortOnDropHandle<()>; 2],
    drain: Duration,
    _watch: Option<certificates::Watch>,
}

impl Gateway {
    /// Starts a gateway on the runtime that this is called on: adapters and the admin port live there, requests on threads of
    /// their own. When it returns, requests are answered.
    ///
    /// # Errors
    /// What of the configuration cannot work here and now.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, BTreeMap::new()).await
    }

    /// The same with further adapters, by the names that routes know them by.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub async fn start_with(config: Config, further: BTreeMap<String, Arc<dyn Adapter>>) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        check_plain(&config)?;
        let bound = bind(config.gateway.listen, workers(&config))?;
        let operators = bind(config.gateway.admin, 1)?;
        let certificates = certificates::load(&config)?;
        let pipeline = Arc::new(assemble(&config, further, &bound, &clock).await?);
        let settings = listener::Settings {
            limits: limits(&config),
            certificates: certificates.clone(),
            proxies: config.gateway.trusted_proxies.iter().copied().collect(),
        };
        let (listen, drain) = (config.gateway.listen, config.gateway.shutdown_time.into());
        let open = |error| StartError::Listen(listen, error);
        let clients = bound.start(&settings, &pipeline, &pipeline.owed).map_err(open)?;
        let plain = listener::Settings { certificates: None, ..settings };
        let admin = Arc::new(operator(&pipeline, config, certificates.clone())?);
        let operators = operators.start(&plain, &admin, &TaskTracker::new()).map_err(open)?;
        let exports = Workers::start(&pipeline);
        let watch = certificates.as_ref().and_then(certificates::watch);
        let background = [
            AbortOnDropHandle::new(tokio::spawn(keep_up(Arc::clone(&pipeline)))),
            AbortOnDropHandle::new(tokio::spawn(ask_back_ends(Arc::clone(&admin)))),
        ];
        Ok(Self { pipeline, clients, operators, certificates, exports, background, admin, drain, _watch: watch })
    }

    /// Where clients connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.clients.address()
    }

    /// Where operators connect.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.operators.address()
    }

    /// What answers requests.
    #[must_use]
    pub const fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// The FHIR base of the default practice, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        self.pipeline.sites.all().first().map_or("", |site| &site.base)
    }

    /// Reads the certificates again, as on SIGHUP. A broken file leaves the ones in use.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.certificates.as_ref().map_or(Ok(()), |certificates| certificates.reload())
    }

    /// Loads the packages again, as on SIGHUP. What cannot be loaded leaves those in use.
    ///
    /// # Errors
    /// A package that is not there or cannot be used.
    pub fn reload_packages(&self) -> Result<(), PackageError> {
        let reloaded = self.pipeline.packages.reload();
        self.admin.console().packages_loaded(reloaded.as_ref().err().map(ToString::to_string));
        reloaded
    }

    /// Stops accepting, lets requests under way end, writes the audit log; what takes longer than `gateway.shutdown-time`
    /// is cut off. Returns whether everything ended by itself.
    pub async fn shutdown(self) -> bool {
        self.pipeline.owed.close();
        let clean = self.clients.shutdown(self.drain).await;
        self.exports.shutdown(Duration::from_secs(5)).await;
        let _ = self.operators.shutdown(Duration::from_secs(1)).await;
        for task in self.background {
            task.abort();
            // It lets go of the data, so that the next gateway can have it.
            let _ = task.await;
        }
        let audit = self.pipeline.audit.clone();
        let flushed = tokio::task::spawn_blocking(move || audit.flush(Duration::from_secs(5))).await;
        let flushed = matches!(flushed, Ok(Ok(())));
        if !flushed {
            tracing::error!("the last audit records could not be written");
        }
        clean && flushed
    }
}

/// What answers operators.
fn operator(
    pipeline: &Arc<Pipeline>,
    config: Config,
    certificates: Option<Arc<Certificates>>,
) -> Result<Admin, StartError> {
    let data = config.gateway.data.clone();
    Admin::open(pipeline, config, certificates).map_err(|error| StartError::Operator(data, error))
}

/// Everything that answers requests.
async fn assemble(
    config: &Config,
    further: BTreeMap<String, Arc<dyn Adapter>>,
    bound: &Bound,
    clock: &Arc<dyn Clock>,
) -> Result<Pipeline, StartError> {
    let data = &config.gateway.data;
    data::folder(data).map_err(|error| StartError::Data(data.clone(), error))?;
    let places = Places::new(&public_url(config, bound.address()));
    let sites = Sites::new(&places, config.practices.keys().map(String::as_str));
    let audit = audit::Log::open(audit_settings(config), Arc::clone(clock))?;
    let backdoor = Arc::new(submit::Backdoor);
    let seal = data::seal(data).map_err(|error| StartError::Data(data.clone(), error))?;
    let packages = Packages::load(config)?;
    let additions = packages.search_parameters()?;
    let mut vitals = connect(config, clock, &backdoor, &seal, &additions).await?;
    vitals.extend(further.into_iter().map(|(name, adapter)| {
        dispatch::wrap(&Arc::from(name.as_str()), adapter, &dispatch::Policy::default(), Arc::clone(clock))
    }));
    let mut adapters = vitals.iter().map(|vitals| (vitals.name.to_string(), vitals.adapter())).collect();
    let events = Arc::new(audit::Events::new(audit.clone(), Arc::clone(&seal), Arc::clone(clock)));
    let routes = data::with_audit_events(config, &mut adapters, events);
    let routes = Routes::new(&routes, &adapters, &data::ground(config, &seal, clock, &additions))?;
    let meters = Meters::default();
    let authority = Authority::open(config, places, Arc::clone(clock), additions)?;
    let exports = Exports::open(&data.join("exports"), &config.bulk).map_err(StartError::Exports)?;
    Ok(Pipeline {
        exports: Arc::new(exports),
        sites,
        limits: receive_limits(config),
        authority,
        routes,
        packages,
        audit,
        clock: Arc::clone(clock),
        meters,
        vitals,
        tracing: Tracing::new(&config.telemetry),
        seal,
        reply: config.limits.reply.as_usize(),
        origins: config.gateway.origins.clone(),
        owed: TaskTracker::new(),
        started: SystemTime::now(),
        statements: Default::default(),
    })
}

/// Makes every adapter, with its wrappers around it.
async fn connect(
    config: &Config,
    clock: &Arc<dyn Clock>,
    backdoor: &Arc<submit::Backdoor>,
    seal: &Arc<Seal>,
    additions: &PracticeAdditions,
) -> Result<Vec<Vitals>, StartError> {
    let mut adapters = Vec::new();
    for (name, settings) in &config.adapters {
        let failed = |source| StartError::Adapter { name: name.clone(), source };
        let kind = registry::kind(&settings.kind).map_err(|error| failed(error.into()))?;
        let own = kind.read(&settings.settings).map_err(|faults| failed(data::describe(&faults).into()))?;
        let storage = config.gateway.data.join("adapters").join(name);
        data::folder(&storage).map_err(|error| StartError::Data(storage.clone(), error))?;
        let host = Host {
            name: name.as_str().into(),
            practice: practice_of(config, name),
            storage,
            clock: Arc::clone(clock),
            submit: Arc::clone(backdoor) as Arc<dyn adapter::Submit>,
            additions: additions.clone(),
            seal: Arc::clone(seal),
        };
        let adapter = kind.connect(own, host).await.map_err(|error| failed(error.into()))?;
        let policy = dispatch::Policy::from(settings);
        adapters.push(dispatch::wrap(&Arc::from(name.as_str()), adapter, &policy, Arc::clone(clock)));
    }
    Ok(adapters)
}

/// The practice whose routes lead to the adapter.
fn practice_of(config: &Config, name: &str) -> Practice {
    config
        .routes
        .iter()
        .find(|route| route.leads_to(name))
        .map_or_else(Practice::default, |route| Practice::new(&route.practice))
}

fn check_plain(config: &Config) -> Result<(), StartError> {
    if config.gateway.plain_http == PlainHttp::PatientDataUnencryptedOnTheNetwork {
        return Ok(());
    }
    // The admin port never speaks TLS.
    let clients = config.gateway.tls.is_none().then_some(config.gateway.listen);
    match clients.into_iter().chain([config.gateway.admin]).find(|address| !address.ip().is_loopback()) {
        Some(address) => Err(StartError::PlainHttp(address)),
        None => Ok(()),
    }
}

fn bind(address: SocketAddr, workers: usize) -> Result<Bound, StartError> {
    Bound::bind(address, workers).map_err(|error| StartError::Listen(address, error))
}

fn workers(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.gateway.workers.map_or_else(cores, usize::from)
}

fn public_url(config: &Config, address: SocketAddr) -> String {
    match &config.gateway.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None if config.gateway.tls.is_some() => format!("https://{address}"),
        None => format!("http://{address}"),
    }
}

fn limits(config: &Config) -> listener::Limits {
    let limits = &config.limits;
    let window = |size: config::Size| u32::try_from(size.bytes()).unwrap_or(u32::MAX >> 1).min(u32::MAX >> 1);
    listener::Limits {
        header_size: window(limits.header_size),
        headers: limits.headers.into(),
        connections: limits.connections as usize,
        connections_per_address: limits.connections_per_address as usize,
        streams: limits.streams,
        resets: limits.resets as usize,
        stream_window: window(limits.stream_window),
        connection_window: window(limits.connection_window),
        patience: Patience {
            idle: limits.idle.into(),
            head: limits.header_time.into(),
            total: limits.total.into(),
            ..Patience::default()
        },
        handshake: limits.handshake.into(),
        ..listener::Limits::default()
    }
}

fn receive_limits(config: &Config) -> receive::Limits {
    receive::Limits {
        body: config.limits.body.as_usize(),
        budget: Budget::new(config.limits.bodies_in_flight.as_usize()),
        body_rate: config.limits.body_rate.bytes(),
        grace: GRACE,
        total: config.limits.total.into(),
        proxies: config.gateway.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
        aside: Aside::default(),
    }
}

fn audit_settings(config: &Config) -> audit::Settings {
    let settings = &config.audit;
    audit::Settings {
        window: settings.group.into(),
        segment_size: settings.segment_size.bytes(),
        segment_age: settings.segment_age.into(),
        retain_age: Some(settings.retention.into()),
        retain_size: settings.retention_size.map(config::Size::bytes),
        queue: u64::from(settings.queue),
        on_full: match settings.on_full {
            OnFull::Stop => audit::OnFull::Stop,
            OnFull::Continue => audit::OnFull::Continue,
        },
        ..audit::Settings::new(config.gateway.data.join("audit"))
    }
}

async fn ask_back_ends(admin: Arc<Admin>) {
    admin.console().watch().await;
}

async fn keep_up(pipeline: Arc<Pipeline>) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        telemetry::upkeep();
        pipeline.meters.traffic.sample();
        pipeline.vitals.iter().for_each(|vitals| vitals.recent().sample());
    }
}
