//! Backups, and databases that are not ours to open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fhir::{ResourceType, Version};
use store::{BackupError, OpenError, Settings, Store};

use crate::support::{bytes, create, file as fresh, host, id, open_in, read};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_others_write_holds_all_that_was_acknowledged_before() {
    let (folder, store) = fresh();
    let store = Arc::new(store);
    let mut written = BTreeMap::new();
    for _ in 0..50 {
        let reply = create(&store, r#"{"resourceType":"Patient","active":true}"#).await.unwrap();
        written.insert(id(&reply), bytes(&reply).to_vec());
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, is_done) = (Arc::clone(&store), Arc::clone(&is_done));
        async move {
            while !is_done.load(Ordering::Relaxed) {
                create(&store, r#"{"resourceType":"Patient","active":false}"#).await.unwrap();
            }
        }
    });
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let (from, to) = (folder.path().join("store.sqlite"), copy.join("store.sqlite"));
    let again = (from.clone(), to.clone());
    tokio::task::spawn_blocking(move || store::backup(&from, &to)).await.unwrap().unwrap();
    is_done.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(matches!(store::backup(&again.0, &again.1), Err(BackupError::Exists)), "nothing is overwritten");
    let restored = open_in(&copy);
    for (id, body) in written {
        assert_eq!(bytes(&read(&restored, ResourceType::PATIENT, &id).await.unwrap()), body);
    }
    create(&restored, r#"{"resourceType":"Patient"}"#).await.unwrap();
}

#[tokio::test]
async fn a_store_of_one_fhir_release_does_not_open_as_another() {
    let (folder, store) = fresh();
    drop(store);
    let settings = Settings { fhir_version: Version::R5, ..Settings::default() };
    let error = Store::open(&settings, &host(folder.path())).err().unwrap();
    assert!(matches!(error, OpenError::Release { .. }), "{error}");
}
