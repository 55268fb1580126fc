//! What `/metadata` says of includes over routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::Practice;
use fhir::{Capability, InteractionCode, ResourceType};
use search::{Parameter, ParameterType};

use super::leads_away;
use crate::route::{Plan, Routes};

/// Adds the includes between types of several adapters, which the gateway follows itself, to what a practice's adapters offer.
pub fn add_includes(routes: &Routes, practice: &Practice, capability: &mut Capability) {
    let searched = capability.resources.keys().filter_map(|of| {
        let plan = routes.searched(practice, *of, InteractionCode::SearchType)?;
        Some((*of, plan))
    });
    let plans: BTreeMap<ResourceType, Arc<Plan>> = searched.collect();
    let mut found = Vec::new();
    for source in plans.keys() {
        for parameter in references(capability, *source) {
            let targets = plans.keys().filter(|target| parameter.targets.contains(target));
            let mut away = targets.filter(|target| is_between(&plans, *source, **target)).peekable();
            if away.peek().is_some() {
                found.push((*source, parameter.code, away.copied().collect::<Vec<_>>()));
            }
        }
    }
    for (source, code, targets) in found {
        let include = format!("{source}:{code}");
        for target in targets {
            if let Some(resource) = capability.resources.get_mut(&target) {
                resource.revinclude.insert(include.clone());
            }
        }
        if let Some(resource) = capability.resources.get_mut(&source) {
            resource.include.insert(include);
        }
    }
}

/// The references by which resources of a type can be searched.
fn references(capability: &Capability, of: ResourceType) -> impl Iterator<Item = &'static Parameter> + '_ {
    let offered = capability.resources.get(&of).map(|resource| &resource.search);
    let is_offered = move |parameter: &&Parameter| {
        parameter.kind == ParameterType::Reference
            && offered.is_some_and(|offered| offered.contains_key(&*parameter.code))
    };
    search::parameters(capability.version, of).iter().filter(is_offered)
}

/// Whether a reference between the types leads from one adapter to another.
fn is_between(plans: &BTreeMap<ResourceType, Arc<Plan>>, source: ResourceType, target: ResourceType) -> bool {
    let (Some(here), Some(there)) = (plans.get(&source), plans.get(&target)) else { return false };
    leads_away(here, there, target) || leads_away(there, here, source)
}
