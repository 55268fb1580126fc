//! Writes and reads by key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use adapter::reply::Status;
use adapter::{Adapter as _, Clock, ErrorKind, Host};
use fhir::{Interaction, Query, ResourceType};
use store::Store;

use super::{fresh, open};
use crate::support::{bytes, call, create, host, id, ids, json, read, search, update};

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
    let store = open(&folder);
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

fn history(id: &str, query: &str) -> adapter::Call {
    let (resource_type, id, query) = (ResourceType::PATIENT, id.parse().unwrap(), Query::parse(query));
    call(Interaction::HistoryInstance { resource_type, id, query })
}

#[tokio::test]
async fn a_history_has_every_version_with_deletions_on_pages_of_any_size() {
    let (_folder, store) = fresh();
    for family in ["a", "b", "c"] {
        update(&store, "p", &format!(r#"{{"resourceType":"Patient","name":[{{"family":"{family}"}}]}}"#))
            .await
            .unwrap();
    }
    let delete = Interaction::Delete { resource_type: ResourceType::PATIENT, id: "p".parse().unwrap(), if_match: None };
    store.perform(call(delete)).await.unwrap();
    let restored = update(&store, "p", r#"{"resourceType":"Patient"}"#).await.unwrap();
    assert_eq!(restored.status, Status::Created, "what was deleted is created again");
    let whole = json(&store.perform(history("p", "")).await.unwrap());
    let methods: Vec<&str> =
        whole["entry"].as_array().unwrap().iter().map(|entry| entry["request"]["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["PUT", "DELETE", "PUT", "PUT", "PUT"]);
    assert_eq!(whole["total"], 5);
    let mut query = "_count=2".to_owned();
    let mut versions = 0;
    loop {
        let page = json(&store.perform(history("p", &query)).await.unwrap());
        versions += page["entry"].as_array().unwrap().len();
        let Some(next) = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next") else { break };
        query = next["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
        assert_eq!(
            store.perform(history("q", &query)).await.unwrap_err().kind.status() / 100,
            4,
            "bound to its resource"
        );
    }
    assert_eq!(versions, 5);
    let later = json(&store.perform(history("p", "_since=2100-01-01T00:00:00Z")).await.unwrap());
    assert_eq!(later["total"], 0);
    for query in ["_since=yesterday", "_count=many", "_at=never", "_list=x"] {
        assert_eq!(store.perform(history("p", query)).await.unwrap_err().kind.status() / 100, 4, "{query}");
    }
}

#[tokio::test]
async fn a_deleted_version_is_gone_and_the_ones_before_it_stay() {
    let (_folder, store) = fresh();
    let created = create(&store, PATIENT).await.unwrap();
    let id: fhir::Id = id(&created).parse().unwrap();
    let resource_type = ResourceType::PATIENT;
    store.perform(call(Interaction::Delete { resource_type, id: id.clone(), if_match: None })).await.unwrap();
    let vread = |version: &str| {
        call(Interaction::Vread { resource_type, id: id.clone(), version_id: version.parse().unwrap() })
    };
    assert_eq!(bytes(&store.perform(vread("1")).await.unwrap()), bytes(&created));
    assert_eq!(store.perform(vread("2")).await.unwrap_err().kind, ErrorKind::Gone);
    assert_eq!(store.perform(vread("3")).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(read(&store, resource_type, id.as_str()).await.unwrap_err().kind, ErrorKind::Gone);
    let stale = Interaction::Delete { resource_type: ResourceType::SLOT, id, if_match: "1".parse().ok() };
    assert_eq!(store.perform(call(stale)).await.unwrap_err().kind, ErrorKind::VersionMismatch);
}

#[tokio::test]
async fn a_conditional_update_without_a_match_takes_the_id_that_came_along_unless_it_is_taken() {
    let (_folder, store) = fresh();
    let write = |id: &str, value: &str| {
        let json = format!(r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"value":"{value}"}}]}}"#);
        call(Interaction::ConditionalUpdate {
            criteria: Query::parse(&format!("identifier={value}")),
            resource: crate::support::resource(&json),
            if_match: None,
        })
    };
    assert_eq!(id(&store.perform(write("own", "1")).await.unwrap()), "own");
    assert_eq!(store.perform(write("own", "2")).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(store.perform(write("other", "1")).await.unwrap_err().kind, ErrorKind::Invalid);
    let updated = store.perform(write("own", "1")).await.unwrap();
    assert_eq!((updated.status, updated.subject.unwrap().version_id.unwrap().as_str()), (Status::Ok, "2"));
}

/// A clock that somebody sets back all the time.
struct Backwards(AtomicU64);

impl Clock for Backwards {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.fetch_sub(3600, Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

#[tokio::test]
async fn each_version_is_later_than_the_one_before_even_when_the_clock_was_set_back() {
    let (place, store) = fresh();
    drop(store);
    let clock = Arc::new(Backwards(AtomicU64::new(1_800_000_000)));
    let store = Store::open(&place.settings, &Host { clock, ..host(place.path()) }).unwrap();
    let mut before = SystemTime::UNIX_EPOCH;
    for _ in 0..3 {
        let written = update(&store, "a", r#"{"resourceType":"Patient","id":"a"}"#).await.unwrap();
        let at = written.last_modified.unwrap();
        assert!(at > before);
        before = at;
    }
}

#[tokio::test]
async fn a_delete_with_criteria_takes_several_where_the_settings_say_so() {
    let (mut place, store) = fresh();
    for (id, gender) in [("a", "male"), ("b", "male"), ("c", "female")] {
        update(&store, id, &format!(r#"{{"resourceType":"Patient","gender":"{gender}"}}"#)).await.unwrap();
    }
    let delete = |criteria: &str| {
        let criteria = Query::parse(criteria);
        call(Interaction::ConditionalDelete { resource_type: ResourceType::PATIENT, criteria })
    };
    let offered = |store: &Store| store.capability().resources[&ResourceType::PATIENT].conditional_delete.clone();
    assert_eq!(offered(&store).as_deref(), Some("single"));
    assert_eq!(store.perform(delete("gender=male")).await.unwrap_err().kind, ErrorKind::MultipleMatches);
    drop(store);
    place.settings.conditional_delete = store::ConditionalDelete::Multiple;
    let store = super::open(&place);
    assert_eq!(offered(&store).as_deref(), Some("multiple"));
    let reply = store.perform(delete("gender=male")).await.unwrap();
    assert_eq!((reply.status, reply.subject.is_none()), (Status::NoContent, true));
    assert_eq!(ids(&search(&store, "Patient", "").await.unwrap()), ["c"]);
    let one = store.perform(delete("gender=female")).await.unwrap();
    assert_eq!(id(&one), "c");
    for number in 0..1_001 {
        let json = format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{number}"}}]}}"#);
        create(&store, &json).await.unwrap();
    }
    assert_eq!(store.perform(delete("identifier=urn:x|")).await.unwrap_err().kind, ErrorKind::TooCostly);
    let left = search(&store, "Patient", "_summary=count").await.unwrap();
    assert_eq!(left["total"], 1_001, "nothing is deleted when not all can be");
}
