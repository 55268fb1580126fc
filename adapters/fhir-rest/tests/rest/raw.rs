//! A server by the byte: it answers each request by a script, or does not.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What is done with one request.
#[derive(Clone)]
pub enum Act {
    /// Answers, and takes the next request.
    Answer(Vec<u8>),
    /// Answers, and closes the connection.
    AnswerAndClose(Vec<u8>),
    /// Closes the connection without a byte.
    Close,
    /// Answers when it is too late.
    Hang,
}

/// The server: its base, and what it has seen.
pub struct Raw {
    pub base: String,
    pub seen: Arc<Seen>,
}

/// Requests and connections.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    pub requests: std::sync::Mutex<Vec<String>>,
}

impl Seen {
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Starts a server whose `script` is asked for each request, counted from 0, by its head and body.
pub async fn serve(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Raw {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    let seen = Arc::new(Seen::default());
    let (script, counted) = (Arc::new(script), Arc::clone(&seen));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(talk(connection, Arc::clone(&script), Arc::clone(&counted)));
        }
    });
    Raw { base, seen }
}

/// One connection of such a server, on any transport.
pub async fn talk<S, T>(mut connection: S, script: Arc<T>, seen: Arc<Seen>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: Fn(usize, &str) -> Act + ?Sized,
{
    while let Some(request) = receive(&mut connection).await {
        let number = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match script(number, &request) {
            Act::Answer(bytes) => {
                if connection.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::AnswerAndClose(bytes) => {
                connection.write_all(&bytes).await.ok();
                connection.shutdown().await.ok();
                return;
            }
            Act::Close => return,
            Act::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    }
}

async fn receive(connection: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned))
                .map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A response with that status, those fields (each ended by a line break) and that body.
pub fn response(status: u16, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len()).into_bytes()
}

/// A FHIR response.
pub fn fhir(status: u16, body: &str) -> Vec<u8> {
    response(status, "content-type: application/fhir+json\r\n", body)
}

/// The Patient that most scripts answer with.
pub const PATIENT: &str = r#"{"resourceType":"Patient","id":"1","meta":{"versionId":"3"}}"#;
