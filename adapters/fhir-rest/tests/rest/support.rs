//! An adapter under test, and calls to it.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::contract::alone;
pub use adapter::contract::alone::{BASE, host};
use adapter::{Adapter, AdapterKind as _, Body, Call, Error, ErrorKind, Reply, Trace};
use bytes::Bytes;
use fhir::{Interaction, Query, Resource, ResourceType, Version};
use fhir_rest::FhirRest;
use fhir_rest::settings::Settings;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

/// Settings with this base and these members.
pub fn settings(base: &str, more: Value) -> Settings {
    let mut all = json!({ "base": base, "capability": "configured" });
    if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    serde_json::from_value(all).unwrap()
}

/// An adapter before that base, whose capability is not asked for.
pub async fn adapter(base: &str, more: Value) -> Arc<FhirRest> {
    Arc::new(FhirRest::connect(settings(base, more), host(Path::new("."))).await.unwrap())
}

/// A call of that interaction, which is traced.
pub fn call(interaction: Interaction) -> Call {
    let trace = Trace {
        request_id: "request-1".into(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        tracestate: None,
    };
    Call { deadline: Instant::now() + Duration::from_secs(5), trace, ..alone::call(interaction) }
}

pub fn read(id: &str) -> Call {
    call(Interaction::Read { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() })
}

pub fn create(json: impl Into<Bytes>) -> Call {
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, json);
    call(Interaction::Create { resource, if_none_exist: None })
}

pub fn update(id: &str, version: Option<&str>) -> Call {
    let resource =
        Resource::new(ResourceType::PATIENT, Version::R4, format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#));
    let if_match = version.map(|version| version.parse().unwrap());
    call(Interaction::Update { id: id.parse().unwrap(), resource, if_match })
}

pub fn search(query: &str) -> Call {
    let query = Query::parse(query);
    call(Interaction::SearchType { resource_type: ResourceType::PATIENT, compartment: None, query })
}

/// All of a reply's body.
pub async fn whole(reply: Reply) -> Result<Bytes, Error> {
    match reply.body {
        Body::Empty => Ok(Bytes::new()),
        Body::Bytes(bytes) => Ok(bytes),
        Body::Stream(_, mut pieces) => {
            let mut all = Vec::new();
            while let Some(piece) = pieces.next().await {
                all.extend_from_slice(&piece?);
            }
            Ok(all.into())
        }
    }
}

/// Performs a call and reads its body.
pub async fn perform(adapter: &impl Adapter, call: Call) -> Result<Bytes, Error> {
    whole(adapter.perform(call).await?).await
}

/// How a call fails.
pub async fn failure(adapter: &impl Adapter, call: Call) -> ErrorKind {
    perform(adapter, call).await.unwrap_err().kind
}
