//! A store in a folder of its own, and calls to it.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::path::Path;

pub use adapter::contract::alone::{BASE, call, host};
use adapter::{Adapter as _, Body, Call, Error, Reply};
use fhir::{Compartment, Interaction, Query, Resource, ResourceType, Version};
use store::{Settings, Store};

/// A folder for a store, and the settings that say where its database is.
pub struct Place {
    folder: tempfile::TempDir,
    pub settings: Settings,
}

impl Place {
    /// A new folder, which goes with it.
    pub fn new(settings: Settings) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The store of a place.
pub fn open(place: &Place) -> Store {
    Store::open(&place.settings, &host(place.path())).unwrap()
}

/// A store in that folder.
pub fn open_in(folder: &Path) -> Store {
    Store::open(&Settings::default(), &host(folder)).unwrap()
}

/// A store in a new file.
pub fn file() -> (Place, Store) {
    let place = Place::new(Settings::default());
    let store = open(&place);
    (place, store)
}

/// A resource of that JSON.
pub fn resource(json: &str) -> Resource {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let resource_type = value["resourceType"].as_str().unwrap().parse().unwrap();
    Resource::new(resource_type, Version::R4, json.to_owned())
}

/// POST
pub async fn create(store: &Store, json: &str) -> Result<Reply, Error> {
    store.perform(call(Interaction::Create { resource: resource(json), if_none_exist: None })).await
}

/// PUT
pub async fn update(store: &Store, id: &str, json: &str) -> Result<Reply, Error> {
    let interaction = Interaction::Update { id: id.parse().unwrap(), resource: resource(json), if_match: None };
    store.perform(call(interaction)).await
}

/// GET
pub async fn read(store: &Store, kind: ResourceType, id: &str) -> Result<Reply, Error> {
    store.perform(call(Interaction::Read { resource_type: kind, id: id.parse().unwrap() })).await
}

/// GET with criteria
pub fn search_call(kind: &str, query: &str, confined_to: Option<Compartment>) -> Call {
    let resource_type = kind.parse().unwrap();
    let interaction = Interaction::SearchType { resource_type, compartment: None, query: Query::parse(query) };
    Call { confined_to, ..call(interaction) }
}

/// The Bundle of a search.
pub async fn search(store: &Store, kind: &str, query: &str) -> Result<serde_json::Value, Error> {
    store.perform(search_call(kind, query, None)).await.map(|reply| json(&reply))
}

/// The ids of the matches or versions in a Bundle, in order.
pub fn ids(bundle: &serde_json::Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let resources = entries.iter().filter(|entry| entry["search"]["mode"] != "outcome");
    resources.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

/// The id that a reply speaks of.
pub fn id(reply: &Reply) -> String {
    reply.subject.as_ref().unwrap().id.to_string()
}

/// The bytes of a reply.
pub fn bytes(reply: &Reply) -> &[u8] {
    match &reply.body {
        Body::Bytes(bytes) => bytes,
        _ => &[],
    }
}

/// The JSON of a reply.
pub fn json(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(bytes(reply)).unwrap()
}
