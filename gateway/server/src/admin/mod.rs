//! Admin port: health, readiness, metrics, and the operator's pages below `/admin`. Only the pages show who did what to whose
//! data, and only to who is signed in.

mod attempts;
mod console;
mod disk;
mod door;
mod event;
mod frame;
mod pages;
mod problems;
mod secret;
mod sessions;
mod sign_in;
mod watch;
mod words;

use std::io;
use std::sync::Arc;

use adapter::Health;
use config::Config;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};

pub(crate) use console::Console;
pub use secret::Secret;

use crate::listener::tls::Certificates;
use crate::listener::{Answer, Body, Peer};
use crate::pipeline::Pipeline;
use crate::respond;
use crate::route::Destination;
use crate::telemetry;

/// Answers operators.
pub struct Admin {
    pipeline: Arc<Pipeline>,
    console: Console,
}

impl Answer for Admin {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        let mut response = match (&head.method, head.uri.path()) {
            (_, path) if path == "/admin" || path.starts_with("/admin/") => {
                self.console.answer(&head, body, &peer).await
            }
            (&Method::GET | &Method::HEAD, path) => self.show(path).await,
            _ => {
                let mut response = respond::empty(StatusCode::METHOD_NOT_ALLOWED);
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if head.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

impl Admin {
    /// What answers operators of a gateway; makes the token of its data folder when there is none.
    ///
    /// # Errors
    /// The token's file cannot be made or read.
    pub fn open(pipeline: &Arc<Pipeline>, config: Config, certificates: Option<Arc<Certificates>>) -> io::Result<Self> {
        let secret = Secret::open(&config.gateway.data)?;
        let console = Console::new(Arc::clone(pipeline), Arc::new(config), certificates, secret);
        Ok(Self { pipeline: Arc::clone(pipeline), console })
    }

    /// The operator's pages.
    pub(crate) const fn console(&self) -> &Console {
        &self.console
    }

    async fn show(&self, path: &str) -> Response<Body> {
        match path {
            "/" => frame::see("/admin"),
            "/health" => respond::json(StatusCode::OK, json!({ "status": "up" }).to_string()),
            "/ready" => self.readiness().await,
            "/metrics" => exposition(),
            _ => respond::json(
                StatusCode::NOT_FOUND,
                json!({ "error": "expected /admin, /health, /ready or /metrics" }).to_string(),
            ),
        }
    }

    /// 200 while the gateway can serve; 503 when audit cannot be written or no back end works.
    async fn readiness(&self) -> Response<Body> {
        let audit = self.pipeline.audit.health();
        let adapters = futures_util::future::join_all(self.pipeline.destinations().into_iter().map(ask)).await;
        let down = |health: &Health| matches!(health, Health::Down(_));
        let all_down = !adapters.is_empty() && adapters.iter().all(|(_, health)| down(health));
        let ready = !down(&audit) && !all_down;
        let adapters: serde_json::Map<String, Value> =
            adapters.iter().map(|(name, health)| (name.clone(), describe(health))).collect();
        let document = json!({
            "status": if ready { "ready" } else { "not-ready" },
            "audit": describe(&audit),
            "adapters": adapters,
        });
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        respond::json(status, document.to_string())
    }
}

async fn ask(destination: Destination) -> (String, Health) {
    (destination.name.to_string(), watch::ask(&*destination.adapter).await)
}

fn describe(health: &Health) -> Value {
    match health {
        Health::Up => json!({ "status": health.code() }),
        Health::Degraded(text) | Health::Down(text) => json!({ "status": health.code(), "text": text }),
    }
}

fn exposition() -> Response<Body> {
    let mut response = respond::json(StatusCode::OK, telemetry::exposition());
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
