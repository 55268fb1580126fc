//! The operator's pages: who may see them, and which one is asked for. Read only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use config::Config;
use fhir::{IssueType, Query};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Incoming;
use maud::html;
use parking_lot::Mutex;
use serde_json::json;

use super::attempts::Attempts;
use super::door::{self, Connection};
use super::frame;
use super::pages::{Asked, PAGES, Page, Shown};
use super::secret::{Digest, Secret};
use super::sessions::{Sessions, Signed};
use super::sign_in;
use super::watch::Watch;
use crate::failure::Failure;
use crate::listener::tls::{Certificates, Term};
use crate::listener::{Body, Peer};
use crate::pipeline::Pipeline;
use crate::receive::Envelope;
use crate::respond;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that the pages show, and who may see it.
pub(crate) struct Console {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) config: Arc<Config>,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) watch: Watch,
    pub(super) secret: Secret,
    pub(super) sessions: Sessions,
    pub(super) attempts: Attempts,
    /// The host of the public URL.
    public: Option<String>,
    /// Why packages could not be loaded again, and when that was.
    packages: Mutex<Option<(String, SystemTime)>>,
}

/// Who asks.
struct Operator {
    /// The session's name, or `token`.
    name: Arc<str>,
    /// What the session's forms carry; empty for a program.
    form: Arc<str>,
}

impl Console {
    pub(super) fn new(
        pipeline: Arc<Pipeline>,
        config: Arc<Config>,
        certificates: Option<Arc<Certificates>>,
        secret: Secret,
    ) -> Self {
        let clock = Arc::clone(&pipeline.clock);
        let public = config.gateway.public_url.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
        Self {
            watch: Watch::new(Arc::clone(&clock)),
            sessions: Sessions::new(Arc::clone(&clock)),
            attempts: Attempts::new(clock),
            packages: Mutex::new(None),
            pipeline,
            config,
            certificates,
            secret,
            public,
        }
    }

    /// Answers a request below `/admin`. Every answer has the fields that keep it where it is.
    pub(super) async fn answer(&self, head: &Parts, body: Incoming, peer: &Peer) -> Response<Body> {
        let proxies = &self.pipeline.limits.proxies;
        let envelope = Envelope::open(&head.headers, peer, proxies, Instant::now());
        let connection = Connection::of(head, peer, &envelope, proxies);
        let mut response = self.enter(head, body, connection, &envelope).await;
        frame::protect(&mut response, connection.encrypted);
        if let Ok(id) = HeaderValue::from_str(&envelope.trace.request_id) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    async fn enter(&self, head: &Parts, body: Incoming, connection: Connection, envelope: &Envelope) -> Response<Body> {
        let Some(authority) = door::authority(head).filter(|host| door::is_known_host(host, self.public.as_deref()))
        else {
            let text = "Expected the address of this machine, localhost or the host of public-url.";
            return refusal(StatusCode::MISDIRECTED_REQUEST, "Not here", text);
        };
        if !connection.is_private() {
            let text = "The operator's token does not travel over plain HTTP. Open these pages on the machine itself, through \
                        a tunnel (ssh -L 8081:127.0.0.1:8081 and the machine's name), or behind a proxy with TLS that is \
                        named in trusted-proxies.";
            return refusal(StatusCode::FORBIDDEN, "Not over this connection", text);
        }
        let is_own = door::is_own_form(head, authority);
        match (&head.method, head.uri.path()) {
            (&Method::GET | &Method::HEAD, "/admin/sign-in") => sign_in::page(head),
            (&Method::POST, "/admin/sign-in") if is_own => self.sign_in(head, body, connection).await,
            (&Method::POST, "/admin/sign-out") if is_own => self.sign_out(head, body, connection).await,
            (&Method::POST, "/admin/sign-in" | "/admin/sign-out") => {
                refusal(StatusCode::FORBIDDEN, "Not from there", "Expected the form of one of these pages.")
            }
            (&Method::GET | &Method::HEAD, path) => self.show(head, path, connection, envelope).await,
            _ => not_allowed(),
        }
    }

    async fn show(&self, head: &Parts, path: &str, connection: Connection, envelope: &Envelope) -> Response<Body> {
        let (name, is_data) = match path.strip_suffix(".json") {
            Some(name) => (name, true),
            None => (path, false),
        };
        let name = name.strip_prefix("/admin").unwrap_or(name).trim_start_matches('/');
        // The data of the first page needs a name.
        let name = if is_data && name == "overview" { "" } else { name };
        let operator = match self.operator(head, connection) {
            Ok(operator) => operator,
            Err(refused) => return refused.respond(head, is_data || door::bearer(&head.headers).is_some()),
        };
        let Some(page) = PAGES.iter().find(|page| page.path == name) else {
            return if is_data { error(StatusCode::NOT_FOUND, "no such page") } else { nothing() };
        };
        let asked = Asked {
            query: Query::parse(head.uri.query().unwrap_or_default()),
            target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            operator: Arc::clone(&operator.name),
            connection,
            trace: envelope.trace.clone(),
            deadline: Instant::now() + PATIENCE,
        };
        let shown = (page.show)(self, &asked).await.unwrap_or_else(|failure| failed(&failure));
        if is_data {
            return respond::json(shown.status, shown.data.to_string());
        }
        frame::respond(shown.status, frame::page(page.path, page.title, &operator.form, &shown.body))
    }

    /// Who asks: by the session of a cookie, or as a program by the token itself.
    fn operator(&self, head: &Parts, connection: Connection) -> Result<Operator, Refused> {
        if let Some(token) = door::bearer(&head.headers) {
            self.check(token, connection)?;
            return Ok(Operator { name: Arc::from("token"), form: Arc::from("") });
        }
        let Signed { name, form } = self.signed(&head.headers).ok_or(Refused::Stranger)?;
        Ok(Operator { name, form })
    }

    /// The session of a request's cookie.
    pub(super) fn signed(&self, headers: &HeaderMap) -> Option<Signed> {
        let cookie = door::cookie(headers, sign_in::COOKIE)?;
        let is_use = !headers.contains_key("x-frontdesk-refresh");
        self.sessions.find(cookie, self.secret.digest()?, is_use)
    }

    /// Whether a token is the right one. An address that guessed has to wait, whatever it brings.
    pub(super) fn check(&self, token: &str, connection: Connection) -> Result<Digest, Refused> {
        self.attempts.admit(connection.address).map_err(Refused::TooOften)?;
        let right = self.secret.digest().filter(|right| *right == Digest::of(token));
        let Some(digest) = right else {
            self.attempts.failed(connection.address);
            tracing::warn!(address = %connection.address, "a wrong token at the admin port");
            return Err(Refused::WrongToken);
        };
        self.attempts.succeeded(connection.address);
        Ok(digest)
    }

    /// The certificates in use, with the moments at which they end.
    pub(super) fn terms(&self) -> Vec<Term> {
        self.certificates.as_ref().map(|certificates| certificates.terms()).unwrap_or_default()
    }

    /// Notes how loading the packages again ended.
    pub(crate) fn packages_loaded(&self, failure: Option<String>) {
        *self.packages.lock() = failure.map(|text| (text, self.pipeline.clock.now()));
    }

    /// Why the packages could not be loaded again.
    pub(super) fn packages_trouble(&self) -> Option<(String, SystemTime)> {
        self.packages.lock().clone()
    }

    /// Watches the back ends until it is dropped.
    pub(crate) async fn watch(&self) {
        self.watch.run(&self.pipeline.vitals).await;
    }
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not signed in, or no longer.
    Stranger,
    /// Not the token.
    WrongToken,
    /// Too many wrong tokens: come back after that.
    TooOften(Duration),
}

impl Refused {
    /// For people: what the sign-in page says.
    pub(super) fn text(self) -> String {
        match self {
            Self::Stranger => "Sign in to see this page.".to_owned(),
            Self::WrongToken => "That is not the token. Get it with `frontdesk admin token` on the machine.".to_owned(),
            Self::TooOften(wait) => {
                let seconds = retry_after(wait);
                format!("Too many wrong tokens. Try again in {seconds} second{}.", if seconds == 1 { "" } else { "s" })
            }
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Stranger | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// A program is told with a status, a person is led to the form.
    fn respond(self, head: &Parts, is_program: bool) -> Response<Body> {
        if !is_program {
            return frame::see(&sign_in::address(head));
        }
        let mut response = error(self.status(), &self.text());
        self.tell(response.headers_mut());
        response
    }

    /// The fields that belong to the status.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        match self {
            Self::Stranger | Self::WrongToken => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"frontdesk admin\""));
            }
            Self::TooOften(wait) => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after(wait)))),
        }
    }
}

/// Whole seconds, rounded up, so that nobody comes back too early (RFC 9110 10.2.3).
fn retry_after(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// A page that could not be made: what the issues say, which is for clients too.
fn failed(failure: &Failure) -> Shown {
    let cause = failure.cause.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(status = failure.status.as_u16(), cause, "a page of the admin port could not be made");
    let texts: Vec<&str> = failure.issues.iter().map(|issue| issue.text.as_str()).collect();
    let code = failure.issues.first().map_or(IssueType::Exception, |issue| issue.code);
    Shown {
        status: failure.status,
        body: html! { p .verdict.bad role="alert" { "This cannot be shown: " (texts.join("; ")) } },
        data: json!({ "error": texts.join("; "), "code": code.code() }),
    }
}

fn refusal(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    let body = html! { div .door { h1 { (title) } p { (text) } } };
    frame::respond(status, frame::plain(title, &body))
}

fn nothing() -> Response<Body> {
    let body = html! { div .door { h1 { "No such page" } p { a href="/admin" { "To the overview" } } } };
    frame::respond(StatusCode::NOT_FOUND, frame::plain("No such page", &body))
}

fn error(status: StatusCode, text: &str) -> Response<Body> {
    respond::json(status, json!({ "error": text }).to_string())
}

fn not_allowed() -> Response<Body> {
    let mut response = respond::empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Every page by its path, for who is to be led back to one.
pub(super) fn known_page(path: &str) -> Option<&'static Page> {
    static BY_PATH: std::sync::LazyLock<BTreeMap<String, Page>> =
        std::sync::LazyLock::new(|| PAGES.into_iter().map(|page| (frame::address(page.path), page)).collect());
    BY_PATH.get(path)
}
