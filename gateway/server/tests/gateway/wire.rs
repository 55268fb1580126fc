//! Bytes on the wire: what is no sound HTTP, what is too large, too slow or too much.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Practice, heard, raw};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

#[tokio::test]
async fn requests_shaped_for_smuggling_are_refused() {
    let practice = Practice::open().await;
    let address = practice.gateway.address();
    let head = "POST /fhir/r4/Patient HTTP/1.1\r\nHost: gw\r\nContent-Type: application/fhir+json\r\n";
    for (name, request) in [
        ("two lengths", format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}   ")),
        ("a signed length", format!("{head}Content-Length: +2\r\n\r\n{{}}")),
        ("a length in hex", format!("{head}Content-Length: 0x2\r\n\r\n{{}}")),
        ("a chunk size that is none", format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n")),
        (
            "a huge chunk size",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n{{}}\r\n0\r\n\r\n"),
        ),
        ("an unknown transfer encoding", format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")),
        ("chunked twice", format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")),
        ("a blank before the colon", "GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\nA : b\r\n\r\n".to_owned()),
        ("a folded field", "GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\nA: b\r\n c\r\n\r\n".to_owned()),
        ("a bare CR in a field", "GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\nA: b\rc\r\n\r\n".to_owned()),
        ("no host", "GET /fhir/r4/metadata HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", "GET /fhir/r4/metadata HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned()),
    ] {
        // A second request right behind: it must never be answered as if it were one.
        let bytes = format!("{request}GET /smuggled HTTP/1.1\r\nHost: gw\r\n\r\n");
        let answer = raw(address, bytes.as_bytes()).await;
        let first = status(&answer);
        assert!(matches!(first, "400" | "401" | "closed" | "501"), "{name}: {answer}");
        if first != "400" || name.contains("host") {
            continue;
        }
        assert!(!answer.contains("404 Not Found"), "{name}: the second request was answered: {answer}");
    }
}

#[tokio::test]
async fn a_field_that_decides_something_may_stand_once_only() {
    let practice = Practice::open().await;
    let token = practice.token("system/*.cruds").await;
    let body = r#"{"resourceType":"Patient","id":"p","active":true}"#;
    for twice in ["Authorization: Bearer x", "Content-Type: text/plain", "If-Match: W/\"1\"\r\nIf-Match: W/\"2\""] {
        let request = format!(
            "PUT /fhir/r4/Patient/p HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/fhir+json\r\n{twice}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = raw(practice.gateway.address(), request.as_bytes()).await;
        assert_eq!(status(&answer), "400", "{twice}: {answer}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_count_and_ends_the_connection() {
    let practice = Practice::open().await;
    let request = "POST /fhir/r4/Patient HTTP/1.1\r\nHost: gw\r\nContent-Type: application/fhir+json\r\n\
                   Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let answer = raw(practice.gateway.address(), request.as_bytes()).await;
    assert!(matches!(status(&answer), "400" | "401"), "{answer}");
}

#[tokio::test]
async fn large_heads_and_many_fields_are_refused() {
    let practice = Practice::with("[limits]\nheader-size = \"8KiB\"\nheaders = 20").await;
    let address = practice.gateway.address();
    let large = format!("GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\nA: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(status(&raw(address, large.as_bytes()).await), "431");
    let many: String = (0..40).map(|at| format!("A{at}: b\r\n")).collect();
    let many = format!("GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\n{many}\r\n");
    assert_eq!(status(&raw(address, many.as_bytes()).await), "431");
    let long = format!("GET /fhir/r4/Patient?name={} HTTP/1.1\r\nHost: gw\r\n\r\n", "a".repeat(20_000));
    assert!(matches!(status(&raw(address, long.as_bytes()).await), "414" | "431"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_also_when_it_is_announced_only() {
    let practice = Practice::with("[limits]\nbody = \"64KiB\"").await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let large = practice.ask(Method::POST, "/Patient", &fields, vec![b' '; 80_000]).await;
    assert_eq!((large.status.as_u16(), large.issue().as_str()), (413, "too-long"));
    let announced = practice.head_of_create(99_999_999).await;
    assert_eq!(status(&raw(practice.gateway.address(), announced.as_bytes()).await), "413");
}

#[tokio::test]
async fn the_body_of_a_stranger_is_not_waited_for() {
    let practice = Practice::open().await;
    let announced = "POST /fhir/r4/Patient HTTP/1.1\r\nHost: gw\r\nContent-Type: application/fhir+json\r\n\
                     Content-Length: 1000000\r\n\r\n";
    let mut stream = TcpStream::connect(practice.gateway.address()).await.unwrap();
    stream.write_all(announced.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(1), stream.read_exact(&mut answer)).await;
    assert!(read.is_ok_and(|read| read.is_ok()) && answer == *b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let practice = Practice::open().await;
    let fields = [("content-type", "application/fhir+json")];
    for _ in 0..20 {
        let refused = practice.ask(Method::POST, "/Patient", &fields, vec![b' '; 1_000_000]).await;
        assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (401, "login"));
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_refused_without_being_asked_for_its_body() {
    let practice = Practice::open().await;
    let announced = "POST /fhir/r4/Patient HTTP/1.1\r\nHost: gw\r\nContent-Type: application/fhir+json\r\n\
                     Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    let began = Instant::now();
    let answer = raw(practice.gateway.address(), announced.as_bytes()).await;
    assert_eq!(status(&answer), "401");
    assert!(!answer.contains("100 Continue"), "nothing was asked for: {answer}");
    assert!(began.elapsed() < Duration::from_secs(1), "what will not come is not waited for");
}

#[tokio::test]
async fn a_client_that_waits_for_100_and_may_write_is_told_to_go_on() {
    let practice = Practice::open().await;
    let body = r#"{"resourceType":"Patient","active":true}"#;
    let head = practice.head_of_create(body.len()).await.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut stream = TcpStream::connect(practice.gateway.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(status(&heard(&mut stream, Duration::from_secs(1)).await), "201");
}

#[tokio::test]
async fn slow_clients_are_cut_off_and_others_are_not() {
    let practice = Practice::with("[limits]\nheader-time = \"500ms\"\nidle = \"1s\"\ntotal = \"3s\"").await;
    let address = practice.gateway.address();
    let began = Instant::now();
    let mut head = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    for _ in 0..30 {
        if head.write_all(b"GET / HTTP/1.1\r\nA: b\r\n".get(..1).unwrap()).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(heard(&mut head, Duration::from_secs(2)).await, "");
    assert_eq!(heard(&mut idle, Duration::from_secs(3)).await, "");
    assert!(began.elapsed() < Duration::from_secs(4), "both were closed: {:?}", began.elapsed());
    assert_eq!(practice.get("/metadata").await.status, 200);
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let practice = Practice::with("[limits]\nconnections-per-address = 3").await;
    let address = practice.gateway.address();
    let request = b"GET /fhir/r4/metadata HTTP/1.1\r\nHost: gw\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        assert_eq!(status(&heard(&mut stream, Duration::from_millis(300)).await), "200");
        held.push(stream);
    }
    let mut refused = TcpStream::connect(address).await.unwrap();
    let _ = refused.write_all(request).await;
    assert_eq!(heard(&mut refused, Duration::from_secs(1)).await, "");
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(practice.get("/metadata").await.status, 200);
}

#[tokio::test]
async fn http2_is_spoken_to_who_begins_with_it_and_its_streams_are_bounded() {
    let practice = Practice::with("[limits]\nstreams = 8").await;
    let stream = TcpStream::connect(practice.gateway.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("{}/metadata", practice.gateway.base());
    let mut answers = Vec::new();
    // The first answer comes behind the server's SETTINGS.
    let first = Request::builder().uri(&uri).body(Full::new(Bytes::new())).unwrap();
    sender.send_request(first).await.unwrap();
    for _ in 0..50 {
        sender.ready().await.unwrap();
        let request = Request::builder().uri(&uri).body(Full::new(Bytes::new())).unwrap();
        answers.push(tokio::spawn(sender.send_request(request)));
    }
    for answer in answers {
        let response = answer.await.unwrap().unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
        assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
    let huge = Request::builder().uri(&uri).header("a", "a".repeat(100_000)).body(Full::new(Bytes::new())).unwrap();
    let refused = sender.send_request(huge).await;
    assert!(refused.is_err() || refused.is_ok_and(|response| response.status() == 431));
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let practice = Practice::with("[limits]\nresets = 10").await;
    let mut stream = TcpStream::connect(practice.gateway.address()).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for stream_id in (1_u32..2_000).step_by(2) {
        // HEADERS with END_STREAM and END_HEADERS: GET, http, `/`, an authority; and at once RST_STREAM (CANCEL).
        let block = [0x82, 0x86, 0x84, 0x41, 2, b'g', b'w'];
        bytes.extend_from_slice(&[0, 0, 7, 1, 5]);
        bytes.extend_from_slice(&stream_id.to_be_bytes());
        bytes.extend_from_slice(&block);
        bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
        bytes.extend_from_slice(&stream_id.to_be_bytes());
        bytes.extend_from_slice(&8_u32.to_be_bytes());
    }
    let _ = stream.write_all(&bytes).await;
    let began = Instant::now();
    let _ = heard(&mut stream, Duration::from_secs(5)).await;
    assert!(began.elapsed() < Duration::from_secs(4), "the connection was closed");
    assert_eq!(practice.get("/metadata").await.status, 200);
}

#[tokio::test]
async fn the_budget_of_all_bodies_refuses_with_503_and_recovers() {
    let practice = Practice::with("[limits]\nbody = \"100KiB\"\nbodies-in-flight = \"100KiB\"\ntotal = \"5s\"").await;
    let address = practice.gateway.address();
    let announce = practice.head_of_create(95_000).await;
    let mut hog = TcpStream::connect(address).await.unwrap();
    hog.write_all(announce.as_bytes()).await.unwrap();
    hog.write_all(&vec![b' '; 90_000]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let refused = practice.ask(Method::POST, "/Patient", &fields, vec![b' '; 20_000]).await;
    assert_eq!((refused.status.as_u16(), refused.field("retry-after")), (503, "1"));
    drop(hog);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let patient = r#"{"resourceType":"Patient","active":true}"#;
    assert_eq!(practice.ask(Method::POST, "/Patient", &fields, patient).await.status, 201);
}
