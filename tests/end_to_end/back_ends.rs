//! `fhir-rest` before real and broken back ends.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::wire::{Rogue, reply};
use crate::support::{Gateway, eventually, free_port, patient, peers};

/// A Frontdesk on the embedded store, and another before it, which authenticates by SMART Backend Services.
pub(crate) fn two_frontdesks() -> ((Site, Gateway), (Site, Gateway)) {
    let back = Site::on_store();
    let key = back.client("front", EVERYTHING, &["--alg", "ES384"]);
    let back_gateway = back.serve();
    let key_id = back.key_id("front");
    let smart = format!(
        "smart = {{ client-id = \"front\", key = {{ file = \"{}\" }}, algorithm = \"ES384\", key-id = \"{key_id}\", scope = \"{EVERYTHING}\" }}",
        key.display()
    );
    let front = Site::before(&back.base(), &smart);
    let front_gateway = front.serve();
    ((back, back_gateway), (front, front_gateway))
}

#[tokio::test]
async fn urls_of_the_back_end_become_the_gateways_in_bodies_links_and_location() {
    let (back, front) = two_frontdesks();
    let http = front.1.http(&front.0, EVERYTHING);
    let created = http.post("/Patient", patient("Rewritten")).await.expect(201);
    assert!(created.header("location").starts_with(&front.1.base), "{created:?}");
    let id = created.created_id();
    for _ in 0..3 {
        http.post("/Patient", patient("Rewritten")).await.expect(201);
    }
    let bundle = http.get("/Patient?family=Rewritten&_count=2").await.expect(200);
    let text = String::from_utf8_lossy(&bundle.body).into_owned();
    assert!(text.contains(&format!("{}/Patient/{id}", front.1.base)) || text.contains(&front.1.base), "{text}");
    assert!(!text.contains(&back.1.base), "{text}");
    assert_eq!(http.all("/Patient?family=Rewritten&_count=2").await.len(), 4);
    let absolute = format!(
        r#"{{"resourceType":"Appointment","status":"proposed","participant":[{{"actor":{{"reference":"{}/Patient/{id}"}},"status":"accepted"}}]}}"#,
        front.1.base
    );
    let appointment = http.post("/Appointment", absolute).await.expect(201).created_id();
    let read = http.get(&format!("/Appointment/{appointment}")).await.expect(200).json();
    assert_eq!(read["participant"][0]["actor"]["reference"], format!("{}/Patient/{id}", front.1.base));
}

#[tokio::test]
async fn medplums_router_serves_create_read_search_and_delete_through_the_gateway() {
    let logs = tempfile::tempdir().unwrap();
    let (_medplum, base) = peers::medplum(logs.path());
    let site = Site::before(&base, "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let id = http.post("/Patient", patient("Medplumtest")).await.expect(201).created_id();
    assert_eq!(http.get(&format!("/Patient/{id}")).await.expect(200).json()["id"], id.as_str());
    let found = http.get("/Patient?family=Medplumtest").await.expect(200).json();
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
    // Medplum itself lets this in; the gateway's validation does not.
    http.post("/Patient", r#"{"resourceType":"Patient","gender":"xx"}"#).await.expect_issue(422, "code-invalid");
    let deleted = http.delete(&format!("/Patient/{id}")).await;
    assert!(deleted.status.is_success(), "{deleted:?}");
}

#[tokio::test]
async fn a_gateway_starts_and_says_503_while_its_back_end_is_down() {
    let base = format!("http://127.0.0.1:{}/fhir", free_port());
    let site = Site::before(&base, "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let answer = http.get("/Patient/1").await.expect_issue(503, "transient");
    assert!(!String::from_utf8_lossy(&answer.body).contains(&base), "the back end's address is nobody's business");
    gateway.admin().get("/health").await.expect(200);
    let ready = gateway.admin().get("/ready").await;
    assert_ne!(ready.json()["adapters"]["ehr"]["status"], "up", "{ready:?}");
}

/// A gateway before a rogue back end; what a read through it is answered.
async fn read_before(rogue: &Rogue, settings: &str) -> crate::support::Answer {
    let site = Site::before(&rogue.base(), settings);
    let gateway = site.serve();
    gateway.http(&site, EVERYTHING).get("/Patient/1").await
}

#[tokio::test]
async fn garbage_from_a_back_end_is_502_and_is_not_shown() {
    for garbage in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 27\r\n\r\n<html>secret-internal</html>"
            .to_owned(),
        "HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\ncontent-length: 27\r\n\r\n<html>secret-internal</html>"
            .to_owned(),
        "secret-internal is not HTTP\r\n\r\n".to_owned(),
        reply(200, r#"{"resourceType":"Slot","id":"secret-internal"}"#),
    ] {
        let text = garbage.clone();
        let rogue = Rogue::start(move |stream, _| drop(stream.write_all(text.as_bytes())));
        let answer = read_before(&rogue, "").await;
        assert_eq!(answer.status, 502, "{garbage}\n{answer:?}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret-internal"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_back_end_that_cuts_off_in_the_body_never_becomes_a_shorter_document() {
    for length in [200, 2 << 20] {
        let rogue = Rogue::start(move |stream, _| {
            let whole = reply(
                200,
                &format!(r#"{{"resourceType":"Patient","id":"1","name":[{{"family":"{}"}}]}}"#, "x".repeat(length)),
            );
            let _ = stream.write_all(&whole.as_bytes()[..whole.len() - 50]);
        });
        let site = Site::before(&rogue.base(), "");
        let gateway = site.serve();
        let http = gateway.http(&site, EVERYTHING);
        // Held, it is 502; streamed, the connection breaks.
        if let Ok(answer) = http.try_send(http::Method::GET, "/Patient/1", &[], "").await {
            assert_eq!(answer.status, 502, "{:?}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_slow_back_end_is_504_at_the_deadline() {
    let rogue = Rogue::start(|stream, _| {
        std::thread::sleep(Duration::from_secs(20));
        let _ = stream.write_all(b"too late");
    });
    let began = Instant::now();
    let answer = read_before(&rogue, "deadline = \"1s\"").await;
    answer.expect_issue(504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_create_that_may_have_happened_is_not_sent_again() {
    // The back end reads the request and closes without a word.
    let rogue = Rogue::start(|_, _| {});
    let site = Site::before(&rogue.base(), "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let answer = http.post("/Patient", patient("Once")).await;
    assert!(matches!(answer.status.as_u16(), 502 | 504), "{answer:?}");
    assert_eq!(rogue.asked(), 1);
    // A read is.
    http.get("/Patient/1").await.expect(502);
    assert!(rogue.asked() > 2, "{}", rogue.asked());
}

#[tokio::test]
async fn a_back_end_that_keeps_failing_is_left_alone_for_a_while_and_then_probed() {
    let rogue = Rogue::start(|stream, _| drop(stream.write_all(reply(503, "{}").as_bytes())));
    let settings =
        "retry = { attempts = 1 }\nbreaker = { failures = 50, calls = 5, window = \"10s\", open = \"1s\", probes = 1 }";
    let site = Site::before(&rogue.base(), settings);
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    for _ in 0..20 {
        http.get("/Patient/1").await.expect(503);
    }
    let asked = rogue.asked();
    assert!(asked < 15, "the breaker did not open: {asked} of 20 calls reached the back end");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    http.get("/Patient/1").await.expect(503);
    assert_eq!(rogue.asked(), asked + 1, "one probe was expected");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let target = Rogue::start(|stream, _| {
        drop(stream.write_all(reply(200, r#"{"resourceType":"Patient","id":"1"}"#).as_bytes()))
    });
    let elsewhere = target.base();
    let rogue = Rogue::start(move |stream, _| {
        let _ = stream.write_all(
            format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}/Patient/1\r\ncontent-length: 0\r\n\r\n").as_bytes(),
        );
    });
    assert_eq!(read_before(&rogue, "").await.status, 502);
    assert_eq!(target.asked(), 0);
}

#[tokio::test]
async fn the_clients_token_never_reaches_the_back_end() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let kept = seen.clone();
    let rogue = Rogue::start(move |stream, request| {
        kept.lock().unwrap().push_str(request);
        let _ = stream.write_all(reply(200, r#"{"resourceType":"Patient","id":"1"}"#).as_bytes());
    });
    let site = Site::before(&rogue.base(), "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let headers = [("x-request-id", "trace-me-7"), ("cookie", "a=b"), ("te", "trailers")];
    http.send(http::Method::GET, "/Patient/1", &headers, "").await.expect(200);
    let seen = seen.lock().unwrap().to_ascii_lowercase();
    assert!(seen.contains("trace-me-7"), "{seen}");
    for secret in ["authorization", "cookie", "\r\nte:"] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

#[tokio::test]
async fn bad_tls_is_a_failure_and_never_a_plain_connection() {
    // Speaks TLS with a certificate that nobody vouches for.
    let port = super::faults::tls::self_signed_server();
    let site = Site::before(&format!("https://127.0.0.1:{port}/fhir"), "");
    let gateway = site.serve();
    let answer = gateway.http(&site, EVERYTHING).get("/Patient/1").await;
    assert!(matches!(answer.status.as_u16(), 502 | 503), "{answer:?}");
    // Speaks no TLS at all.
    let rogue = Rogue::start(|stream, _| drop(stream.write_all(reply(200, "{}").as_bytes())));
    let site = Site::before(&format!("https://127.0.0.1:{}/fhir", rogue.port), "");
    let gateway = site.serve();
    let answer = gateway.http(&site, EVERYTHING).get("/Patient/1").await;
    assert!(matches!(answer.status.as_u16(), 502 | 503), "{answer:?}");
    eventually("no request in the clear", || rogue.asked() == 0);
}
