//! A server that goes away, comes back, is not there at all, or holds something else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapter::{Adapter as _, ErrorKind, Health};
use fhir::ResourceType;
use store::{OpenError, Settings, Store};

use crate::server::{Server, fresh, open, settings};
use crate::support::{Place, create, host, id, ids, read, search};

const PATIENT: &str = r#"{"resourceType":"Patient","name":[{"family":"Zander"}]}"#;

async fn until_up(store: &Store) {
    for _ in 0..200 {
        if store.health().await == Health::Up {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", store.health().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_connections_are_cut_while_writers_write() {
    let server = Server::start(&[]);
    let place = Place::new(settings(&server.url("public")));
    let store = Arc::new(open(&place));
    let is_done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (store, is_done) = (Arc::clone(&store), Arc::clone(&is_done));
            tokio::spawn(async move {
                let mut acknowledged = BTreeSet::new();
                while !is_done.load(Ordering::Relaxed) {
                    match create(&store, PATIENT).await {
                        Ok(reply) => drop(acknowledged.insert(id(&reply))),
                        Err(error) => {
                            assert!(matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Broken), "{error:?}")
                        }
                    }
                }
                acknowledged
            })
        })
        .collect();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        server
            .run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'frontdesk'");
    }
    is_done.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    until_up(&store).await;
    for id in &acknowledged {
        read(&store, ResourceType::PATIENT, id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_is_an_error_that_says_so_and_the_store_goes_on_when_it_is_back() {
    let mut server = Server::start(&[]);
    let place = Place::new(settings(&server.url("public")));
    let store = open(&place);
    let written = id(&create(&store, PATIENT).await.unwrap());
    server.stop();
    assert_eq!(create(&store, PATIENT).await.unwrap_err().kind, ErrorKind::Unreachable);
    assert_eq!(read(&store, ResourceType::PATIENT, &written).await.unwrap_err().kind, ErrorKind::Unreachable);
    assert_eq!(search(&store, "Patient", "family=zander").await.unwrap_err().kind, ErrorKind::Unreachable);
    assert!(matches!(store.health().await, Health::Down(_)));
    server.go_on();
    until_up(&store).await;
    create(&store, PATIENT).await.unwrap();
    read(&store, ResourceType::PATIENT, &written).await.unwrap();
    assert_eq!(search(&store, "Patient", "family=zander").await.unwrap()["total"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_starts_while_its_server_is_down_and_serves_when_it_is_there() {
    let mut server = Server::start(&[]);
    let place = Place::new(settings(&server.url("public")));
    server.stop();
    let store = open(&place);
    assert!(matches!(store.health().await, Health::Down(_)));
    assert_eq!(create(&store, PATIENT).await.unwrap_err().kind, ErrorKind::Unreachable);
    server.go_on();
    until_up(&store).await;
    create(&store, PATIENT).await.unwrap();
}

#[tokio::test]
async fn a_schema_of_a_later_release_or_of_another_program_is_refused_and_left_as_it_is() {
    let (place, store) = fresh();
    drop(store);
    let refused = |place: &Place| Store::open(&place.settings, &host(place.path())).err().unwrap();
    let schema = schema_of(&place);
    Server::shared().run(&format!("UPDATE {schema}.fact SET value = '99' WHERE name = 'schema'"));
    assert!(matches!(refused(&place), OpenError::Newer { found: 99, .. }));
    let other = Place::new(settings(&Server::shared().schema()));
    let schema = schema_of(&other);
    Server::shared().run(&format!("CREATE TABLE {schema}.version (theirs INT)"));
    assert!(matches!(refused(&other), OpenError::Foreign));
    assert_eq!(Server::shared().run(&format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'")), "1");
}

fn schema_of(place: &Place) -> String {
    place.settings.database.as_ref().unwrap().as_str().rsplit_once("%3D").unwrap().1.to_owned()
}

#[tokio::test]
async fn an_index_made_by_another_release_is_made_anew_when_the_database_is_opened() {
    let (place, store) = fresh();
    let created = id(&create(&store, PATIENT).await.unwrap());
    drop(store);
    let schema = schema_of(&place);
    Server::shared().run(&format!(
        "DELETE FROM {schema}.text; INSERT INTO {schema}.token VALUES (1, 'stale', 1, ''); \
         UPDATE {schema}.fact SET value = 'old' WHERE name = 'index'"
    ));
    let store = open(&place);
    assert_eq!(ids(&search(&store, "Patient", "family=zander").await.unwrap()), [created]);
    assert_eq!(Server::shared().run(&format!("SELECT count(*) FROM {schema}.token WHERE code = 'stale'")), "0");
}

#[tokio::test]
async fn a_password_comes_from_its_secret_and_a_wrong_one_is_said_without_it() {
    let server = Server::start(&[]);
    server.run("ALTER USER frontdesk PASSWORD 'hunter2'");
    server.demand_passwords();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    let with = |password: &str| {
        std::fs::write(&secret, password).unwrap();
        let password = Some(adapter::setting::Secret::File(secret.clone()));
        Place::new(Settings { password, ..settings(&server.url("public")) })
    };
    create(&open(&with("hunter2\n")), PATIENT).await.unwrap();
    let place = with("wrong-secret");
    let error = Store::open(&place.settings, &host(place.path())).err().unwrap();
    assert!(error.to_string().contains("password authentication failed"), "{error}");
    assert!(!error.to_string().contains("wrong-secret"));
}

#[tokio::test]
async fn a_server_is_reached_by_tls_when_its_authority_is_trusted_and_not_otherwise() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with_tls(port, &made.cert.pem(), &made.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let with = |ca| {
        let url = format!("postgres://frontdesk@localhost:{port}/postgres?sslmode=require");
        Place::new(Settings { ca, ..settings(&url) })
    };
    let trusted = open(&with(Some(ca)));
    create(&trusted, PATIENT).await.unwrap();
    let used = "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'frontdesk'";
    assert_eq!(server.run(used), "t");
    let stranger = open(&with(None));
    assert!(matches!(stranger.health().await, Health::Down(_)));
    assert_eq!(create(&stranger, PATIENT).await.unwrap_err().kind, ErrorKind::Unreachable);
}
