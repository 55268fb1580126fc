//! A store that moves to another database.

use adapter::{Adapter as _, Practice};
use fhir::{Interaction, ResourceType};
use store::{Location, MoveError, Settings, Store};

use crate::server::{Server, fresh as on_server, open, settings};
use crate::support::{Place, bytes, call, create, file, id, ids, read, resource, search, update};

fn location(place: &Place) -> Location {
    match &place.settings.database {
        Some(url) => Location::Database { url: url.clone(), password: None, ca: None },
        None => Location::File(place.path().join("store.sqlite")),
    }
}

/// Versions, a deletion, a long text, two types and two practices.
async fn fill(store: &Store) -> Vec<(ResourceType, String)> {
    update(store, "a", r#"{ "resourceType":"Patient", "name":[{"family":"Zander"}] , "birthDate":"1970" }"#)
        .await
        .unwrap();
    update(store, "a", r#"{"resourceType":"Patient","name":[{"family":"Müller"}],"birthDate":"1970-03"}"#)
        .await
        .unwrap();
    update(store, "gone", r#"{"resourceType":"Patient"}"#).await.unwrap();
    let (resource_type, gone) = (ResourceType::PATIENT, "gone".parse().unwrap());
    store.perform(call(Interaction::Delete { resource_type, id: gone, if_match: None })).await.unwrap();
    let long = "long ".repeat(2_000);
    update(store, "s", &format!(r#"{{"resourceType":"Slot","comment":"{long}","status":"free"}}"#)).await.unwrap();
    let other = resource(r#"{"resourceType":"Patient","name":[{"family":"Elsewhere"}]}"#);
    let other = call(Interaction::Create { resource: other, if_none_exist: None });
    store.perform(adapter::Call { practice: Practice::new("other"), ..other }).await.unwrap();
    let mut all = vec![(ResourceType::PATIENT, "a".to_owned()), (ResourceType::SLOT, "s".to_owned())];
    for number in 0..1_500 {
        let json = format!(r#"{{"resourceType":"Patient","identifier":[{{"value":"{number}"}}]}}"#);
        all.push((ResourceType::PATIENT, id(&create(store, &json).await.unwrap())));
    }
    all
}

async fn moves(from: Place, store: Store, to: Place) {
    let written = fill(&store).await;
    let mut bodies = Vec::new();
    for (kind, id) in &written {
        bodies.push(bytes(&read(&store, *kind, id).await.unwrap()).to_vec());
    }
    drop(store);
    let moved = store::migrate(&location(&from), &location(&to)).unwrap();
    let of = |practice: &str, kind: &str| {
        let one = moved.iter().find(|one| one.practice == practice && one.resource_type == kind).unwrap();
        (one.resources, one.versions)
    };
    assert_eq!(of("default", "Patient"), (1_502, 1_504));
    assert_eq!((of("default", "Slot"), of("other", "Patient")), ((1, 1), (1, 1)));

    let copy = open(&to);
    for ((kind, id), body) in written.iter().zip(&bodies) {
        assert_eq!(bytes(&read(&copy, *kind, id).await.unwrap()), body);
    }
    assert_eq!(ids(&search(&copy, "Patient", "family=muller&birthdate=1970-03").await.unwrap()), ["a"]);
    assert!(ids(&search(&copy, "Patient", "family=zander").await.unwrap()).is_empty(), "an old version has no rows");
    assert_eq!(search(&copy, "Patient", "identifier=1499").await.unwrap()["total"], 1);
    let again = update(&copy, "gone", r#"{"resourceType":"Patient"}"#).await.unwrap();
    assert_eq!(again.subject.unwrap().version_id.unwrap().as_str(), "3", "numbers go on");
    create(&copy, r#"{"resourceType":"Location"}"#).await.unwrap();
    drop(copy);
    let error = store::migrate(&location(&from), &location(&to)).unwrap_err();
    assert!(matches!(error, MoveError::NotEmpty), "{error}");
}

#[tokio::test]
async fn a_store_moves_from_sqlite_to_postgresql_with_every_byte_and_version() {
    let (from, store) = file();
    moves(from, store, Place::new(settings(&Server::shared().schema()))).await;
}

#[tokio::test]
async fn a_store_moves_from_postgresql_to_sqlite_with_every_byte_and_version() {
    let (from, store) = on_server();
    moves(from, store, Place::new(Settings::default())).await;
}

#[tokio::test]
async fn where_there_is_no_store_there_is_nothing_to_move_and_nothing_is_made() {
    let (nowhere, to) = (Place::new(Settings::default()), Place::new(Settings::default()));
    assert!(matches!(store::migrate(&location(&nowhere), &location(&to)), Err(MoveError::NoSource)));
    assert!(!nowhere.path().join("store.sqlite").exists());
    let empty = Place::new(settings(&Server::shared().schema()));
    assert!(matches!(store::migrate(&location(&empty), &location(&to)), Err(MoveError::NoSource)));
}
