//! Admin port: health, readiness, metrics. Nothing here shows patient data.

use std::sync::Arc;
use std::time::Duration;

use adapter::Health;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::listener::{Answer, Body, Peer};
use crate::pipeline::Pipeline;
use crate::respond;
use crate::route::Destination;
use crate::telemetry;

/// A back end that does not say within this how it is, is down.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers operators.
pub struct Admin {
    /// What serves clients.
    pub pipeline: Arc<Pipeline>,
}

impl Answer for Admin {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, _: Peer) -> Response<Body> {
        let mut response = match (request.method(), request.uri().path()) {
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
        if request.method() == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

impl Admin {
    async fn show(&self, path: &str) -> Response<Body> {
        match path {
            "/health" => respond::json(StatusCode::OK, json!({ "status": "up" }).to_string()),
            "/ready" => self.readiness().await,
            "/metrics" => exposition(),
            _ => respond::json(
                StatusCode::NOT_FOUND,
                json!({ "error": "expected /health, /ready or /metrics" }).to_string(),
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
    let health = tokio::time::timeout(PATIENCE, destination.adapter.health())
        .await
        .unwrap_or_else(|_| Health::Down("no answer in time".into()));
    (destination.name.to_string(), health)
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
