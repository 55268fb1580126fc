//! Federations of embedded stores, some of which fail or lie.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapter::contract::alone;
use adapter::host::SystemClock;
use adapter::{AdapterKind, Status};
use fhir::{Compartment, Query, Resource, Version};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

mod conditional;
mod contract;
mod owners;
mod pages;
mod random;

use super::names::Names;
use super::space::Space;
use super::*;

/// A store that can be made to fail, or to answer something else.
struct Back {
    store: store::Store,
    fails: Mutex<Option<ErrorKind>>,
    says: Mutex<Option<Value>>,
    pause: Mutex<Duration>,
    _folder: TempDir,
}

impl Back {
    async fn open() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let settings = toml::from_str("").unwrap();
        let store = store::Kind::connect(settings, alone::host(folder.path())).await.unwrap();
        Arc::new(Self {
            store,
            fails: Mutex::default(),
            says: Mutex::default(),
            pause: Mutex::default(),
            _folder: folder,
        })
    }

    async fn put(&self, resource: Value) {
        let bytes = resource.to_string();
        let of = resource["resourceType"].as_str().unwrap().parse().unwrap();
        let resource_id = resource["id"].as_str().unwrap().parse().unwrap();
        let resource = Resource::new(of, Version::R4, bytes);
        let update = Interaction::Update { id: resource_id, resource, if_match: None };
        self.store.perform(alone::call(update)).await.unwrap();
    }
}

#[async_trait::async_trait]
impl Adapter for Back {
    fn capability(&self) -> Arc<Capability> {
        self.store.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let pause = *self.pause.lock();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        if let Some(kind) = *self.fails.lock() {
            return Err(Error::new(kind, "scripted"));
        }
        let said = self.says.lock().clone();
        match said {
            Some(said) => Ok(Reply::new(Status::Ok).with_body(said.to_string())),
            None => self.store.perform(call).await,
        }
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

struct Two {
    ehr: Arc<Back>,
    old: Arc<Back>,
    both: Federation,
}

/// Patients and Observations on two stores.
async fn two() -> Two {
    let folder = tempfile::tempdir().unwrap();
    let mut space = Space::new(Arc::new(Names::open(&folder.path().join("ids.db"), "default").unwrap()));
    let types = ["Patient", "Observation"].map(|of| config::Types::One(of.parse().unwrap()));
    space.share(&types, &[("ehr".into(), "ehr".into()), ("old".into(), "old".into())]);
    let space = Arc::new(space);
    let (ehr, old) = (Back::open().await, Back::open().await);
    let member = |name: &str, back: &Arc<Back>| Member {
        name: name.into(),
        adapter: Arc::clone(back) as Arc<dyn Adapter>,
        ids: Ids::new(Arc::clone(&space), name.into(), Arc::new(BTreeMap::new())),
    };
    let members = vec![member("ehr", &ehr), member("old", &old)];
    let both = Federation::new(members, Arc::new(Seal::new(&[7; 32])), Arc::new(SystemClock), 1 << 20);
    Two { ehr, old, both }
}

/// Patients `1`… of the EHR are born in even years, those of the archive in odd ones.
async fn with_patients() -> Two {
    let two = two().await;
    for number in 0..5 {
        let born = |year: i32| format!("{year}-01-01");
        let patient = |year| json!({ "resourceType": "Patient", "id": number.to_string(), "birthDate": born(year) });
        two.ehr.put(patient(1960 + 2 * number)).await;
        two.old.put(patient(1961 + 2 * number)).await;
    }
    two
}

fn search(query: &str) -> Call {
    let query = Query::parse(query);
    alone::call(Interaction::SearchType { resource_type: ResourceType::PATIENT, compartment: None, query })
}

async fn found(both: &Federation, call: Call) -> Value {
    let Body::Bytes(bytes) = both.perform(call).await.unwrap().body else { panic!("no body") };
    serde_json::from_slice(&bytes).unwrap()
}

fn ids(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let of_mode = entries.filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["resource"]["id"].as_str().unwrap_or("").to_owned()).collect()
}

fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next")?;
    Some(next["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned())
}

/// Follows the links from a search to its end.
async fn pages(both: &Federation, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut query) = (Vec::new(), Some(query.to_owned()));
    while let Some(asked) = query {
        let page = found(both, search(&asked)).await;
        pages.push(ids(&page, "match"));
        query = next(&page);
        assert!(pages.len() < 50, "it ends");
    }
    pages
}

#[tokio::test]
async fn a_search_over_two_back_ends_is_one_in_the_order_of_the_search() {
    let two = with_patients().await;
    let page = found(&two.both, search("_sort=birthdate&_total=accurate")).await;
    let expected = ["ehr-0", "old-0", "ehr-1", "old-1", "ehr-2", "old-2", "ehr-3", "old-3", "ehr-4", "old-4"];
    assert_eq!(ids(&page, "match"), expected);
    assert_eq!(page["total"], 10);
    assert_eq!(page["entry"][1]["fullUrl"], format!("{}/Patient/old-0", alone::BASE));
    let falling = found(&two.both, search("_sort=-birthdate&_count=3")).await;
    assert_eq!(ids(&falling, "match"), ["old-4", "ehr-4", "old-3"]);
}

#[tokio::test]
async fn pages_give_every_entry_once_and_hold_as_many_as_asked_for() {
    let two = with_patients().await;
    for query in ["_sort=birthdate&_count=3", "_sort=-birthdate&_count=4", "_count=3", "_count=1"] {
        let pages = pages(&two.both, query).await;
        let all: Vec<&String> = pages.iter().flatten().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 10, "{query}: {pages:?}");
        assert_eq!(all.len(), 10, "{query}: {pages:?}");
    }
    let sorted: Vec<String> = pages(&two.both, "_sort=birthdate&_count=3").await.concat();
    assert_eq!(sorted[..4], ["ehr-0", "old-0", "ehr-1", "old-1"]);
}

#[tokio::test]
async fn what_is_created_between_two_pages_makes_nothing_come_twice() {
    let two = with_patients().await;
    let first = found(&two.both, search("_count=3")).await;
    two.ehr.put(json!({ "resourceType": "Patient", "id": "new" })).await;
    let mut all = ids(&first, "match");
    all.extend(pages(&two.both, &next(&first).unwrap()).await.concat());
    let once: BTreeSet<_> = all.iter().collect();
    assert_eq!(once.len(), all.len(), "{all:?}");
    assert!(once.len() >= 10, "{all:?}");
}

#[tokio::test]
async fn a_back_end_that_fails_is_reported_and_the_others_are_shown() {
    let two = with_patients().await;
    *two.old.fails.lock() = Some(ErrorKind::Unreachable);
    let page = found(&two.both, search("_sort=birthdate&_count=3&_total=accurate")).await;
    assert_eq!(ids(&page, "match"), ["ehr-0", "ehr-1", "ehr-2"]);
    assert_eq!(page.get("total"), None);
    let outcome = page["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(outcome["search"]["mode"], "outcome");
    assert_eq!(outcome["resource"]["issue"][0]["severity"], "warning");
    assert!(outcome["resource"].to_string().contains("`old`"), "{outcome}");
    *two.old.fails.lock() = None;
    let rest = found(&two.both, search(&next(&page).unwrap())).await;
    assert_eq!(ids(&rest, "match"), ["ehr-3", "ehr-4"]);
    assert_eq!(ids(&rest, "outcome").len(), 1, "what is missing is said on each page");
    *two.old.fails.lock() = Some(ErrorKind::Timeout);
    *two.ehr.fails.lock() = Some(ErrorKind::Unavailable);
    let error = two.both.perform(search("")).await.unwrap_err();
    assert!(matches!(error.kind.status(), 503 | 504));
}

#[tokio::test]
async fn what_the_client_did_wrong_is_refused_and_not_left_out() {
    let two = with_patients().await;
    let error = two.both.perform(search("no-such-parameter=1")).await.unwrap_err();
    assert_eq!(error.kind.status(), 400);
}

#[tokio::test]
async fn a_back_end_that_repeats_itself_or_says_no_bundle_does_no_harm() {
    let two = with_patients().await;
    let entry = json!({ "resource": { "resourceType": "Patient", "id": "9" }, "search": { "mode": "match" } });
    *two.old.says.lock() =
        Some(json!({ "resourceType": "Bundle", "type": "searchset", "total": 99, "entry": [entry, entry] }));
    let page = found(&two.both, search("_id=old-9")).await;
    assert_eq!(ids(&page, "match"), ["old-9"]);
    *two.old.says.lock() = Some(json!({ "resourceType": "Patient", "id": "9" }));
    let page = found(&two.both, search("_count=20")).await;
    assert_eq!((ids(&page, "match").len(), ids(&page, "outcome").len()), (5, 1));
}

#[tokio::test]
async fn an_id_leads_to_its_own_back_end_in_every_interaction() {
    let two = with_patients().await;
    let read =
        |id: &str| alone::call(Interaction::Read { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() });
    let reply = two.both.perform(read("old-2")).await.unwrap();
    assert_eq!(reply.subject.unwrap().id.as_str(), "old-2");
    for nobodys in ["2", "new-2", "old-7"] {
        assert_eq!(two.both.perform(read(nobodys)).await.unwrap_err().kind, ErrorKind::NotFound, "{nobodys}");
    }
    let patient = r#"{"resourceType":"Patient","id":"old-2","link":[{"other":{"reference":"Patient/old-1"},"type":"seealso"},{"other":{"reference":"Patient/ehr-1"},"type":"seealso"}]}"#;
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, patient);
    let update = Interaction::Update { id: "old-2".parse().unwrap(), resource, if_match: None };
    two.both.perform(alone::call(update)).await.unwrap();
    let Body::Bytes(own) = two.old.store.perform(read("2")).await.unwrap().body else { panic!("no body") };
    let own: Value = serde_json::from_slice(&own).unwrap();
    assert_eq!((&own["id"], &own["link"][0]["other"]["reference"]), (&json!("2"), &json!("Patient/1")));
    let Body::Bytes(seen) = two.both.perform(read("old-2")).await.unwrap().body else { panic!("no body") };
    let seen: Value = serde_json::from_slice(&seen).unwrap();
    assert_eq!(seen["link"][0]["other"]["reference"], "Patient/old-1");
    assert_eq!(seen["link"][1]["other"]["reference"], "Patient/ehr-1");
}

#[tokio::test]
async fn what_is_created_goes_to_the_first_back_end() {
    let two = two().await;
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, r#"{"resourceType":"Patient"}"#);
    let reply = two.both.perform(alone::call(Interaction::Create { resource, if_none_exist: None })).await.unwrap();
    assert!(reply.subject.unwrap().id.as_str().starts_with("ehr-"));
}

#[tokio::test]
async fn a_page_link_is_good_for_its_practice_type_and_compartment_only() {
    let two = with_patients().await;
    let link = next(&found(&two.both, search("_count=3")).await).unwrap();
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "ehr-1".parse().unwrap() };
    let confined = Call { confined_to: Some(owner), ..search(&link) };
    let other = Call { practice: adapter::Practice::new("north"), ..search(&link) };
    let query = Query::parse(&link);
    let of = "Observation".parse().unwrap();
    let of_type = alone::call(Interaction::SearchType { resource_type: of, compartment: None, query });
    for call in [confined, other, of_type, search("_page=x")] {
        assert_eq!(two.both.perform(call).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_confined_search_sees_its_patients_own_on_every_back_end() {
    let two = with_patients().await;
    let observation = |id: &str, patient: &str| {
        json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
            "subject": { "reference": patient } })
    };
    two.ehr.put(observation("a", "Patient/1")).await;
    two.ehr.put(observation("b", "Patient/2")).await;
    two.old.put(observation("c", "Patient/ehr-1")).await;
    two.old.put(observation("d", "Patient/1")).await;
    let owner = || Some(Compartment { resource_type: ResourceType::PATIENT, id: "ehr-1".parse().unwrap() });
    let confined = |of: &str, query: &str| Call {
        confined_to: owner(),
        ..alone::call(Interaction::SearchType {
            resource_type: of.parse().unwrap(),
            compartment: None,
            query: Query::parse(query),
        })
    };
    let page = found(&two.both, confined("Observation", "_total=accurate")).await;
    let seen: BTreeSet<String> = ids(&page, "match").into_iter().collect();
    assert_eq!(seen, ["ehr-a".to_owned(), "old-c".to_owned()].into());
    assert_eq!(page["total"], 2);
    let page = found(&two.both, confined("Patient", "_total=accurate")).await;
    assert_eq!((ids(&page, "match"), page["total"].as_u64()), (vec!["ehr-1".to_owned()], Some(1)));
    let named = found(&two.both, confined("Observation", "subject=Patient/ehr-1")).await;
    assert_eq!(ids(&named, "match").len(), 2);
}

#[tokio::test]
async fn the_history_of_a_resource_is_its_own_back_ends_in_the_ids_of_clients() {
    let two = with_patients().await;
    let offers = |code| two.both.capability().offers(Some(ResourceType::PATIENT), code);
    assert!(offers(fhir::InteractionCode::HistoryInstance));
    let interaction = Interaction::HistoryInstance {
        resource_type: ResourceType::PATIENT,
        id: "old-1".parse().unwrap(),
        query: Query::default(),
    };
    let history = found(&two.both, alone::call(interaction)).await;
    assert_eq!(history["entry"][0]["resource"]["id"], "old-1");
}
