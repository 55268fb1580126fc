use std::sync::Arc;

use adapter::{Adapter as _, ErrorKind, Health};
use serde_json::json;
use tokio::net::UnixListener;

use crate::raw::{Act, Seen, response, talk};
use crate::support::{adapter, failure, read};

#[tokio::test]
async fn a_process_on_a_unix_socket_is_spoken_to_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("billing.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let script = Arc::new(|_: usize, request: &str| {
        let body =
            if request.starts_with("GET /health ") { r#"{"status":"up"}"# } else { r#"{"error":{"kind":"gone"}}"# };
        Act::Answer(response(200, "content-type: application/json\r\n", body))
    });
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(talk(connection, Arc::clone(&script), Arc::new(Seen::default())));
        }
    });
    let adapter = adapter(json!({ "socket": path })).await;
    assert_eq!(adapter.health().await, Health::Up);
    assert_eq!(failure(&*adapter, read("1")).await.kind, ErrorKind::Gone);
}
