//! Bytes on a socket: what no HTTP client would send, and back ends that misbehave.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Sends bytes as they are and returns everything that comes back until the other side closes or is silent.
pub(crate) fn exchange(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    // A server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(_) => break,
        }
        if is_whole(&answer) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether a response with a length is there in full: a kept-alive connection says nothing more.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

/// The status of a raw HTTP/1.1 answer; 0 when the connection was closed without one.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A back end that answers `/metadata` properly and everything else as it is told; counts what it was asked.
pub(crate) struct Rogue {
    pub(crate) port: u16,
    pub(crate) asked: Arc<AtomicUsize>,
}

/// What the rogue does with a connection after it read a request.
pub(crate) type Behaviour = dyn Fn(&mut TcpStream, &str) + Send + Sync;

impl Rogue {
    pub(crate) fn start(behaviour: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (behaviour, count): (Arc<Behaviour>, _) = (Arc::new(behaviour), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, count) = (Arc::clone(&behaviour), Arc::clone(&count));
                std::thread::spawn(move || serve(stream, &*behaviour, &count));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}/fhir", self.port)
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour, count: &AtomicUsize) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    while let Some(request) = read_request(&mut stream) {
        if request.contains("/metadata") {
            let _ = stream.write_all(reply(200, METADATA).as_bytes());
            continue;
        }
        count.fetch_add(1, Ordering::SeqCst);
        behaviour(&mut stream, &request);
        // Every behaviour ends its connection, so that none is taken for a sound one.
        return;
    }
}

/// Head and, as far as Content-Length says, body.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// A whole HTTP/1.1 response with a FHIR body.
pub(crate) fn reply(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/fhir+json\r\netag: W/\"1\"\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const METADATA: &str = r#"{"resourceType":"CapabilityStatement","status":"active","date":"2024-01-01","kind":"instance","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server","resource":[{"type":"Patient","interaction":[{"code":"read"},{"code":"create"},{"code":"update"},{"code":"search-type"}]}]}]}"#;
