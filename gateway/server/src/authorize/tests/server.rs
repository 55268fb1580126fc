//! A small HTTP server on loopback that counts what it is asked.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// What it answers: status, Cache-Control, body; and after how long.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) cache: &'static str,
    pub(super) body: String,
    pub(super) delay: Duration,
}

/// Answers by path; counts each request; keeps the last form.
pub(super) struct Server {
    pub(super) root: String,
    answers: Arc<Mutex<Vec<(String, Answer)>>>,
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<(String, String)>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let root = format!("http://{}", listener.local_addr().expect("an address"));
        let (answers, asked, last) = (Arc::default(), Arc::default(), Arc::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&answers), Arc::clone(&asked), Arc::clone(&last)));
        Self { root, answers, asked, last, task }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.root)).expect("a URL")
    }

    pub(super) fn answer(&self, path: &str, cache: &'static str, body: String) {
        self.answer_with(path, Answer { status: 200, cache, body, delay: Duration::ZERO });
    }

    pub(super) fn answer_with(&self, path: &str, answer: Answer) {
        let mut answers = self.answers.lock();
        answers.retain(|(known, _)| known != path);
        answers.push((path.to_owned(), answer));
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Authorization and body of the last request.
    pub(super) fn last(&self) -> (String, String) {
        self.last.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Answers = Arc<Mutex<Vec<(String, Answer)>>>;

async fn serve(listener: TcpListener, answers: Answers, asked: Arc<AtomicUsize>, last: Arc<Mutex<(String, String)>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answers, asked, last) = (Arc::clone(&answers), Arc::clone(&asked), Arc::clone(&last));
        let service = service_fn(move |request: Request<Incoming>| {
            asked.fetch_add(1, Ordering::SeqCst);
            let answer =
                answers.lock().iter().find(|(path, _)| path == request.uri().path()).map(|(_, answer)| answer.clone());
            let last = Arc::clone(&last);
            async move {
                let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
                let authorization = authorization.unwrap_or_default().to_owned();
                let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                *last.lock() = (authorization, String::from_utf8_lossy(&body).into_owned());
                Ok::<_, Infallible>(respond(answer).await)
            }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(answer: Option<Answer>) -> Response<Full<Bytes>> {
    let Some(answer) = answer else {
        return Response::builder().status(404).body(Full::default()).expect("a response");
    };
    tokio::time::sleep(answer.delay).await;
    let response = Response::builder().status(answer.status).header("location", "/elsewhere");
    let response = if answer.cache.is_empty() { response } else { response.header("cache-control", answer.cache) };
    response.body(Full::from(answer.body)).expect("a response")
}
