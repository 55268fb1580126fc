//! Clients that take too much: connections, headers, time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::wire::{exchange, status};
use crate::support::{eventually, patient};

const STORE: &str = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n";

#[tokio::test]
async fn a_thousand_idle_connections_cost_little_and_nobody_waits_for_them() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let before = gateway.process.resident();
    let idle: Vec<_> = (0..1000).map(|_| TcpStream::connect(("127.0.0.1", gateway.port)).unwrap()).collect();
    let began = Instant::now();
    http.get("/Patient/none").await.expect(404);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let each = gateway.process.resident().saturating_sub(before) / 1000;
    assert!(each < 64, "{each} KiB a connection");
    drop(idle);
    http.get("/Patient/none").await.expect(404);
}

#[test]
fn a_client_that_sends_its_header_or_body_too_slowly_is_cut_off() {
    let site = Site::with(&format!("{STORE}\n[limits]\nheader-time = \"1s\"\nbody-rate = \"1KiB\"\ntotal = \"5s\"\n"));
    let gateway = site.serve();
    for start in [
        "GET /fhir/r4/metadata HTTP/1.1\r\nhost: x\r\nx-slow: ",
        "POST /fhir/r4/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\ncontent-type: application/fhir+json\r\ncontent-length: 100000\r\n\r\n{",
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        let began = Instant::now();
        eventually("the slow client cut off", || {
            let _ = stream.write_all(b"a");
            std::thread::sleep(Duration::from_millis(200));
            stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
            // An answer (401, 408) or the end of the connection.
            !matches!(stream.read(&mut [0; 512]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
        });
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn headers_that_are_too_many_or_too_long_are_431_and_a_long_target_is_refused() {
    let site = Site::on_store();
    let gateway = site.serve();
    let many: String = (0..500).map(|number| format!("x-{number}: y\r\n")).collect();
    for (request, statuses) in [
        (format!("GET /fhir/r4/metadata HTTP/1.1\r\nhost: x\r\n{many}\r\n"), [431, 400, 0]),
        (format!("GET /fhir/r4/metadata HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(200_000)), [431, 400, 0]),
        (format!("GET /fhir/r4/Patient?name={} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(200_000)), [414, 431, 0]),
    ] {
        let answer = exchange(gateway.port, request.as_bytes());
        assert!(statuses.contains(&status(&answer)), "{}", &answer[..answer.len().min(200)]);
    }
}

#[tokio::test]
async fn an_http2_client_that_reads_nothing_holds_up_nobody_else() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    for number in 0..200 {
        http.post("/Patient", patient(&format!("Window{number:03}"))).await.expect(201);
    }
    let token = http.token.clone().unwrap();
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", gateway.port)).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(socket);
    // A window of one byte: the server may send a byte of each answer and no more.
    let mut builder = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
    builder.initial_stream_window_size(1).initial_connection_window_size(65_535);
    let (mut sender, connection) = builder.handshake::<_, http_body_util::Empty<bytes::Bytes>>(io).await.unwrap();
    tokio::spawn(connection);
    let mut held = Vec::new();
    for _ in 0..50 {
        let request = http::Request::get(format!("{}/Patient?_count=200", gateway.base))
            .header("authorization", format!("Bearer {token}"))
            .body(http_body_util::Empty::new())
            .unwrap();
        sender.ready().await.unwrap();
        held.push(tokio::time::timeout(Duration::from_secs(20), sender.send_request(request)).await.unwrap().unwrap());
    }
    let began = Instant::now();
    http.get("/Patient?_count=200").await.expect(200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(gateway.process.resident() < 300 * 1024, "{} KiB", gateway.process.resident());
}

#[tokio::test]
async fn bodies_in_flight_have_a_budget_of_their_own() {
    let site = Site::with(&format!("{STORE}\n[limits]\nbodies-in-flight = \"3MiB\"\n"));
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let token = http.token.clone().unwrap();
    // Each announces 2 MiB and holds back the last byte.
    let head = format!(
        "POST /fhir/r4/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/fhir+json\r\ncontent-length: 2000000\r\n\r\n"
    );
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(&vec![b' '; 1_999_000]);
        held.push(stream);
    }
    let mut refused = 0;
    for stream in &mut held {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut answer = [0; 64];
        if matches!(stream.read(&mut answer), Ok(count) if String::from_utf8_lossy(&answer[..count]).contains(" 503 "))
        {
            refused += 1;
        }
    }
    assert!(refused >= 1, "three bodies of 2 MB fit into no 3 MiB");
    drop(held);
    http.post("/Patient", patient("Afterwards")).await.expect(201);
}
