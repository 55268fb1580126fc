//! Writes and reads by key.

use crate::support::{bytes, create, fresh, id, open, read, update};
use adapter::reply::Status;
use fhir::ResourceType;

const PATIENT: &str = r#"{ "resourceType" : "Patient",
  "active" : true, "extension":[{"url":"http://unknown","valueDecimal":1.50}], "birthDate":"1970-01-01","_birthDate":{"id":"x"} }"#;

#[tokio::test]
async fn every_byte_outside_id_and_meta_comes_back_as_it_went_in_and_survives_a_restart() {
    let (folder, store) = fresh();
    let created = create(&store, PATIENT).await.unwrap();
    assert_eq!(created.status, Status::Created);
    let id = id(&created);
    let stamped = String::from_utf8(bytes(&created).to_vec()).unwrap();
    let (head, tail) = PATIENT.split_once(",\n").unwrap();
    assert!(stamped.starts_with(head) && stamped.ends_with(tail), "{stamped}");
    drop(store);
    let store = open(folder.path());
    let again = read(&store, ResourceType::PATIENT, &id).await.unwrap();
    assert_eq!(bytes(&again), stamped.as_bytes());
    assert_eq!(again.last_modified, created.last_modified);
}

#[tokio::test]
async fn an_update_with_another_id_in_its_body_is_refused() {
    let (_folder, store) = fresh();
    let error = update(&store, "a", r#"{"resourceType":"Patient","id":"b"}"#).await.unwrap_err();
    assert_eq!(error.kind.status(), 400);
}
