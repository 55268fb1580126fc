//! Routes of one type that stand in order: those with a condition, and the one that takes the rest. Together they are one route to
//! all of their adapters.

use std::collections::HashSet;

use config::{Route, Types};
use fhir::ResourceType;

/// A route as it is built.
pub(super) struct Group {
    /// What it takes, and all adapters that it leads to.
    pub(super) settings: Route,
    /// The routes that content decides between, in order; none for a route that stands alone.
    pub(super) choices: Vec<Route>,
}

/// The routes of the configuration, in their order.
pub(super) fn of(routes: &[Route]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut known = HashSet::new();
    for (index, route) in routes.iter().enumerate() {
        if route.when.is_none() {
            groups.push(Group { settings: route.clone(), choices: Vec::new() });
            continue;
        }
        for entry in &route.types {
            if let Types::One(of) = entry
                && known.insert((route.practice.as_str(), *of))
            {
                groups.extend(Group::of_type(*of, &route.practice, routes.get(index..).unwrap_or_default()));
            }
        }
    }
    groups
}

impl Group {
    fn of_type(of: ResourceType, practice: &str, routes: &[Route]) -> Option<Self> {
        let takes = |route: &&Route| {
            let is_named = route.types.contains(&Types::One(of));
            let is_rest = route.when.is_none() && route.types.contains(&Types::All);
            route.practice == practice && route.interactions.is_none() && (is_named || is_rest)
        };
        let mut choices = Vec::new();
        for route in routes.iter().filter(takes) {
            choices.push(route.clone());
            if route.when.is_none() {
                break;
            }
        }
        let last = choices.last()?;
        let mut settings = Route { types: vec![Types::One(of)], when: None, owners: None, ..last.clone() };
        settings.adapters = Vec::new();
        for name in choices.iter().flat_map(Route::adapters) {
            if !settings.adapters.iter().any(|known| known == name) {
                settings.adapters.push(name.to_owned());
            }
        }
        settings.adapter = String::new();
        if let [only] = settings.adapters.as_slice() {
            settings.adapter = only.clone();
            settings.adapters.clear();
        }
        for route in &choices {
            settings.references.extend(route.references.clone());
        }
        Some(Self { settings, choices })
    }
}
