//! Routes: their names resolve, and each can be reached.

use fhir::{InteractionCode, ResourceType, Version};

use super::Meaning;
use crate::settings::{Route, Types};

pub(super) fn check(meaning: &mut Meaning<'_>) {
    let routes = &meaning.config.routes;
    if routes.is_empty() {
        meaning.fault(&[], "there is no route, so that nothing would be answered", "expected [[routes]]");
    }
    for (index, route) in routes.iter().enumerate() {
        let index_text = index.to_string();
        let at = |setting| ["routes", index_text.as_str(), setting];
        adapters(meaning, &index_text, route);
        meaning.practice(&at("practice"), &route.practice);
        types(meaning, &index_text, route);
        condition(meaning, &index_text, route);
        owners(meaning, &index_text, route);
        if route.interactions.as_ref().is_some_and(|interactions| interactions.is_empty()) {
            meaning.fault(
                &at("interactions"),
                "the route takes nothing",
                "expected such as [\"read\", \"search-type\"]",
            );
        }
        if let Some(earlier) = routes[..index].iter().position(|earlier| hides(earlier, route)) {
            let message = format!("route {index} can never be reached: route {earlier} takes all that it would");
            meaning.fault(&["routes", &index_text], message, "expected before that route, or narrower there");
        }
    }
}

/// A route names one adapter, or several that can be told apart by their prefixes.
fn adapters(meaning: &mut Meaning<'_>, index: &str, route: &Route) {
    let known = || meaning.config.adapters.keys().map(String::as_str);
    let expected = "expected adapter = \"…\", or adapters = [\"…\", \"…\"]";
    match (route.adapter.is_empty(), route.adapters.is_empty()) {
        (true, true) => return meaning.fault(&["routes", index], "the route leads nowhere", expected),
        (false, false) => {
            let message = "the route names `adapter` and `adapters`";
            return meaning.fault(&["routes", index, "adapters"], message, "expected one of them");
        }
        (false, true) => meaning.known(&["routes", index, "adapter"], "adapter", &route.adapter, known()),
        (true, false) => several(meaning, index, route),
    }
    for (of, adapter) in &route.references {
        meaning.known(&["routes", index, "references", of.as_str()], "adapter", adapter, known());
    }
}

fn several(meaning: &mut Meaning<'_>, index: &str, route: &Route) {
    let mut seen: Vec<(String, &str)> = Vec::new();
    // Ids tell all adapters of a practice apart that share a type with any other.
    for earlier in meaning.config.routes.iter().take_while(|earlier| !std::ptr::eq(*earlier, route)) {
        let shares = earlier.practice == route.practice && (earlier.adapters.len() > 1 || earlier.when.is_some());
        for name in earlier.adapters().filter(|_| shares) {
            let is_known = seen.iter().any(|(_, known)| *known == name) || route.leads_to(name);
            if let Some(adapter) = meaning.config.adapters.get(name).filter(|_| !is_known) {
                seen.push((adapter.prefix(name), name));
            }
        }
    }
    for (position, name) in route.adapters.iter().enumerate() {
        let position = position.to_string();
        let at = ["routes", index, "adapters", position.as_str()];
        meaning.known(&at, "adapter", name, meaning.config.adapters.keys().map(String::as_str));
        let Some(adapter) = meaning.config.adapters.get(name) else { continue };
        let prefix = adapter.prefix(name);
        if let Some((_, other)) = seen.iter().find(|(taken, _)| *taken == prefix) {
            let message = format!("ids of `{name}` and `{other}` would both begin with `{prefix}-`");
            meaning.fault(&at, message, format!("expected two adapters, with another `prefix` in [adapters.{name}]"));
        }
        seen.push((prefix, name));
    }
}

/// What decides by content takes every interaction of types that it names: where a resource is must not hang on how it is asked for.
fn condition(meaning: &mut Meaning<'_>, index: &str, route: &Route) {
    if route.when.is_none() {
        return;
    }
    if route.types.contains(&Types::All) {
        let message = "a route with `when` is for types by name";
        meaning.fault(&["routes", index, "when"], message, "expected such as types = [\"Appointment\"]");
    }
    if let Some((own, other)) = same_prefix(meaning, route) {
        let message = format!("ids of `{own}` and `{other}`, which share a type, would begin with the same prefix");
        meaning.fault(&["routes", index, "when"], message, format!("expected another `prefix` in [adapters.{own}]"));
    }
    if route.interactions.is_some() {
        let message = "a route with `when` takes every interaction";
        meaning.fault(&["routes", index, "interactions"], message, "expected no interactions beside `when`");
    }
}

/// Two adapters that a condition decides between, and whose ids could not be told apart.
fn same_prefix(meaning: &Meaning<'_>, route: &Route) -> Option<(String, String)> {
    let adapters = &meaning.config.adapters;
    let prefix = |name: &str| adapters.get(name).map(|adapter| adapter.prefix(name));
    let shares = |other: &&Route| {
        let is_same = |entry: &Types| *entry == Types::All || other.types.contains(entry);
        other.practice == route.practice && (other.types.contains(&Types::All) || route.types.iter().any(is_same))
    };
    let others = meaning.config.routes.iter().filter(shares).flat_map(Route::adapters);
    let mut pairs = others.flat_map(|other| route.adapters().map(move |own| (own, other)));
    let found = pairs.find(|(own, other)| own != other && prefix(own).is_some() && prefix(own) == prefix(other));
    found.map(|(own, other)| (own.to_owned(), other.to_owned()))
}

/// Who owns a resource is told by ids of patients, which must differ from adapter to adapter.
fn owners(meaning: &mut Meaning<'_>, index: &str, route: &Route) {
    if route.owners.is_none() {
        return;
    }
    let at = ["routes", index, "owners"];
    if route.adapters.len() < 2 {
        meaning.fault(&at, "the route has one adapter, whoever owns a resource", "expected adapters = [\"…\", \"…\"]");
    } else if route.when.is_some() {
        meaning.fault(&at, "the route names `owners` and `when`", "expected one of them");
    } else {
        let shares_patients = |other: &Route| {
            let (of, read) = (Some(ResourceType::PATIENT), InteractionCode::Read);
            other.practice == route.practice && other.takes(of, read) && other.adapters.len() > 1
        };
        if !meaning.config.routes.iter().any(shares_patients) {
            let expected = "expected a route of Patient with these adapters";
            meaning.fault(&at, "patients of this practice are on one adapter, and do not tell several apart", expected);
        }
    }
}

fn types(meaning: &mut Meaning<'_>, index: &str, route: &Route) {
    if route.types.is_empty() {
        meaning.fault(
            &["routes", index, "types"],
            "the route takes nothing",
            "expected such as [\"Patient\"] or [\"*\"]",
        );
    }
    for (position, entry) in route.types.iter().enumerate() {
        let Types::One(resource_type) = entry else { continue };
        if !resource_type.is_in(Version::R4) && !resource_type.is_in(Version::R4B) {
            let position = position.to_string();
            let message = format!("`{resource_type}` is not a resource type of R4");
            meaning.fault(&["routes", index, "types", &position], message, "expected a type of R4");
        }
    }
}

/// Whether the first route that matches is never the later one. `*` passes on what its adapter does not offer, so it
/// hides only what goes to the same adapter.
fn hides(earlier: &Route, later: &Route) -> bool {
    let all = earlier.types.contains(&Types::All) && later.adapters().all(|name| earlier.leads_to(name));
    let named = |entry: &Types| *entry != Types::All && earlier.types.contains(entry);
    let types = later.types.iter().all(|entry| all || named(entry));
    let takes = |route: &Route, code: InteractionCode| {
        route.interactions.as_ref().is_none_or(|interactions| interactions.contains(&code))
    };
    let interactions = InteractionCode::ALL.iter().all(|code| !takes(later, *code) || takes(earlier, *code));
    earlier.when.is_none() && earlier.practice == later.practice && types && interactions
}
