//! A FHIR server in this process: HTTP on a loopback port, SQLite behind it.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::convert::Infallible;
use std::sync::Arc;

use adapter::contract::alone;
use adapter::{Adapter as _, Call, Error, ErrorKind, Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Outcome, Query, Resource, ResourceType, Version};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use store::{Settings, Store};
use tokio::net::TcpListener;

use crate::support::{host, whole};

/// The server and its base; ends with the test's runtime.
pub struct Server {
    pub base: String,
    _folder: tempfile::TempDir,
}

/// Starts one.
pub async fn start() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&Settings::default(), &host(folder.path())).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    let place = Arc::new(Place { store, base: base.as_str().into() });
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let place = Arc::clone(&place);
            let service = service_fn(move |request| answer(Arc::clone(&place), request));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service),
            );
        }
    });
    Server { base, _folder: folder }
}

struct Place {
    store: Arc<Store>,
    base: Arc<str>,
}

async fn answer(place: Arc<Place>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = match perform(&place, request).await {
        Ok(reply) => success(&place, reply).await,
        Err(error) => refusal(&error),
    };
    Ok(response)
}

async fn perform(place: &Place, request: Request<Incoming>) -> Result<Reply, Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if head.uri.path() == "/fhir/metadata" {
        let rest = place.store.capability().to_rest();
        let statement =
            serde_json::json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest] });
        return Ok(Reply::new(Status::Ok).with_body(statement.to_string()));
    }
    let interaction = interaction(&head, body).ok_or_else(|| Error::new(ErrorKind::NotSupported, "not served"))?;
    place.store.perform(Call { base: Arc::clone(&place.base), ..alone::call(interaction) }).await
}

fn interaction(head: &http::request::Parts, body: Bytes) -> Option<Interaction> {
    if head.method == Method::POST && head.uri.path().trim_end_matches('/') == "/fhir" {
        let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, body);
        return Some(Interaction::Batch { bundle, transaction: true });
    }
    let path = head.uri.path().strip_prefix("/fhir/")?;
    let parts: Vec<&str> = path.split('/').collect();
    let resource_type: ResourceType = parts.first()?.parse().ok()?;
    let query = Query::parse(head.uri.query().unwrap_or_default());
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let if_match = field("if-match").map(|tag| tag.trim_start_matches("W/").trim_matches('"').parse().unwrap());
    let resource = || Resource::new(resource_type, Version::R4, body.clone());
    let id = |text: &str| text.parse().ok();
    Some(match (&head.method, parts.as_slice()) {
        (&Method::GET, [_]) => Interaction::SearchType { resource_type, compartment: None, query },
        (&Method::POST, [_, "_search"]) => {
            let query = Query::parse(std::str::from_utf8(&body).ok()?);
            Interaction::SearchType { resource_type, compartment: None, query }
        }
        (&Method::POST, [_]) => {
            Interaction::Create { resource: resource(), if_none_exist: field("if-none-exist").map(Query::parse) }
        }
        (&Method::PUT, [_]) => Interaction::ConditionalUpdate { criteria: query, resource: resource(), if_match },
        (&Method::DELETE, [_]) => Interaction::ConditionalDelete { resource_type, criteria: query },
        (&Method::GET, [_, "_history"]) => Interaction::HistoryType { resource_type, query },
        (&Method::GET, [_, of]) => Interaction::Read { resource_type, id: id(of)? },
        (&Method::PUT, [_, of]) => Interaction::Update { id: id(of)?, resource: resource(), if_match },
        (&Method::DELETE, [_, of]) => Interaction::Delete { resource_type, id: id(of)?, if_match },
        (&Method::GET, [_, of, "_history"]) => Interaction::HistoryInstance { resource_type, id: id(of)?, query },
        (&Method::GET, [_, of, "_history", version]) => {
            Interaction::Vread { resource_type, id: id(of)?, version_id: version.parse().ok()? }
        }
        _ => return None,
    })
}

async fn success(place: &Place, reply: Reply) -> Response<Full<Bytes>> {
    let status = match reply.status {
        Status::Ok => 200,
        Status::Created => 201,
        Status::Accepted => 202,
        Status::NoContent => 204,
    };
    let mut response =
        Response::builder().status(status).header("content-type", "application/fhir+json; charset=utf-8");
    if let Some(subject) = &reply.subject {
        let location = format!("{}/{}/{}", place.base, subject.resource_type, subject.id);
        if let Some(version) = &subject.version_id {
            response = response.header("etag", format!("W/\"{version}\""));
            response = response.header("content-location", format!("{location}/_history/{version}"));
        }
        response = response.header("location", location);
    }
    response.body(Full::new(whole(reply).await.unwrap())).unwrap()
}

fn refusal(error: &Error) -> Response<Full<Bytes>> {
    let outcome = Outcome(error.issues.clone()).to_json();
    Response::builder()
        .status(error.kind.status())
        .header("content-type", "application/fhir+json")
        .body(Full::new(outcome.into()))
        .unwrap()
}
