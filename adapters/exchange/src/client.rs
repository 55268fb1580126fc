//! HTTP to one back end: pooled connections, one rule for connections that died in the pool.
//!
//! # A request on a connection that was closed
//! A kept connection may be closed by the back end at the moment we use it. Then:
//! - When hyper says that nothing of the request was written, it goes out again on another connection, whatever it
//!   is (hyper's client does that itself for a connection from the pool).
//! - When it was written and the connection closed before the first byte of a response, the back end may have done it:
//!   a request that is safe or repeatable goes out once more on a new connection; any other, a plain POST above all,
//!   ends as [`ErrorKind::Broken`], "unknown". The gateway may then call again where the settings say that the back end
//!   honours the Idempotency-Key that the client gave (`retry.idempotency-key`).
//! - Once a response has begun, nothing is sent again.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use adapter::{ConnectError, Error, ErrorKind};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connect::{Socket, Timed};
use crate::settings::Connection;
use crate::tls;

/// More threads than these share pools: slower, not wrong.
const THREADS: usize = 64;

/// The connections of one thread, by transport.
enum Pool {
    Tcp(legacy::Client<Timed<HttpsConnector<HttpConnector>>, Full<Bytes>>),
    Unix(legacy::Client<Timed<Socket>, Full<Bytes>>),
}

impl Pool {
    fn request(&self, request: Request<Full<Bytes>>) -> legacy::ResponseFuture {
        match self {
            Self::Tcp(client) => client.request(request),
            Self::Unix(client) => client.request(request),
        }
    }
}

/// A client with a pool for each thread that sends: a connection is driven by the runtime that opened it, and waking
/// another thread costs more than the request.
pub struct Client {
    pools: [OnceLock<Pool>; THREADS],
    /// What a thread's pool is made of at its first request.
    make: Box<dyn Fn() -> Pool + Send + Sync>,
    /// Opens a connection for each request: for what was closed once.
    fresh: Pool,
}

impl Client {
    /// A client over TCP, with TLS where the URL says so.
    ///
    /// # Errors
    /// Certificates or keys that cannot be used.
    pub fn new(settings: &Connection) -> Result<Self, ConnectError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect_timeout.into()));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(&settings.tls)?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let connector = Timed::new(connector, settings.connect_timeout.into());
        let settings = settings.clone();
        Ok(Self::made_by(move |idle| Pool::Tcp(builder(&settings, idle).build(connector.clone()))))
    }

    /// A client over a Unix socket; the authority of a URL says nothing then.
    #[must_use]
    pub fn unix(settings: &Connection, path: &Path) -> Self {
        let connector = Timed::new(Socket::new(path), settings.connect_timeout.into());
        let settings = settings.clone();
        Self::made_by(move |idle| Pool::Unix(builder(&settings, idle).build(connector.clone())))
    }

    fn made_by(make: impl Fn(Option<usize>) -> Pool + Send + Sync + 'static) -> Self {
        let fresh = make(Some(0));
        Self { pools: [const { OnceLock::new() }; THREADS], make: Box::new(move || make(None)), fresh }
    }

    /// Sends a request and waits for the head of its response, by the rule above.
    ///
    /// # Errors
    /// How the exchange failed; the kind says whether something may have been done.
    pub async fn send(
        &self,
        request: impl Fn() -> Result<Request<Full<Bytes>>, Error>,
        repeatable: bool,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Error> {
        // A timeout polls once before it looks at the clock: what is late already must not be sent.
        if deadline <= tokio::time::Instant::now().into_std() {
            return Err(late());
        }
        let exchange = async {
            match self.pool().request(request()?).await {
                Ok(response) => Ok(response),
                Err(error) if repeatable && was_closed_before_a_response(&error) => {
                    self.fresh.request(request()?).await.map_err(|error| failure(error, repeatable))
                }
                Err(error) => Err(failure(error, repeatable)),
            }
        };
        tokio::time::timeout_at(deadline.into(), exchange).await.unwrap_or_else(|_| Err(late()))
    }

    fn pool(&self) -> &Pool {
        self.pools[thread() % THREADS].get_or_init(&self.make)
    }
}

/// `idle`: unused connections that are kept, instead of the settings' number.
fn builder(settings: &Connection, idle: Option<usize>) -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(*settings.idle_timeout)
        .pool_max_idle_per_host(idle.unwrap_or(settings.idle_connections))
        .http2_only(settings.http2_prior_knowledge)
        .http2_adaptive_window(true)
        .http2_max_header_list_size(64 << 10);
    builder
}

/// A small number of this thread, the same each time.
fn thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

/// The failure of an exchange that took too long.
#[must_use]
pub fn late() -> Error {
    Error::new(ErrorKind::Timeout, "no answer from the back end in time")
}

fn was_closed_before_a_response(error: &legacy::Error) -> bool {
    if error.is_connect() {
        return false;
    }
    sources(error).any(|source| match source.downcast_ref::<hyper::Error>() {
        Some(error) => error.is_incomplete_message() || error.is_closed() || error.is_canceled(),
        None => source.downcast_ref::<std::io::Error>().is_some_and(|error| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }),
    })
}

fn sources<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn failure(error: legacy::Error, safe: bool) -> Error {
    if error.is_connect() {
        return Error::new(ErrorKind::Unreachable, "the back end cannot be reached").because(error);
    }
    let nothing_was_sent =
        sources(&error).filter_map(|source| source.downcast_ref::<hyper::Error>()).any(hyper::Error::is_canceled);
    if nothing_was_sent {
        return Error::new(ErrorKind::Unreachable, "the back end closed the connection before it was used")
            .because(error);
    }
    let is_garbage =
        sources(&error).filter_map(|source| source.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse);
    if is_garbage {
        return Error::new(ErrorKind::BadReply, "the back end did not answer in HTTP").because(error);
    }
    let text = if safe {
        "the connection to the back end broke"
    } else {
        "the connection to the back end broke; whether the change was made is unknown: read before you try again"
    };
    Error::new(ErrorKind::Broken, text).because(error)
}

/// A URI of the back end: the parsed parts of the base are shared, only the path is new. `.` and `..` are ids to FHIR, and in a path they
/// lead elsewhere (RFC 3986 5.2.4): to all of a type, or out of the base.
///
/// # Errors
/// The path is no path of a URL, or has dot segments.
pub fn uri(base: &Uri, path_and_query: String) -> Result<Uri, Error> {
    let path = path_and_query.split('?').next().unwrap_or_default();
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Error::new(ErrorKind::Invalid, "expected an id that can stand in a URL: not `.` or `..`"));
    }
    let mut parts = base.clone().into_parts();
    let path = http::uri::PathAndQuery::from_maybe_shared(Bytes::from(path_and_query))
        .map_err(|_| Error::new(ErrorKind::Invalid, "expected a query that fits into a URL"))?;
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| Error::new(ErrorKind::Internal, "cannot form the URL").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_its_type() {
        let base = Uri::from_static("https://back-end.example/fhir");
        let to = |path: &str| uri(&base, path.to_owned());
        assert_eq!(to("/fhir/Patient/a..b?x=/../").unwrap().path(), "/fhir/Patient/a..b");
        for path in ["/fhir/Patient/..", "/fhir/Patient/./_history/1", "/fhir/Patient/..?x=1"] {
            assert_eq!(to(path).unwrap_err().kind, ErrorKind::Invalid, "{path}");
        }
    }
}
