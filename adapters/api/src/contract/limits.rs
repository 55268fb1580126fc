//! Rules of what is not offered, of deadlines and of health.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fhir::interaction::{Level, Parameters, Patch, PatchFormat};
use fhir::{Interaction, InteractionCode, Query, ResourceType};

use super::bench::refused;
use super::{Bench, Checked, Rule, Verdict, expect, rule};
use crate::ErrorKind;

pub(super) const RULES: &[Rule] = &[
    rule!(Must, [], "what is not offered is refused as not supported", refuses_the_rest),
    rule!(Must, [Create], "a call past its deadline ends at once, with a failure", heeds_the_deadline),
    rule!(Must, [], "health answers within five seconds", health_answers),
    rule!(Must, [], "the capability names a type for everything it offers", capability_is_sound),
];

async fn refuses_the_rest(bench: &Bench) -> Checked {
    let capability = bench.adapter.capability();
    for interaction in samples(bench) {
        let code = interaction.code();
        if capability.offers(interaction.resource_type(), code) {
            continue;
        }
        let result = bench.perform(interaction).await;
        refused(&result, &[ErrorKind::NotSupported], &format!("`{}`", code.code()))?;
    }
    Ok(Verdict::Kept)
}

/// One of each interaction that adapters often lack. None of them may do harm.
fn samples(bench: &Bench) -> Vec<Interaction> {
    let resource_type = ResourceType::PATIENT;
    let Ok(id) = bench.unique().parse::<fhir::Id>() else { return Vec::new() };
    let query = Query::default();
    let patch = Patch { format: PatchFormat::Json, bytes: Bytes::from_static(b"[]") };
    let bundle = r#"{"resourceType":"Bundle","type":"transaction"}"#;
    vec![
        Interaction::Patch { resource_type, id: id.clone(), patch, if_match: None },
        Interaction::HistoryInstance { resource_type, id, query: query.clone() },
        Interaction::HistoryType { resource_type, query: query.clone() },
        Interaction::HistorySystem { query: query.clone() },
        Interaction::SearchSystem { compartment: None, query: query.clone() },
        Interaction::Batch { bundle: bench.resource(ResourceType::BUNDLE, bundle), transaction: true },
        Interaction::Operation {
            name: "no-such-operation".to_owned(),
            level: Level::Type(resource_type),
            parameters: Parameters::Query(query),
        },
    ]
}

async fn heeds_the_deadline(bench: &Bench) -> Checked {
    let resource = bench.patient(&bench.unique(), "Late");
    let mut call = bench.call(Interaction::Create { resource, if_none_exist: None });
    call.deadline = Instant::now();
    let begun = Instant::now();
    let result = tokio::time::timeout(Duration::from_secs(5), bench.adapter.perform(call)).await;
    let took = begun.elapsed();
    let result = result.map_err(|_| "expected an end, 5 s after the deadline there was none".to_owned())?;
    let kinds = [ErrorKind::Timeout, ErrorKind::Shed, ErrorKind::Unavailable, ErrorKind::Unreachable];
    refused(&result, &kinds, "a call past its deadline")?;
    expect(took < Duration::from_secs(1), || format!("expected an end at once: it took {took:?}"))?;
    Ok(Verdict::Kept)
}

async fn health_answers(bench: &Bench) -> Checked {
    let health = tokio::time::timeout(Duration::from_secs(5), bench.adapter.health()).await;
    health.map(|_| Verdict::Kept).map_err(|_| "expected an answer within five seconds".to_owned())
}

async fn capability_is_sound(bench: &Bench) -> Checked {
    let capability = bench.adapter.capability();
    for (resource_type, resource) in &capability.resources {
        expect(resource_type.is_in(capability.version), || {
            format!("expected types of {}: {resource_type}", capability.version)
        })?;
        let offers_search = resource.interactions.contains(&InteractionCode::SearchType);
        expect(offers_search || resource.search.is_empty(), || {
            format!("expected no search parameters of {resource_type} without search-type")
        })?;
    }
    Ok(Verdict::Kept)
}
