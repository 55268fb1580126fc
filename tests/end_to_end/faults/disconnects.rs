//! Clients that go away: at every point of a request, in the middle of a write.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::{eventually, patient};

#[tokio::test]
async fn a_client_that_leaves_at_any_moment_leaves_whole_resources_and_a_working_gateway() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let body = patient("Leaver");
    let token = http.token.clone().unwrap();
    let request = format!(
        "POST /fhir/r4/Patient HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {token}\r\ncontent-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.port,
        body.len()
    );
    let whole = request.len();
    let mut complete = 0;
    // Cut at points over the whole request, and then in shorter and shorter waits after it.
    for cut in (0..whole).step_by(whole / 40).chain(std::iter::repeat_n(whole, 60)) {
        let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
        stream.write_all(&request.as_bytes()[..cut]).unwrap();
        if cut == whole {
            std::thread::sleep(Duration::from_micros(complete * 100));
            complete += 1;
        }
        // A reset, not an orderly end.
        let _ = stream.shutdown(Shutdown::Both);
    }
    let mut stored = 0;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stored = http.get("/Patient?family=Leaver&_total=accurate").await.expect(200).json()["total"].as_u64().unwrap();
        if stored > 0 {
            break;
        }
    }
    assert!(stored <= complete, "{stored} stored of {complete} sent in full");
    for resource in http.all("/Patient?family=Leaver&_count=50").await {
        assert_eq!(resource["birthDate"], "1931-07-04");
    }
    http.post("/Patient", patient("Afterwards")).await.expect(201);
}

#[tokio::test]
async fn a_write_goes_on_to_its_end_when_its_client_is_gone() {
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = done.clone();
    let rogue = crate::support::wire::Rogue::start(move |stream, _| {
        std::thread::sleep(Duration::from_millis(800));
        let sent =
            stream.write_all(crate::support::wire::reply(201, r#"{"resourceType":"Patient","id":"1"}"#).as_bytes());
        // The gateway still listens: the write was not cancelled with its client.
        std::thread::sleep(Duration::from_millis(200));
        flag.store(sent.is_ok() && stream.write_all(b"x").is_ok(), std::sync::atomic::Ordering::SeqCst);
    });
    let site = Site::before(&rogue.base(), "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let body = patient("Gone");
    let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
    let head = format!(
        "POST /fhir/r4/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n{body}",
        http.token.clone().unwrap(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    eventually("the call at the back end", || rogue.asked() == 1);
    drop(stream);
    eventually("the call's end", || done.load(std::sync::atomic::Ordering::SeqCst));
    let auditor = gateway.http(&site, "system/AuditEvent.rs");
    let mut events = Vec::new();
    for _ in 0..50 {
        events = auditor.all("/AuditEvent?subtype=create").await;
        if !events.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(events.len(), 1, "the write is audited although nobody heard its answer");
}
