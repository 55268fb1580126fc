//! What a practice's base offers, put together from what its adapters offer now.

use std::collections::BTreeSet;

use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use search::ParameterType;

use super::includes;
use super::table::{Route, find, offers};

/// The system-level interactions that are routed rather than answered by the gateway itself.
const SYSTEM: [InteractionCode; 2] = [InteractionCode::SearchSystem, InteractionCode::HistorySystem];

/// Merges the capabilities as the routes let them through. Each fact about a type comes from the adapter that would
/// answer the interaction that it belongs to.
pub(super) fn merge(routes: &[Route]) -> Capability {
    let version = routes.first().map_or(Version::R4, |route| route.capability().version);
    let mut merged = Capability::empty(version);
    let types: BTreeSet<ResourceType> =
        routes.iter().flat_map(|route| route.capability().resources.keys().copied().collect::<Vec<_>>()).collect();
    for resource_type in types {
        let resource = merge_type(routes, resource_type);
        if !resource.interactions.is_empty() || !resource.operations.is_empty() {
            merged.resources.insert(resource_type, resource);
        }
    }
    merged.system = SYSTEM.into_iter().filter(|code| find(routes, None, *code).is_some()).collect();
    // A batch is taken apart by the gateway; a transaction goes wherever all of its entries lead.
    merged.system.extend((!routes.is_empty()).then_some(InteractionCode::Batch));
    let transacts = routes.iter().any(|route| route.capability().offers(None, InteractionCode::Transaction));
    merged.system.extend(transacts.then_some(InteractionCode::Transaction));
    if let Some(route) = find(routes, None, InteractionCode::Operation) {
        merged.operations = route.capability().operations.clone();
    }
    includes::settle(&mut merged);
    merged
}

fn merge_type(routes: &[Route], resource_type: ResourceType) -> ResourceCapability {
    let mut merged = ResourceCapability::default();
    for code in InteractionCode::ALL.iter().copied() {
        let Some(route) = find(routes, Some(resource_type), code) else { continue };
        let capability = route.capability();
        if !offers(&capability, Some(resource_type), code) {
            continue;
        }
        if code != InteractionCode::Operation {
            merged.interactions.insert(code);
        }
        let Some(offered) = capability.resources.get(&resource_type) else { continue };
        take(&mut merged, offered, code);
        if code == InteractionCode::SearchType {
            add_defined(&mut merged, route, resource_type);
        }
        merged.profiles.extend(offered.profiles.iter().cloned());
        merged.profiles.extend(route.profiles(resource_type).map(str::to_owned));
    }
    merged
}

/// What packages of the practice define, where the adapter searches by it.
fn add_defined(merged: &mut ResourceCapability, route: &Route, resource_type: ResourceType) {
    let vocabulary = route.vocabulary();
    for parameter in search::added(vocabulary, resource_type) {
        merged.search.insert(parameter.code.to_owned(), parameter.kind.code().to_owned());
        if parameter.kind == ParameterType::Reference {
            merged.include.insert(format!("{resource_type}:{}", parameter.code));
        }
    }
    for source in route.capability().resources.keys() {
        let points_here = |parameter: &&search::Parameter| parameter.targets.contains(&resource_type);
        let pointing = search::added(vocabulary, *source).filter(points_here);
        merged.revinclude.extend(pointing.map(|parameter| format!("{source}:{}", parameter.code)));
    }
}

fn take(merged: &mut ResourceCapability, offered: &ResourceCapability, code: InteractionCode) {
    match code {
        InteractionCode::Read => merged.versioning = offered.versioning.clone(),
        InteractionCode::Create => merged.conditional_create = offered.conditional_create,
        InteractionCode::Update => {
            merged.update_create = offered.update_create;
            merged.conditional_update = offered.conditional_update;
        }
        InteractionCode::Delete => merged.conditional_delete = offered.conditional_delete.clone(),
        InteractionCode::SearchType => {
            merged.search = offered.search.clone();
            merged.include = offered.include.clone();
            merged.revinclude = offered.revinclude.clone();
        }
        InteractionCode::Operation => merged.operations = offered.operations.clone(),
        _ => {}
    }
}
