//! Requests that two servers could read differently: each is refused, or read in the one way, and the connection that it
//! came on serves nobody else.

use crate::support::gateway::Site;
use crate::support::wire::{exchange, status};

#[test]
fn conflicting_lengths_and_broken_chunks_are_refused_and_no_second_request_is_seen() {
    let site = Site::on_store();
    let gateway = site.serve();
    let host = format!("host: 127.0.0.1:{}", gateway.port);
    let inner = format!("GET /fhir/r4/metadata HTTP/1.1\r\n{host}\r\n\r\n");
    let start = format!("POST /fhir/r4/Patient HTTP/1.1\r\n{host}\r\ncontent-type: application/fhir+json\r\n");
    for (name, request) in [
        ("two lengths", format!("{start}content-length: 5\r\ncontent-length: 0\r\n\r\n{inner}")),
        ("a list of lengths", format!("{start}content-length: 5, 0\r\n\r\n{inner}")),
        ("a signed length", format!("{start}content-length: +5\r\n\r\n{inner}")),
        (
            "length and chunks",
            format!("{start}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        ),
        ("an unknown coding", format!("{start}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{inner}")),
        ("chunked is not last", format!("{start}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}")),
        ("a bad chunk size", format!("{start}transfer-encoding: chunked\r\n\r\nxyz\r\n{inner}")),
        ("a chunk that is too long", format!("{start}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{inner}")),
        ("a bare line feed in a chunk", format!("{start}transfer-encoding: chunked\r\n\r\n0\n\n{inner}")),
        ("a space before the colon", format!("{start}content-length : 5\r\n\r\n{inner}")),
        ("a folded field", format!("{start}x: a\r\n b\r\ncontent-length: 0\r\n\r\n")),
        ("a NUL in a field", format!("{start}x: a\0b\r\ncontent-length: 0\r\n\r\n")),
    ] {
        let answer = exchange(gateway.port, request.as_bytes());
        assert!(!answer.contains("CapabilityStatement"), "{name}: the second request was answered\n{answer}");
        assert!(matches!(status(&answer), 0 | 400 | 401 | 411 | 413 | 501), "{name}: {answer}");
    }
    for (name, request) in [
        ("no host", "GET /fhir/r4/metadata HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", format!("GET /fhir/r4/metadata HTTP/1.1\r\n{host}\r\nhost: other\r\n\r\n")),
        ("a line that is no request", "NONSENSE\r\n\r\n".to_owned()),
        ("another protocol", format!("GET /fhir/r4/metadata HTTP/3.0\r\n{host}\r\n\r\n")),
        ("a tunnel", format!("CONNECT example.org:443 HTTP/1.1\r\n{host}\r\n\r\n")),
    ] {
        let answer = exchange(gateway.port, request.as_bytes());
        assert!(matches!(status(&answer), 0 | 400 | 404 | 405 | 421 | 505), "{name}: {answer}");
    }
    let sound = exchange(gateway.port, inner.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n").as_bytes());
    assert_eq!(status(&sound), 200, "the gateway serves on");
}
