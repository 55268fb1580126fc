//! Patients in an EHR, appointments in a scheduler, organizations in a directory.

use std::collections::{BTreeMap, BTreeSet};

use adapter::contract::alone;
use adapter::{Adapter, AdapterKind, Practice};
use fhir::{Capability, Compartment, Resource, Version};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::Ground;
use super::*;

struct Back {
    store: store::Store,
    is_down: Mutex<bool>,
    _folder: TempDir,
}

#[async_trait::async_trait]
impl Adapter for Back {
    fn capability(&self) -> Arc<Capability> {
        self.store.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        if *self.is_down.lock() {
            return Err(Error::new(ErrorKind::Unreachable, "scripted"));
        }
        self.store.perform(call).await
    }

    async fn health(&self) -> adapter::Health {
        adapter::Health::Up
    }
}

struct Town {
    routes: Routes,
    backs: BTreeMap<String, Arc<Back>>,
}

async fn town() -> Town {
    let text = "[adapters.ehr]\nkind=\"store\"\n[adapters.scheduler]\nkind=\"store\"\n[adapters.directory]\nkind=\"store\"\n\
                [[routes]]\nadapter=\"ehr\"\ntypes=[\"Patient\"]\n[[routes]]\nadapter=\"directory\"\ntypes=[\"Organization\"]\n\
                [[routes]]\nadapter=\"scheduler\"\n";
    let config = config::shape("frontdesk.toml", text).unwrap();
    let mut backs = BTreeMap::new();
    for name in config.adapters.keys() {
        let folder = tempfile::tempdir().unwrap();
        let store = store::Kind::connect(toml::from_str("").unwrap(), alone::host(folder.path())).await.unwrap();
        backs.insert(name.clone(), Arc::new(Back { store, is_down: Mutex::new(false), _folder: folder }));
    }
    let adapters = backs.iter().map(|(name, back)| (name.clone(), Arc::clone(back) as Arc<dyn Adapter>)).collect();
    let ground = Ground {
        prefixes: BTreeMap::new(),
        names: "nowhere".into(),
        seal: Arc::new(adapter::seal::Seal::new(&[7; 32])),
        clock: Arc::new(adapter::host::SystemClock),
        reply: 1 << 20,
    };
    Town { routes: Routes::new(&config.routes, &adapters, &ground).unwrap(), backs }
}

impl Town {
    async fn put(&self, resource: Value) {
        let of: ResourceType = resource["resourceType"].as_str().unwrap().parse().unwrap();
        let id = resource["id"].as_str().unwrap().parse().unwrap();
        let resource = Resource::new(of, Version::R4, resource.to_string());
        let interaction = Interaction::Update { id, resource, if_match: None };
        let plan = self.routes.plan(&Practice::default(), &interaction).unwrap();
        dispatch::perform(&plan, alone::call(interaction)).await.unwrap();
    }

    /// Eve at the clinic and Bob, each with an appointment.
    async fn settle(&self) {
        self.put(json!({ "resourceType": "Organization", "id": "clinic", "name": "Clinic" })).await;
        let clinic = json!({ "reference": "Organization/clinic" });
        let eve = json!({ "resourceType": "Patient", "id": "eve", "name": [{ "family": "Eve" }], "managingOrganization": clinic });
        self.put(eve).await;
        self.put(json!({ "resourceType": "Patient", "id": "bob", "name": [{ "family": "Bob" }] })).await;
        for (id, patient, status) in [("a", "eve", "booked"), ("b", "bob", "cancelled")] {
            let actor = json!({ "reference": format!("Patient/{patient}") });
            let participant = json!([{ "actor": actor, "status": "accepted" }]);
            let appointment =
                json!({ "resourceType": "Appointment", "id": id, "status": status, "participant": participant });
            self.put(appointment).await;
        }
    }

    async fn answer(&self, call: Call) -> Result<Value, Error> {
        let plan = self.routes.plan(&Practice::default(), &call.interaction).unwrap();
        let across = Across { routes: &self.routes, reply: 1 << 20 };
        let bytes = across.gathered(across.search(&plan, call).await?.body).await?;
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    async fn search(&self, of: &str, query: &str) -> Value {
        self.answer(search(of, query)).await.unwrap()
    }
}

fn search(of: &str, query: &str) -> Call {
    let resource_type = of.parse().unwrap();
    alone::call(Interaction::SearchType { resource_type, compartment: None, query: Query::parse(query) })
}

fn ids(bundle: &Value, mode: &str) -> BTreeSet<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let of_mode = entries.filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["resource"]["id"].as_str().unwrap_or("").to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn an_include_brings_what_another_back_end_has() {
    let town = town().await;
    town.settle().await;
    let page = town.search("Appointment", "status=booked&_include=Appointment:patient").await;
    assert_eq!((ids(&page, "match"), ids(&page, "include")), (set(&["a"]), set(&["eve"])));
    let included = &page["entry"][1];
    assert_eq!(included["fullUrl"], format!("{}/Patient/eve", alone::BASE));
    let query = "_include=Appointment:actor:Patient&_include:iterate=Patient:organization&_total=accurate";
    let page = town.search("Appointment", query).await;
    assert_eq!(ids(&page, "include"), set(&["eve", "bob", "clinic"]));
    assert_eq!(page["total"], 2);
    assert!(page["link"][0]["url"].as_str().unwrap().contains("_include"), "{}", page["link"]);
}

#[tokio::test]
async fn a_revinclude_brings_what_refers_here_from_another_back_end() {
    let town = town().await;
    town.settle().await;
    let page = town.search("Patient", "name=eve&_revinclude=Appointment:patient").await;
    assert_eq!((ids(&page, "match"), ids(&page, "include")), (set(&["eve"]), set(&["a"])));
}

#[tokio::test]
async fn the_link_to_the_next_page_asks_for_the_same_includes() {
    let town = town().await;
    town.settle().await;
    let first = town.search("Appointment", "_count=1&_include=Appointment:patient").await;
    assert_eq!(ids(&first, "include"), set(&["eve"]));
    let links = first["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap();
    let second = town.search("Appointment", next.split_once('?').unwrap().1).await;
    assert_eq!((ids(&second, "match"), ids(&second, "include")), (set(&["b"]), set(&["bob"])));
}

#[tokio::test]
async fn a_chain_and_has_lead_over_routes() {
    let town = town().await;
    town.settle().await;
    for (of, query, expected) in [
        ("Appointment", "patient.name=eve", set(&["a"])),
        ("Appointment", "actor:Patient.organization.name=clinic", set(&["a"])),
        ("Appointment", "patient.name=nobody", set(&[])),
        ("Patient", "_has:Appointment:patient:status=booked", set(&["eve"])),
        ("Patient", "_has:Appointment:patient:status=booked&name=bob", set(&[])),
    ] {
        assert_eq!(ids(&town.search(of, query).await, "match"), expected, "{query}");
    }
    let error = town.answer(search("Appointment", "patient.nonsense=1")).await.unwrap_err();
    assert!(error.kind.status() < 500);
}

#[tokio::test]
async fn what_a_back_end_that_is_down_would_bring_is_reported() {
    let town = town().await;
    town.settle().await;
    *town.backs["ehr"].is_down.lock() = true;
    let page = town.search("Appointment", "_include=Appointment:patient").await;
    assert_eq!((ids(&page, "match"), ids(&page, "include")), (set(&["a", "b"]), set(&[])));
    assert_eq!(ids(&page, "outcome").len(), 1);
    let error = town.answer(search("Appointment", "patient.name=eve")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "a criterion that cannot be decided is no partial answer");
}

#[tokio::test]
async fn a_confined_search_includes_and_chains_over_its_own_compartment_only() {
    let town = town().await;
    town.settle().await;
    let owner = || Some(Compartment { resource_type: ResourceType::PATIENT, id: "eve".parse().unwrap() });
    let confined = |of: &str, query: &str| Call { confined_to: owner(), ..search(of, query) };
    let page = town.answer(confined("Appointment", "_include=Appointment:patient")).await.unwrap();
    assert_eq!((ids(&page, "match"), ids(&page, "include")), (set(&["a"]), set(&["eve"])));
    let page = town.answer(confined("Appointment", "patient.name=bob")).await.unwrap();
    assert_eq!(ids(&page, "match"), set(&[]));
    let page = town.answer(confined("Patient", "_has:Appointment:patient:status=cancelled")).await.unwrap();
    assert_eq!(ids(&page, "match"), set(&[]));
    let page = town.answer(confined("Patient", "_revinclude=Appointment:patient")).await.unwrap();
    assert_eq!(ids(&page, "include"), set(&["a"]));
}
