//! A disk that is full, and one that fails.

use std::path::PathBuf;
use std::process::Command;

use adapter::setting::Size;
use adapter::{Adapter as _, ErrorKind, Health};
use fhir::ResourceType;
use store::{Settings, Store};

use crate::support::{create, host, id, open_in, read};

/// Large, with nothing to index.
fn large_patient() -> String {
    format!(r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"<div>{}</div>"}}}}"#, "x".repeat(20_000))
}

#[tokio::test]
async fn when_the_disk_is_full_writes_are_refused_reads_go_on_and_room_heals_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_size: Some(Size::from_mib(1)), ..Settings::default() };
    let store = Store::open(&settings, &host(folder.path())).unwrap();
    let mut written = Vec::new();
    let error = loop {
        match create(&store, &large_patient()).await {
            Ok(reply) => written.push(id(&reply)),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, ErrorKind::Storage, "{error:?}");
    assert!(written.len() > 10);
    assert!(matches!(store.health().await, Health::Degraded(_)));
    assert_eq!(create(&store, &large_patient()).await.unwrap_err().kind, ErrorKind::Storage);
    for id in &written {
        read(&store, ResourceType::PATIENT, id).await.unwrap();
    }
    drop(store);
    let store = open_in(folder.path());
    create(&store, &large_patient()).await.unwrap();
    assert_eq!(store.health().await, Health::Up);
    for id in &written {
        read(&store, ResourceType::PATIENT, id).await.unwrap();
    }
}

/// Names the folder of the store to the child process.
const FOLDER: &str = "FRONTDESK_STORE_TEST_LIMITED";

#[tokio::test]
async fn after_a_failed_write_the_store_stops_writing_says_so_and_goes_on_reading() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    // Writing beyond the limit fails with EFBIG, which SQLite takes for a broken disk.
    let script = r#"trap '' XFSZ; ulimit -f 4096; exec "$0" --exact disk::child_with_a_limited_disk --nocapture"#;
    let status = Command::new("sh").args(["-c", script]).arg(own).env(FOLDER, folder.path()).status().unwrap();
    assert!(status.success(), "the child's own assertions failed");
    let store = open_in(folder.path());
    create(&store, &large_patient()).await.unwrap();
}

/// Does nothing unless the test above started it.
#[tokio::test]
async fn child_with_a_limited_disk() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let store = open_in(&folder);
    let mut written = Vec::new();
    let error = loop {
        match create(&store, &large_patient()).await {
            Ok(reply) => written.push(id(&reply)),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(matches!(store.health().await, Health::Down(_)));
    assert_eq!(create(&store, &large_patient()).await.unwrap_err().kind, ErrorKind::Storage);
    for id in &written {
        read(&store, ResourceType::PATIENT, id).await.unwrap();
    }
}
