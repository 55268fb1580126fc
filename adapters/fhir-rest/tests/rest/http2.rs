use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;

use crate::raw::PATIENT;
use crate::support::{adapter, perform, read};

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.version(), Version::HTTP_2);
    assert!(!request.headers().contains_key("host"));
    let response = Response::builder().header("content-type", "application/fhir+json");
    Ok(response.body(Full::new(Bytes::from_static(PATIENT.as_bytes()))).unwrap())
}

#[tokio::test]
async fn many_calls_share_one_connection_of_http_2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(connection), service_fn(answer)));
        }
    });
    let adapter = adapter(&base, json!({ "http2-prior-knowledge": true })).await;
    let calls = (0..50).map(|_| perform(&*adapter, read("1")));
    for result in futures_util::future::join_all(calls).await {
        assert_eq!(result.unwrap(), PATIENT.as_bytes());
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
