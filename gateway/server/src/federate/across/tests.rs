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
    /// It says of no include that it follows it.
    is_plain: Mutex<bool>,
    _folder: TempDir,
}

#[async_trait::async_trait]
impl Adapter for Back {
    fn capability(&self) -> Arc<Capability> {
        let capability = self.store.capability();
        if !*self.is_plain.lock() {
            return capability;
        }
        let mut plain = Capability::clone(&capability);
        for resource in plain.resources.values_mut() {
            resource.include.clear();
            resource.revinclude.clear();
        }
        Arc::new(plain)
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
        backs.insert(
            name.clone(),
            Arc::new(Back { store, is_down: Mutex::new(false), is_plain: Mutex::new(false), _folder: folder }),
        );
    }
    let adapters = backs.iter().map(|(name, back)| (name.clone(), Arc::clone(back) as Arc<dyn Adapter>)).collect();
    let ground = Ground {
        prefixes: BTreeMap::new(),
        names: "nowhere".into(),
        seal: Arc::new(adapter::seal::Seal::new(&[7; 32])),
        clock: Arc::new(adapter::host::SystemClock),
        reply: 1 << 20,
        additions: adapter::PracticeAdditions::default(),
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

fn system(query: &str) -> Call {
    alone::call(Interaction::SearchSystem { compartment: None, query: Query::parse(query) })
}

#[tokio::test]
async fn a_search_of_the_system_asks_each_back_end_for_the_types_that_lead_to_it() {
    let town = town().await;
    town.settle().await;
    // What a back end holds of types that lead elsewhere is not this practice's.
    let stray = json!({ "resourceType": "Patient", "id": "stray" });
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, stray.to_string());
    let update = Interaction::Update { id: "stray".parse().unwrap(), resource, if_match: None };
    town.backs["scheduler"].perform(alone::call(update)).await.unwrap();
    let page = town.answer(system("_type=Patient,Appointment&_total=accurate")).await.unwrap();
    assert_eq!((ids(&page, "match"), page["total"].as_u64()), (set(&["eve", "bob", "a", "b"]), Some(4)));
    let page = town.answer(system("_total=accurate")).await.unwrap();
    assert_eq!((ids(&page, "match"), page["total"].as_u64()), (set(&["eve", "bob", "a", "b", "clinic"]), Some(5)));
    let page = town.answer(system("_type=Organization")).await.unwrap();
    assert_eq!(ids(&page, "match"), set(&["clinic"]));
    assert_eq!(town.answer(system("_type=Wibble")).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_search_of_the_system_pages_by_one_link_and_reports_who_is_down() {
    let town = town().await;
    town.settle().await;
    let (mut query, mut all) = ("_count=2".to_owned(), Vec::new());
    loop {
        let page = town.answer(system(&query)).await.unwrap();
        let entries = page["entry"].as_array().cloned().unwrap_or_default();
        all.extend(entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()));
        let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
        let Some(next) = next else { break };
        query = next["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
        assert!(all.len() < 20, "it ends");
    }
    assert_eq!(all.len(), 5, "{all:?}");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), set(&["eve", "bob", "a", "b", "clinic"]));
    *town.backs["ehr"].is_down.lock() = true;
    let page = town.answer(system("")).await.unwrap();
    assert_eq!((ids(&page, "match"), ids(&page, "outcome").len()), (set(&["a", "b", "clinic"]), 1));
}

#[tokio::test]
async fn the_history_of_the_system_is_that_of_all_back_ends_with_the_newest_first() {
    let town = town().await;
    town.settle().await;
    let resource_type = "Appointment".parse().unwrap();
    let delete = Interaction::Delete { resource_type, id: "b".parse().unwrap(), if_match: None };
    let plan = town.routes.plan(&Practice::default(), &delete).unwrap();
    dispatch::perform(&plan, alone::call(delete)).await.unwrap();
    let history = town.answer(alone::call(Interaction::HistorySystem { query: Query::default() })).await.unwrap();
    assert_eq!(history["type"], "history");
    let entries = history["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 6, "{history}");
    assert_eq!(entries[0]["request"]["method"], "DELETE");
    assert!(entries[5]["fullUrl"].as_str().unwrap().ends_with("/Organization/clinic"), "{history}");
}

#[tokio::test]
async fn the_statement_names_the_includes_that_lead_over_routes() {
    let town = town().await;
    town.backs.values().for_each(|back| *back.is_plain.lock() = true);
    let practice = Practice::default();
    let mut capability = town.routes.capability(&practice);
    add_includes(&town.routes, &practice, &mut capability);
    let of = |name: &str| capability.resources[&name.parse::<ResourceType>().unwrap()].clone();
    assert!(of("Appointment").include.contains("Appointment:patient"));
    assert!(of("Patient").revinclude.contains("Appointment:actor"));
    assert!(of("Patient").include.contains("Patient:organization"));
    assert!(!of("Appointment").include.contains("Appointment:slot"), "that is for their back end to say");
}

#[tokio::test]
async fn a_history_without_a_back_end_is_refused_and_names_it() {
    let town = town().await;
    town.settle().await;
    *town.backs["ehr"].is_down.lock() = true;
    let error = town.answer(alone::call(Interaction::HistorySystem { query: Query::default() })).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.issues[0].text.contains("`ehr`"), "{}", error.issues[0].text);
}
