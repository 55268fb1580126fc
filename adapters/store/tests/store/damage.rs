//! Files that were damaged, or written by a release that indexed otherwise.

use adapter::ErrorKind;
use fhir::ResourceType;
use rusqlite::Connection;

use crate::support::{create, file as fresh, id, ids, open_in, read, search, update};

#[tokio::test]
async fn an_index_made_by_another_release_is_made_anew_when_the_file_is_opened() {
    let (folder, store) = fresh();
    let created = create(&store, r#"{"resourceType":"Patient","name":[{"family":"Zander"}]}"#).await.unwrap();
    drop(store);
    let file = Connection::open(folder.path().join("store.sqlite")).unwrap();
    file.execute_batch(
        "DELETE FROM text; INSERT INTO token VALUES (1, 'stale', 1, ''); UPDATE fact SET value = 'old' WHERE name = 'index'",
    )
    .unwrap();
    drop(file);
    let store = open_in(folder.path());
    assert_eq!(ids(&search(&store, "Patient", "family=zander").await.unwrap()), [id(&created)]);
    drop(store);
    let file = Connection::open(folder.path().join("store.sqlite")).unwrap();
    let stale: i64 = file.query_row("SELECT count(*) FROM token WHERE code = 'stale'", [], |row| row.get(0)).unwrap();
    assert_eq!(stale, 0);
}

#[tokio::test]
async fn a_damaged_row_harms_nothing_but_itself_and_can_be_written_over() {
    let (folder, store) = fresh();
    let damaged = id(&create(&store, r#"{"resourceType":"Patient","gender":"male"}"#).await.unwrap());
    let whole = id(&create(&store, r#"{"resourceType":"Patient","gender":"male"}"#).await.unwrap());
    let file = Connection::open(folder.path().join("store.sqlite")).unwrap();
    file.execute_batch("UPDATE version SET body = x'FF7B22' WHERE key = 1").unwrap();
    // Decided on the bodies: what does not scan meets nothing.
    assert_eq!(ids(&search(&store, "Patient", "_tag:text=x&gender=male").await.unwrap()), [""; 0]);
    assert_eq!(ids(&search(&store, "Patient", &format!("_id={whole}")).await.unwrap()), [whole]);
    read(&store, ResourceType::PATIENT, &damaged).await.unwrap();
    update(&store, &damaged, r#"{"resourceType":"Patient","gender":"female"}"#).await.unwrap();
    assert_eq!(ids(&search(&store, "Patient", "gender=female").await.unwrap()), [damaged]);
    assert_eq!(search(&store, "Patient", "gender=male").await.unwrap()["total"], 1, "its old rows are gone");
}

#[tokio::test]
async fn a_file_with_rows_of_the_wrong_shape_is_an_error_and_no_panic() {
    let (folder, store) = fresh();
    let patient = id(&create(&store, r#"{"resourceType":"Patient"}"#).await.unwrap());
    let file = Connection::open(folder.path().join("store.sqlite")).unwrap();
    file.execute_batch("UPDATE resource SET current = 99").unwrap();
    let error = read(&store, ResourceType::PATIENT, &patient).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(search(&store, "Patient", "").await.unwrap_err().kind, ErrorKind::Internal);
    assert!(update(&store, &patient, r#"{"resourceType":"Patient"}"#).await.is_err());
    create(&store, r#"{"resourceType":"Patient"}"#).await.unwrap();
}
