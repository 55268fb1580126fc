//! The example, and adapters before it or before a script.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use adapter::contract::alone;
use adapter::{Adapter, AdapterKind as _, Call, Error};
use fhir::{Interaction, InteractionCode, Query, ResourceType};
use http_json::process::Process;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The example, until it is dropped.
pub struct Billing {
    pub url: String,
    _process: Child,
}

/// Starts `examples/billing.py` on a free port.
pub async fn billing(secret: &str) -> Billing {
    let mut process = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/billing.py"))
        .arg("127.0.0.1:0")
        .env("BILLING_SECRET", secret)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    Billing { url: format!("http://{address}"), _process: process }
}

/// An adapter with these settings, whatever it offers.
pub async fn adapter(settings: Value) -> Arc<Process> {
    let settings = serde_json::from_value(settings).unwrap();
    Arc::new(Process::connect(settings, alone::host(Path::new("."))).await.unwrap())
}

/// An adapter that has read the capability of its process.
pub async fn discovering(settings: Value) -> Arc<Process> {
    let adapter = adapter(settings).await;
    for _ in 0..500 {
        if adapter.capability().resources.len() < 50 {
            return adapter;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the capability was not read");
}

/// A base that is a script's.
pub fn at(base: &str) -> Value {
    json!({ "url": base, "capability-refresh": "1h" })
}

pub fn read(id: &str) -> Call {
    alone::call(Interaction::Read { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() })
}

pub fn search(query: &str) -> Call {
    let query = Query::parse(query);
    alone::call(Interaction::SearchType { resource_type: ResourceType::PATIENT, compartment: None, query })
}

pub async fn failure(adapter: &dyn Adapter, call: Call) -> Error {
    adapter.perform(call).await.unwrap_err()
}

/// Whether Patients can be searched.
pub fn offers_search(adapter: &dyn Adapter) -> bool {
    adapter.capability().offers(Some(ResourceType::PATIENT), InteractionCode::SearchType)
}
