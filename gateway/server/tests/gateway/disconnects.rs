//! Clients that go away at every await: the future that answers is dropped after each number of polls that it has.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use adapter::{Adapter, Call, Error, Health, Reply, Status};
use bytes::Bytes;
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use frontdesk::listener::{Answer, Peer};
use http::Method;
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::Notify;

use crate::harness::Practice;

/// More than any request is polled.
const MOST: usize = 500;

/// A back end that lets others go first, several times.
struct Hesitant;

#[async_trait::async_trait]
impl Adapter for Hesitant {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let interactions = [InteractionCode::Read].into();
        let patient = ResourceCapability { interactions, ..ResourceCapability::default() };
        capability.resources.insert(ResourceType::PATIENT, patient);
        Arc::new(capability)
    }

    async fn perform(&self, _: Call) -> Result<Reply, Error> {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        Ok(Reply::new(Status::Ok).with_body(r#"{"resourceType":"Patient","id":"a"}"#))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

/// Drops the future inside when it has been polled so often and is not ready, and says so.
struct Cut<F> {
    inner: Option<Pin<Box<F>>>,
    polls: usize,
    gone: Arc<Notify>,
}

impl<F: Future> Future for Cut<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(inner) = self.inner.as_mut() else { return Poll::Pending };
        let ready = inner.as_mut().poll(cx);
        self.polls -= 1;
        if ready.is_pending() && self.polls == 0 {
            self.inner = None;
            self.gone.notify_one();
        }
        ready
    }
}

/// Sends a request over a connection in memory to the gateway, whose answering is cut off after so many polls. True when it
/// was answered before.
async fn is_answered(practice: &Practice, request: String, polls: usize) -> bool {
    let (mut client, server) = duplex(64 * 1024);
    let gone = Arc::new(Notify::new());
    let (pipeline, cut) = (Arc::clone(practice.gateway.pipeline()), Arc::clone(&gone));
    let service = service_fn(move |request| {
        let peer = Peer { address: [127, 0, 0, 1].into(), certificate: None, encrypted: false };
        let answering = Arc::clone(&pipeline).answer(request, peer);
        let answering = Cut { inner: Some(Box::pin(answering)), polls, gone: Arc::clone(&cut) };
        async move {
            let (head, body) = answering.await.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Ok::<_, std::convert::Infallible>(http::Response::from_parts(head, http_body_util::Full::new(body)))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let serving = tokio::spawn(connection);
    let exchange = async move {
        // In pieces, so that the body is awaited too.
        for piece in request.as_bytes().chunks(request.len().div_ceil(6)) {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        let _ = client.read_buf(&mut answer).await;
        String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 20")
    };
    let answered = tokio::select! {
        () = gone.notified() => false,
        answered = exchange => answered,
    };
    serving.abort();
    let owed = &practice.gateway.pipeline().owed;
    while !owed.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    answered
}

/// Cuts off a request after one poll, two polls, … until it is answered. Returns how many cuts there were.
async fn cut_everywhere(practice: &Practice, request: impl Fn(usize) -> String) -> usize {
    for polls in 1..MOST {
        if is_answered(practice, request(polls), polls).await {
            return polls - 1;
        }
    }
    panic!("the request was never answered");
}

/// Outcomes of the AuditEvents by X-Request-Id.
async fn outcomes(practice: &Practice, token: &str, subtype: &str) -> BTreeMap<String, Vec<String>> {
    let fields = [("authorization", token)];
    let query = format!("/AuditEvent?subtype={subtype}&_count=500");
    let bundle = practice.ask(Method::GET, &query, &fields, Bytes::new()).await.json();
    let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]) {
        let is_request = |entity: &&Value| entity["type"]["code"] == "XrequestId";
        let request = event["entity"].as_array().unwrap().iter().find(is_request).unwrap();
        let id = request["what"]["identifier"]["value"].as_str().unwrap().to_owned();
        outcomes.entry(id).or_default().push(event["outcome"].as_str().unwrap().to_owned());
    }
    outcomes
}

async fn practice() -> (Practice, String, String) {
    let adapters = [("hesitant".to_owned(), Arc::new(Hesitant) as Arc<dyn Adapter>)].into();
    let practice = Practice::around("", adapters).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let auditor = format!("Bearer {}", practice.token("system/AuditEvent.rs").await);
    (practice, token, auditor)
}

#[tokio::test]
async fn a_create_that_is_cut_off_at_any_await_is_done_and_written_down_or_not_done_at_all() {
    let (practice, token, auditor) = practice().await;
    let free = practice.gateway.pipeline().limits.budget.free();
    let cuts = cut_everywhere(&practice, |polls| {
        let body = format!(r#"{{"resourceType":"Location","name":"Cut{polls}"}}"#);
        format!(
            "POST /fhir/r4/Location HTTP/1.1\r\nHost: gw\r\nAuthorization: {token}\r\nX-Request-Id: cut-{polls}\r\n\
             Content-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    })
    .await;
    assert!(cuts >= 2, "the body and the write are awaited: {cuts}");
    assert_eq!(practice.gateway.pipeline().limits.budget.free(), free, "nothing is held");
    let outcomes = outcomes(&practice, &auditor, "create").await;
    let mut done = 0;
    for polls in 1..=cuts + 1 {
        let query = format!("/Location?name:exact=Cut{polls}");
        let found = practice.ask(Method::GET, &query, &[("authorization", &token)], Bytes::new()).await;
        let found = found.json()["total"].as_u64().unwrap();
        let written = outcomes.get(&format!("cut-{polls}")).cloned().unwrap_or_default();
        assert_eq!(written, vec!["0"; usize::try_from(found).unwrap()], "{polls}");
        assert!(found <= 1, "{polls}");
        done += found;
    }
    assert!(done >= 2, "a write that has begun goes on: {done} of {cuts}");
}

#[tokio::test]
async fn a_read_that_is_cut_off_at_any_await_is_written_down_from_where_it_was_permitted() {
    let (practice, token, auditor) = practice().await;
    let cuts = cut_everywhere(&practice, |polls| {
        format!(
            "GET /fhir/r4/Patient/a HTTP/1.1\r\nHost: gw\r\nAuthorization: {token}\r\nX-Request-Id: cut-{polls}\r\n\r\n"
        )
    })
    .await;
    assert!(cuts >= 5, "the back end awaits five times: {cuts}");
    let outcomes = outcomes(&practice, &auditor, "read").await;
    for polls in 1..=cuts + 1 {
        let written = outcomes.get(&format!("cut-{polls}")).map(|all| all.join(",")).unwrap_or_default();
        let expected = if polls > cuts { "0" } else { "8" };
        assert_eq!(written, expected, "{polls} of {cuts}");
    }
}
