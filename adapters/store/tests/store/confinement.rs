//! What a confined call sees equals what it would see on a store that holds only its compartment and the types that are free, over
//! random data and random queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use adapter::{Adapter as _, Call, Practice};
use fhir::json::{Document, Limits, scan};
use fhir::{Compartment, Interaction, Query, ResourceType, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use store::Store;

use super::fresh;
use crate::support::{BASE, Place, call, json as json_of, resource};

const FREE: [ResourceType; 2] = [ResourceType::PRACTITIONER, ResourceType::ORGANIZATION];

fn reference() -> impl Strategy<Value = Value> {
    let of = |kinds: &'static [&'static str]| (select(kinds), 1..4_u8, any::<bool>());
    let form = (of(&["Patient", "Practitioner", "Organization", "Appointment"]), prop::bool::weighted(0.2));
    form.prop_map(|((kind, id, is_absolute), is_of_version)| {
        let base = if is_absolute { format!("{BASE}/") } else { String::new() };
        let version = if is_of_version { "/_history/1" } else { "" };
        json!({ "reference": format!("{base}{kind}/{id}{version}") })
    })
}

/// A resource of any of the types, with an id from 1 to 3.
fn any_resource() -> impl Strategy<Value = Value> {
    let name = select(vec!["Smith", "Jones"]);
    let kind = select(vec!["Patient", "Practitioner", "Organization", "Appointment", "Observation"]);
    (kind, 1..4_u8, name, vec(reference(), 1..3), 0..4_u8).prop_map(|(kind, id, name, references, number)| {
        let first = references.first().cloned();
        let mut resource = match kind {
            "Organization" => json!({ "name": name, "partOf": first }),
            "Patient" => json!({ "name": [{ "family": name }], "managingOrganization": first }),
            "Practitioner" => json!({ "name": [{ "family": name }] }),
            "Appointment" => {
                let participants: Vec<Value> =
                    references.iter().map(|actor| json!({ "actor": actor, "status": "accepted" })).collect();
                json!({ "status": "booked", "participant": participants, "comment": name })
            }
            _ => json!({
                "status": "final", "code": { "text": name }, "subject": first, "valueQuantity": { "value": number }
            }),
        };
        resource["resourceType"] = kind.into();
        resource["id"] = id.to_string().into();
        resource
    })
}

fn query() -> impl Strategy<Value = (&'static str, String)> {
    let criterion = select(vec![
        ("Appointment", "actor:Patient.family=smith"),
        ("Appointment", "actor:Practitioner.family=smith"),
        ("Appointment", "actor.family=jones"),
        ("Appointment", "patient.organization.name=smith"),
        ("Appointment", "patient._has:Observation:subject:value-quantity=gt1"),
        ("Appointment", "status=booked"),
        ("Patient", "_has:Appointment:patient:status=booked"),
        ("Patient", "organization.partof.name=jones"),
        ("Patient", ""),
        ("Practitioner", "_has:Appointment:actor:status=booked"),
        ("Practitioner", "_has:Appointment:actor:patient.family=smith"),
        ("Practitioner", "_has:Appointment:actor:actor:Patient._id:not=2"),
        ("Practitioner", ""),
        ("Organization", "_has:Patient:organization:family=smith"),
        ("Organization", "_has:Patient:organization:_has:Observation:subject:value-quantity=lt2"),
        ("Organization", "partof.name=smith"),
        ("Observation", "subject:Patient.family=smith"),
        ("Observation", "value-quantity=gt1"),
    ]);
    let more = select(vec![
        "",
        "_include=*",
        "_include=*&_include:iterate=*",
        "_revinclude=Appointment:actor",
        "_revinclude=Appointment:*&_revinclude:iterate=Observation:subject&_include:iterate=Patient:organization",
        "_revinclude=Patient:organization&_revinclude:iterate=Observation:*",
        "_summary=count",
        "_sort=-_id&_count=1",
        "_total=none&_count=2",
    ]);
    (criterion, more).prop_map(|((kind, criterion), more)| (kind, format!("{criterion}&{more}")))
}

/// Whether a resource may be seen: decided on its bytes alone.
fn is_visible(resource: &Value, patient: &Compartment) -> bool {
    let resource_type: ResourceType = resource["resourceType"].as_str().unwrap().parse().unwrap();
    let (bytes, mut nodes) = (resource.to_string(), Vec::new());
    scan(bytes.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let document = Document::new(bytes.as_bytes(), &nodes);
    FREE.contains(&resource_type)
        || search::compartment::contains(document, resource_type, Version::R4, patient, Some(BASE))
}

async fn put(store: &Store, practice: &Practice, json: &Value) {
    let id = json["id"].as_str().unwrap().parse().unwrap();
    let update = Interaction::Update { id, resource: resource(&json.to_string()), if_match: None };
    store.perform(Call { practice: practice.clone(), ..call(update) }).await.unwrap();
}

/// Every page: modes and URLs of the entries, total, whether there is a next page.
async fn seen(store: &Store, call: Call) -> Vec<(Vec<String>, Value, bool)> {
    let (mut pages, mut next) = (Vec::new(), Some(call));
    while let Some(call) = next {
        let resource_type = call.interaction.resource_type().unwrap();
        let reply = store.perform(call.clone()).await;
        let bundle =
            json_of(&reply.unwrap_or_else(|error| panic!("{:?}", error.issues.first().map(|issue| &issue.text))));
        let mut entries: Vec<String> = bundle["entry"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| format!("{} {}", entry["search"]["mode"], entry["fullUrl"]))
            .collect();
        entries.sort();
        let link = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
        pages.push((entries, bundle["total"].clone(), link.is_some()));
        next = link.map(|link| {
            let query = Query::parse(link["url"].as_str().unwrap().split_once('?').unwrap().1);
            Call { interaction: Interaction::SearchType { resource_type, compartment: None, query }, ..call }
        });
    }
    pages
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_confined_call_sees_what_a_store_of_its_compartment_alone_would_show(
        resources in vec(any_resource(), 1..20),
        queries in vec(query(), 1..14),
    ) {
        thread_local! {
            static STORE: (Place, Store) = fresh();
        }
        static PRACTICES: AtomicU32 = AtomicU32::new(0);
        let number = PRACTICES.fetch_add(1, Ordering::Relaxed);
        let (all, alone) = (Practice::new(&format!("all{number}")), Practice::new(&format!("alone{number}")));
        let patient = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        // Of what is written to one id the last stands.
        let mut last: Vec<Value> = Vec::new();
        for resource in resources {
            last.retain(|other| other["resourceType"] != resource["resourceType"] || other["id"] != resource["id"]);
            last.push(resource);
        }
        STORE.with(|(_, store)| runtime.block_on(async {
            for resource in &last {
                put(store, &all, resource).await;
                if is_visible(resource, &patient) {
                    put(store, &alone, resource).await;
                }
            }
            for (kind, query) in queries {
                let interaction = Interaction::SearchType {
                    resource_type: kind.parse().unwrap(), compartment: None, query: Query::parse(query.trim_matches('&')),
                };
                let open = Call { practice: alone.clone(), ..call(interaction.clone()) };
                let confined = Call {
                    practice: all.clone(),
                    confined_to: Some(patient.clone()),
                    directory: Arc::from(FREE),
                    ..call(interaction)
                };
                assert_eq!(seen(store, confined).await, seen(store, open).await, "{kind}?{query}");
            }
        }));
    }
}
