//! Several gateways on one database.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;

use adapter::{Adapter as _, Error, Reply};
use fhir::{Interaction, Query, ResourceType};
use store::Store;

use crate::server::{Server, fresh, open, settings};
use crate::support::{Place, call, create, id, ids, read, resource, search, update};

/// Creates a Patient with that identifier, unless there is one.
async fn create_once(store: &Store, value: &str) -> Result<Reply, Error> {
    let json = format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{value}"}}]}}"#);
    let if_none_exist = Some(Query::parse(&format!("identifier=urn:x|{value}")));
    store.perform(call(Interaction::Create { resource: resource(&json), if_none_exist })).await
}

async fn create_at_once(store: &Arc<Store>, count: usize, value: &str) -> BTreeSet<String> {
    let tasks = (0..count).map(|_| {
        let (store, value) = (Arc::clone(store), value.to_owned());
        tokio::spawn(async move { id(&create_once(&store, &value).await.unwrap()) })
    });
    let mut all = BTreeSet::new();
    for task in tasks.collect::<Vec<_>>() {
        all.insert(task.await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditional_creates_of_one_identifier_through_two_stores_make_one_resource() {
    let (place, first) = fresh();
    let (first, second) = (Arc::new(first), Arc::new(open(&place)));
    for round in ["a", "b", "c"] {
        let (mut all, others) = tokio::join!(create_at_once(&first, 32, round), create_at_once(&second, 32, round));
        all.extend(others);
        assert_eq!(all.len(), 1, "{all:?}");
        let found = search(&first, "Patient", &format!("identifier=urn:x|{round}")).await.unwrap();
        assert_eq!(found["total"], 1);
    }
}

/// Names the database to the child processes.
const DATABASE: &str = "FRONTDESK_STORE_TEST_DATABASE";

#[test]
fn conditional_creates_of_one_identifier_through_two_processes_make_one_resource() {
    let url = Server::shared().schema();
    let children: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "gateways::child_that_creates", "--nocapture", "--test-threads=1"])
                .env(DATABASE, &url)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut all = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        all.extend(text.lines().filter_map(|line| line.strip_prefix("created ")).map(str::to_owned));
    }
    assert_eq!(all.len(), 8, "one resource for each of eight identifiers: {all:?}");
}

/// Does nothing unless the test above started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_creates() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let place = Place::new(settings(&url));
    let store = Arc::new(open(&place));
    for round in 0..8 {
        for id in create_at_once(&store, 32, &round.to_string()).await {
            println!("\ncreated {id}");
        }
    }
}

#[tokio::test]
async fn what_one_gateway_writes_another_one_reads_even_of_a_type_that_is_new_to_it() {
    let (place, first) = fresh();
    let second = open(&place);
    assert!(read(&second, ResourceType::PATIENT, "a").await.is_err());
    update(&first, "a", r#"{"resourceType":"Patient","name":[{"family":"Zander"}]}"#).await.unwrap();
    read(&second, ResourceType::PATIENT, "a").await.unwrap();
    assert_eq!(ids(&search(&second, "Patient", "family=zander").await.unwrap()), ["a"]);
    update(&second, "a", r#"{"resourceType":"Patient","name":[{"family":"Abel"}]}"#).await.unwrap();
    assert_eq!(ids(&search(&first, "Patient", "family=abel").await.unwrap()), ["a"]);
    assert!(ids(&search(&first, "Patient", "family=zander").await.unwrap()).is_empty());
}

#[tokio::test]
async fn gateways_that_start_at_once_on_an_empty_database_make_one_schema() {
    let place = Place::new(settings(&Server::shared().schema()));
    let stores: Vec<Store> = std::thread::scope(|threads| {
        let started: Vec<_> = (0..4).map(|_| threads.spawn(|| open(&place))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for store in &stores {
        create(store, r#"{"resourceType":"Patient"}"#).await.unwrap();
    }
    for store in &stores {
        assert_eq!(search(store, "Patient", "").await.unwrap()["total"], 4);
    }
}
