//! Which `_include` and `_revinclude` a base offers: those of its adapters, as far as what they would bring is served here, and those
//! between types of different adapters, which the gateway does by further searches (`federate/across/`).

use std::collections::BTreeSet;

use fhir::{Capability, InteractionCode, ResourceType};
use search::{Parameter, ParameterType};

use super::table::{Route, find};

/// Puts the includes of a merged capability right.
pub(super) fn settle(routes: &[Route], merged: &mut Capability) {
    let searched: BTreeSet<ResourceType> = merged
        .resources
        .iter()
        .filter(|(_, resource)| resource.interactions.contains(&InteractionCode::SearchType))
        .map(|(of, _)| *of)
        .collect();
    let served: BTreeSet<ResourceType> = merged.resources.keys().copied().collect();
    for (of, resource) in &mut merged.resources {
        let version = merged.version;
        resource.include.retain(|value| {
            let code = value.split(':').nth(1).unwrap_or_default();
            let parameter = search::parameter(version, *of, code);
            // What the specification does not know, only its back end does.
            parameter.is_none_or(|known| leads_to_some(known, &served))
        });
        resource.revinclude.retain(|value| {
            let source = value.split(':').next().and_then(|source| source.parse().ok());
            source.is_some_and(|source| searched.contains(&source))
        });
    }
    for source in &searched {
        add_across(routes, *source, &searched, merged);
    }
}

fn leads_to_some(parameter: &Parameter, served: &BTreeSet<ResourceType>) -> bool {
    parameter.targets.is_empty() || parameter.targets.iter().any(|target| served.contains(target))
}

/// From a type to those that another adapter is searched for. A reference to it is followed by a search by its id, and backwards by a
/// search of the source by the reference.
fn add_across(routes: &[Route], source: ResourceType, searched: &BTreeSet<ResourceType>, merged: &mut Capability) {
    let search = |of: ResourceType| find(routes, Some(of), InteractionCode::SearchType);
    let Some(here) = search(source) else { return };
    let is_elsewhere = |of: &ResourceType| search(*of).is_some_and(|there| there.destination() != here.destination());
    let references = search::parameters(here.vocabulary(), source).iter();
    for parameter in references.filter(|parameter| parameter.kind == ParameterType::Reference) {
        let value = format!("{source}:{}", parameter.code);
        let targets = parameter.targets.iter().filter(|target| searched.contains(target));
        let elsewhere: Vec<ResourceType> = targets.copied().filter(is_elsewhere).collect();
        if elsewhere.is_empty() {
            continue;
        }
        let Some(own) = merged.resources.get_mut(&source) else { continue };
        own.include.insert(value.clone());
        if !own.search.contains_key(parameter.code) {
            continue;
        }
        for target in elsewhere {
            if let Some(pointed_at) = merged.resources.get_mut(&target) {
                pointed_at.revinclude.insert(value.clone());
            }
        }
    }
}
