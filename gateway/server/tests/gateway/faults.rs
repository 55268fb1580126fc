//! A back end that panics, hangs or fails, and clients that go away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::Practice;

/// Does what the id asks for.
#[derive(Default)]
struct Awkward {
    begun: AtomicUsize,
    done: AtomicUsize,
}

#[async_trait::async_trait]
impl Adapter for Awkward {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let interactions = [InteractionCode::Read, InteractionCode::Create, InteractionCode::Update].into();
        let update_create = true;
        let patient = ResourceCapability { interactions, update_create, ..ResourceCapability::default() };
        capability.resources.insert(ResourceType::PATIENT, patient);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match call.interaction.id().map(fhir::Id::as_str) {
            Some("panics") => panic!("of Everywoman"),
            Some("down") => return Err(Error::new(ErrorKind::Unreachable, "the back end cannot be reached")),
            Some("slow") => tokio::time::sleep(Duration::from_millis(400)).await,
            _ => {}
        }
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(Reply::new(Status::Ok).with_body(r#"{"resourceType":"Patient","id":"a"}"#))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

/// One for another module.
pub(crate) fn awkward() -> Arc<dyn Adapter> {
    Arc::new(Awkward::default())
}

async fn practice() -> (Practice, Arc<Awkward>) {
    let awkward = Arc::new(Awkward::default());
    let adapters: BTreeMap<String, Arc<dyn Adapter>> =
        [("awkward".to_owned(), awkward.clone() as Arc<dyn Adapter>)].into();
    (Practice::around("", adapters).await, awkward)
}

#[tokio::test]
async fn a_panic_ends_its_request_only_and_says_nothing() {
    let (practice, _) = practice().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str())];
    for _ in 0..3 {
        let answer = practice.ask(Method::GET, "/Patient/panics", &fields, "").await;
        assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (500, "exception"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("Everywoman"));
    }
    assert_eq!(practice.ask(Method::GET, "/Patient/a", &fields, "").await.status, 200);
}

#[tokio::test]
async fn a_back_end_that_is_down_is_503_and_metadata_still_answers() {
    let (practice, _) = practice().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str())];
    let answer = practice.ask(Method::GET, "/Patient/down", &fields, "").await;
    assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (503, "transient"));
    assert_eq!(practice.get("/metadata").await.status, 200);
}

#[tokio::test]
async fn when_the_audit_log_cannot_be_written_nothing_is_done() {
    let (practice, awkward) = practice().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str())];
    // A file where its folder was: no segment can be made.
    std::fs::rename(practice.data().join("audit"), practice.data().join("gone")).unwrap();
    std::fs::write(practice.data().join("audit"), "").unwrap();
    practice.ask(Method::GET, "/Patient/a", &fields, "").await;
    while matches!(practice.gateway.pipeline().audit.health(), Health::Up) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = awkward.begun.load(Ordering::SeqCst);
    let refused = practice.ask(Method::GET, "/Patient/a", &fields, "").await;
    assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (503, "no-store"));
    assert_eq!(refused.field("retry-after"), "5");
    assert_eq!(awkward.begun.load(Ordering::SeqCst), begun, "the back end is not asked");
}

#[tokio::test]
async fn a_write_goes_on_when_its_client_disconnects_and_is_written_down() {
    let (practice, awkward) = practice().await;
    let token = practice.token("system/*.cruds").await;
    let body = r#"{"resourceType":"Patient","id":"slow"}"#;
    let request = format!(
        "PUT /fhir/r4/Patient/slow HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = TcpStream::connect(practice.gateway.address()).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    while awkward.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(awkward.done.load(Ordering::SeqCst), 1);
    let audit = practice.gateway.pipeline().audit.clone();
    tokio::task::spawn_blocking(move || audit.flush(Duration::from_secs(2))).await.unwrap().unwrap();
    assert_eq!(practice.gateway.pipeline().audit.size().1, 1, "one AuditEvent");
}

#[tokio::test]
async fn clients_that_go_away_at_any_byte_hold_nothing() {
    let (practice, _) = practice().await;
    let token = practice.token("system/*.cruds").await;
    let body = r#"{"resourceType":"Patient","id":"a"}"#;
    let request = format!(
        "PUT /fhir/r4/Patient/a HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let before = practice.gateway.pipeline().limits.budget.free();
    for length in (1..=request.len()).step_by(23).chain([request.len() - 1, request.len()]) {
        let mut client = TcpStream::connect(practice.gateway.address()).await.unwrap();
        client.write_all(&request.as_bytes()[..length]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(practice.gateway.pipeline().limits.budget.free(), before);
    let fields = [("authorization", format!("Bearer {token}"))];
    let fields = [(fields[0].0, fields[0].1.as_str())];
    assert_eq!(practice.ask(Method::GET, "/Patient/a", &fields, "").await.status, 200);
    assert!(practice.gateway.shutdown().await, "nothing is left that has to be cut off");
}

#[tokio::test]
async fn the_admin_port_says_how_everything_is_without_patient_data() {
    let (practice, _) = practice().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    practice.ask(Method::GET, "/Patient/a", &[("authorization", token.as_str())], "").await;
    let admin = format!("http://{}", practice.gateway.admin_address());
    let ready = practice.get(&format!("{admin}/ready")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &serde_json::json!("ready")));
    assert_eq!(ready.json()["adapters"]["awkward"]["status"], "up");
    assert_eq!(practice.get(&format!("{admin}/health")).await.status, 200);
    let metrics = String::from_utf8(practice.get(&format!("{admin}/metrics")).await.body.to_vec()).unwrap();
    let line = r#"frontdesk_requests_total{route="awkward",interaction="read",status="200"}"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("frontdesk_stage_duration_seconds_bucket{stage=\"authorize\""));
    assert!(!metrics.contains("Patient/a"));
    assert_eq!(practice.get(&format!("{admin}/nothing")).await.status, 404);
}
