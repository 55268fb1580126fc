//! TCP, TLS, HTTP/1.1 and HTTP/2, limits, graceful shutdown. Knows nothing of FHIR: it turns bytes into
//! requests for an [`Answer`] and keeps clients from holding what they do not use.

pub mod admission;
mod body;
mod connection;
mod io;
pub mod pulse;
mod socket;
pub mod tls;
mod worker;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use body::{Body, Broken};

use admission::Admission;
use pulse::Patience;
use tls::Certificates;
use worker::Worker;

/// What answers requests. Never fails: whatever goes wrong inside is an answer too.
pub trait Answer: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = http::Response<Body>> + Send;
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address as the kernel sees it.
    pub address: IpAddr,
    /// SHA-256 of its certificate, when TLS verified one.
    pub certificate: Option<[u8; 32]>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

/// What one client may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's head (HTTP/1.1), of a header list (HTTP/2).
    pub header_size: u32,
    /// Header fields of a request (HTTP/1.1; HTTP/2 is bounded by the size of the list).
    pub headers: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address; an IPv6 client counts by its /64.
    pub connections_per_address: usize,
    /// Streams at once on one HTTP/2 connection.
    pub streams: u32,
    /// Streams that a client may reset before the connection ends (CVE-2023-44487).
    pub resets: usize,
    /// Bytes that a client may send on one HTTP/2 stream before we took them.
    pub stream_window: u32,
    /// The same for all streams of one connection.
    pub connection_window: u32,
    /// Bytes of an answer that wait in memory for one HTTP/2 stream.
    pub send_buffer: usize,
    /// How long we wait for what.
    pub patience: Patience,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_size: 32 * 1024,
            headers: 64,
            connections: 10_000,
            connections_per_address: 2_000,
            streams: 128,
            resets: 32,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 128 * 1024,
            patience: Patience::default(),
            handshake: Duration::from_secs(10),
        }
    }
}

/// How a listener is set up.
pub struct Settings {
    /// What one client may use.
    pub limits: Limits,
    /// Certificates; without them HTTP is plain.
    pub certificates: Option<Arc<Certificates>>,
    /// Addresses whose connections are not counted per address, because they carry everybody's requests.
    pub proxies: Arc<[IpAddr]>,
}

/// Sockets that are bound, and accept nothing yet.
pub struct Bound {
    sockets: Vec<std::net::TcpListener>,
    address: SocketAddr,
}

/// A running listener.
pub struct Listener {
    address: SocketAddr,
    workers: Vec<Worker>,
    shutdown: CancellationToken,
}

impl Bound {
    /// Binds an address, once for each worker: a thread with a runtime of its own. Port 0 takes a free one.
    ///
    /// # Errors
    /// When it is in use or not ours.
    pub fn bind(address: SocketAddr, workers: usize) -> std::io::Result<Self> {
        let sockets = socket::bind(address, workers.max(1))?;
        let address = sockets.first().map_or(Ok(address), std::net::TcpListener::local_addr)?;
        Ok(Self { sockets, address })
    }

    /// Where it will listen.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the workers. When it returns, connections are accepted. `owed` are tasks that must end before the workers'
    /// runtimes may: writes that are under way.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start<A: Answer>(
        self,
        settings: &Settings,
        answer: &Arc<A>,
        owed: &TaskTracker,
    ) -> std::io::Result<Listener> {
        let shutdown = CancellationToken::new();
        let admission = Arc::new(Admission::new(&settings.limits, &settings.proxies));
        let workers = self
            .sockets
            .into_iter()
            .enumerate()
            .map(|(number, socket)| {
                let bench = worker::Bench {
                    limits: settings.limits.clone(),
                    certificates: settings.certificates.clone(),
                    admission: Arc::clone(&admission),
                    answer: Arc::clone(answer),
                    shutdown: shutdown.clone(),
                    owed: owed.clone(),
                };
                Worker::start(number, socket, bench)
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Listener { address: self.address, workers, shutdown })
    }
}

impl Listener {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests under way end, closes idle connections; after `within` what is left is cut off.
    /// Returns whether everything ended by itself.
    pub async fn shutdown(self, within: Duration) -> bool {
        self.shutdown.cancel();
        let deadline = tokio::time::Instant::now() + within;
        let mut clean = true;
        for worker in self.workers {
            clean &= worker.join(deadline).await;
        }
        clean
    }
}
