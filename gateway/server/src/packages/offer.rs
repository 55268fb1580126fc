//! Search parameters that packages define, for searches.

use std::collections::BTreeMap;

use fhir::{ResourceType, Version};
use package::{Artefact, Registry};
use search::Adding;

/// Gathers the search parameters of packages: of every package that was loaded, and of one that is built in when `listed` has its name
/// with its version. Those of listed versions come first: where two packages define the same code, the first one stands. What
/// cannot be added is logged.
pub(super) fn search_parameters(registry: &Registry, listed: &BTreeMap<String, String>, adding: &mut Adding) {
    let version = registry.version();
    let built_in = Registry::built_in(version).packages();
    let is_listed = |artefact: &Artefact| {
        let package = artefact.package();
        package.is_some_and(|(name, version)| listed.get(name).is_some_and(|listed| listed == version))
    };
    let is_built_in = |artefact: &Artefact| {
        let package = artefact.package();
        built_in.iter().any(|(name, version)| package == Some((name.as_str(), version.as_str())))
    };
    let all = || registry.artefacts(ResourceType::SEARCH_PARAMETER);
    all().filter(|artefact| is_listed(artefact)).for_each(|artefact| add(version, artefact, adding));
    let others = all().filter(|artefact| !is_listed(artefact) && !is_built_in(artefact));
    others.for_each(|artefact| add(version, artefact, adding));
}

fn add(version: Version, artefact: &Artefact, adding: &mut Adding) {
    let Some(json) = artefact.json() else { return };
    if let Err(error) = adding.add(version, json) {
        tracing::warn!(url = artefact.url(), %error, "a search parameter of a package is left out");
    }
}
