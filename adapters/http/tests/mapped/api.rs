//! The API, and adapters before it.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use adapter::contract::alone;
use adapter::{Adapter, AdapterKind as _, Body, Call, Reply};
use fhir::{Id, Interaction, Query, Resource, ResourceType, Version};
use http_json::mapped::JsonApi;
use http_json::mapped::settings::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The API, until it is dropped.
pub struct Crm {
    pub base: String,
    key: tempfile::NamedTempFile,
    _process: Child,
}

pub async fn crm() -> Crm {
    let mut process = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mapped/crm.py"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "k3y").unwrap();
    Crm { base: format!("http://{address}/api"), key, _process: process }
}

/// People as patients; `more` goes into the table of Patient.
pub fn settings(base: &str, more: Value) -> Value {
    let mut patient = json!({
        "id": "/id",
        "version": "/rev",
        "etag": true,
        "last-modified": "/changed",
        "read": { "path": "/people/{id}", "record": "/data" },
        "create": { "path": "/people", "record": "/data" },
        "update": { "path": "/people/{id}", "record": "/data" },
        "delete": { "path": "/people/{id}" },
        "search": {
            "path": "/people",
            "items": "/data",
            "total": "/meta/total",
            "parameters": {
                "identifier": { "name": "mrn", "type": "token", "system": "urn:frontdesk:contract" },
                "family": { "name": "last_name", "type": "string" },
                "gender": { "name": "sex", "type": "token", "values": { "male": "M", "female": "F" } },
            },
            "paging": { "style": "page", "parameter": "page", "size": "per_page" },
        },
        "fields": [
            { "fhir": "identifier[0].system", "constant": "urn:frontdesk:contract" },
            { "fhir": "identifier[0].value", "json": "/mrn",
              "expression": "identifier.where(system = 'urn:frontdesk:contract').value.first()" },
            { "fhir": "name[0].family", "json": "/last_name" },
            { "fhir": "gender", "json": "/sex", "values": { "male": "M", "female": "F" } },
            { "fhir": "birthDate", "json": "/dob", "format": "%d.%m.%Y" },
            { "json": "/source", "constant": "frontdesk" },
        ],
    });
    patient.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "base": base, "errors": { "message": "/error/message" }, "resources": { "Patient": patient } })
}

impl Crm {
    /// An adapter before it.
    pub async fn adapter(&self, more: Value) -> Arc<JsonApi> {
        let mut settings = settings(&self.base, more);
        settings["header"] = json!({ "name": "x-api-key", "value": { "file": self.key.path() } });
        settings["health"] = json!("/ping");
        adapter(settings).await
    }
}

pub async fn adapter(settings: Value) -> Arc<JsonApi> {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    Arc::new(JsonApi::connect(settings, alone::host(Path::new("."))).await.unwrap())
}

pub fn patient(json: &str) -> Resource {
    Resource::new(ResourceType::PATIENT, Version::R4, json.to_owned())
}

pub fn create(json: &str) -> Call {
    alone::call(Interaction::Create { resource: patient(json), if_none_exist: None })
}

pub fn read(id: &Id) -> Call {
    alone::call(Interaction::Read { resource_type: ResourceType::PATIENT, id: id.clone() })
}

pub fn search(query: &str) -> Call {
    let query = Query::parse(query);
    alone::call(Interaction::SearchType { resource_type: ResourceType::PATIENT, compartment: None, query })
}

pub fn json_of(reply: &Reply) -> Value {
    let Body::Bytes(bytes) = &reply.body else { panic!("expected a body") };
    serde_json::from_slice(bytes).unwrap()
}

pub async fn ids(adapter: &dyn Adapter, query: &str) -> usize {
    let bundle = json_of(&adapter.perform(search(query)).await.unwrap());
    bundle["entry"].as_array().map_or(0, Vec::len)
}
