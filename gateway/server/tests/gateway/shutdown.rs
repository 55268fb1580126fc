//! The good end: requests under way are answered, idle connections are closed.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Practice, heard};

#[tokio::test]
async fn a_request_under_way_is_answered_and_idle_connections_are_closed() {
    let practice = Practice::open().await;
    let address = practice.gateway.address();
    let head = practice.head_of_create(2).await + "{";
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let shutdown = tokio::spawn(practice.gateway.shutdown());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heard(&mut idle, Duration::from_secs(1)).await, "");
    busy.write_all(b"}").await.unwrap();
    let answer = heard(&mut busy, Duration::from_secs(2)).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(shutdown.await.unwrap());
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_takes_longer_than_the_shutdown_time_is_cut_off() {
    let practice = Practice::with("shutdown-time = \"1s\"\n--").await;
    let mut busy = TcpStream::connect(practice.gateway.address()).await.unwrap();
    let head = practice.head_of_create(9).await + "{";
    busy.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert!(!practice.gateway.shutdown().await);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(heard(&mut busy, Duration::from_secs(1)).await, "");
}
