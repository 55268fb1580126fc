//! Which `_include` and `_revinclude` of its adapters a base offers: those that would bring what is served here. Those between types of
//! different adapters, which the gateway follows by further searches, come from `federate/across/describe.rs`.

use std::collections::BTreeSet;

use fhir::{Capability, InteractionCode, ResourceType};
use search::Parameter;

/// Takes away the includes of a merged capability that lead to nothing.
pub(super) fn settle(merged: &mut Capability) {
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
}

fn leads_to_some(parameter: &Parameter, served: &BTreeSet<ResourceType>) -> bool {
    parameter.targets.is_empty() || parameter.targets.iter().any(|target| served.contains(target))
}
