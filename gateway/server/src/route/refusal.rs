//! What is said to a request that no adapter takes: what is served instead.

use fhir::interaction::Level;
use fhir::{Capability, Interaction, InteractionCode, IssueType, ResourceType};
use http::StatusCode;
use http::header::ALLOW;

use super::table::{Route, find, offers, operations, patches};
use crate::failure::Failure;

/// Refuses what the adapter's capability does not have, before the adapter is called.
pub(super) fn check(routes: &[Route], interaction: &Interaction, capability: &Capability) -> Result<(), Failure> {
    let resource_type = interaction.resource_type();
    if let Interaction::Operation { name, level, .. } = interaction {
        return check_operation(capability, name, level);
    }
    if !offers(capability, resource_type, interaction.code()) {
        return Err(no_route(routes, interaction));
    }
    let Some(offered) = resource_type.and_then(|resource_type| capability.resources.get(&resource_type)) else {
        return Ok(());
    };
    match interaction {
        Interaction::Create { if_none_exist: Some(_), .. } if !offered.conditional_create => {
            Err(not_honoured("If-None-Exist"))
        }
        Interaction::ConditionalUpdate { .. } if !offered.conditional_update => {
            Err(not_honoured("a conditional update"))
        }
        Interaction::ConditionalPatch { resource_type, .. } if !offered.conditional_update => {
            // The gateway searches and patches itself, where it can.
            let searches = offered.interactions.contains(&InteractionCode::SearchType);
            if searches && patches(capability, *resource_type) {
                return Ok(());
            }
            Err(not_honoured("a conditional patch"))
        }
        Interaction::ConditionalDelete { .. } if offered.conditional_delete.is_none() => {
            Err(not_honoured("a conditional delete"))
        }
        _ => Ok(()),
    }
}

fn check_operation(capability: &Capability, name: &str, level: &Level) -> Result<(), Failure> {
    let known = match level {
        Level::System => capability.operations.clone(),
        Level::Type(resource_type) | Level::Instance(resource_type, _) => {
            operations(capability.resources.get(resource_type))
        }
    };
    if known.contains_key(name) {
        return Ok(());
    }
    let served = list(known.keys().map(|name| format!("${name}")));
    // FHIR http.html#ops: an operation that there is not is a resource that there is not.
    Err(Failure::new(
        StatusCode::NOT_FOUND,
        IssueType::NotSupported,
        format!("no operation of that name is served here (served: {served})"),
    ))
}

fn not_honoured(what: &str) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        IssueType::NotSupported,
        format!("the back end of this resource type does not honour {what}"),
    )
}

/// 404 when the type is not served at all, 405 with Allow when it is served otherwise (RFC 9110 15.5.6).
pub(super) fn no_route(routes: &[Route], interaction: &Interaction) -> Failure {
    let resource_type = interaction.resource_type();
    let served = served(routes, resource_type);
    match resource_type {
        Some(resource_type) if served.is_empty() => no_type(routes, resource_type),
        _ => not_offered(interaction, &served),
    }
}

fn no_type(routes: &[Route], resource_type: ResourceType) -> Failure {
    let types = super::capability::merge(routes).resources;
    let types = list(types.keys().map(|served| served.as_str().to_owned()));
    Failure::new(
        StatusCode::NOT_FOUND,
        IssueType::NotSupported,
        format!("{resource_type} is not served here (served: {types})"),
    )
}

fn not_offered(interaction: &Interaction, served: &[InteractionCode]) -> Failure {
    let place = interaction.resource_type().map_or("this base", ResourceType::as_str);
    let names = list(served.iter().map(|code| code.code().to_owned()));
    let text = format!("{} is not offered on {place} (offered: {names})", interaction.code().code());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
        .with_header(ALLOW, allow(interaction, served))
}

fn served(routes: &[Route], resource_type: Option<ResourceType>) -> Vec<InteractionCode> {
    InteractionCode::ALL
        .iter()
        .copied()
        .filter(|code| {
            find(routes, resource_type, *code).is_some_and(|route| offers(&route.capability(), resource_type, *code))
        })
        .collect()
}

/// The methods that the request's URL takes, given what is served on its type.
fn allow(interaction: &Interaction, served: &[InteractionCode]) -> String {
    let methods = methods_at(interaction)
        .iter()
        .filter(|(code, _)| served.contains(code))
        .flat_map(|(_, methods)| methods.iter().copied());
    list(methods.map(str::to_owned))
}

type Methods = &'static [(InteractionCode, &'static [&'static str])];

fn methods_at(interaction: &Interaction) -> Methods {
    match interaction {
        Interaction::Read { .. }
        | Interaction::Update { .. }
        | Interaction::Patch { .. }
        | Interaction::Delete { .. } => &[
            (InteractionCode::Read, &["GET", "HEAD"]),
            (InteractionCode::Update, &["PUT"]),
            (InteractionCode::Patch, &["PATCH"]),
            (InteractionCode::Delete, &["DELETE"]),
        ],
        Interaction::Create { .. } | Interaction::SearchType { .. } => {
            &[(InteractionCode::SearchType, &["GET", "HEAD"]), (InteractionCode::Create, &["POST"])]
        }
        Interaction::ConditionalUpdate { .. }
        | Interaction::ConditionalPatch { .. }
        | Interaction::ConditionalDelete { .. } => &[
            (InteractionCode::SearchType, &["GET", "HEAD"]),
            (InteractionCode::Create, &["POST"]),
            (InteractionCode::Update, &["PUT"]),
            (InteractionCode::Patch, &["PATCH"]),
            (InteractionCode::Delete, &["DELETE"]),
        ],
        Interaction::SearchSystem { .. } | Interaction::Batch { .. } => {
            &[(InteractionCode::SearchSystem, &["GET", "HEAD"]), (InteractionCode::Batch, &["POST"])]
        }
        _ => &[],
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
