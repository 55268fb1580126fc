//! Whether what an adapter offers covers the routes to it: a route to nothing is a mistake in the configuration.

use config::{Config, Fault, Route, Types};
use fhir::{Capability, InteractionCode, ResourceType};

use super::table;

/// What routes name and their adapters do not offer. An adapter whose capability is not known beforehand is not judged.
pub fn faults<'c>(config: &Config, offers: impl Fn(&str) -> Option<&'c Capability>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, route) in config.routes.iter().enumerate() {
        let known: Option<Vec<&Capability>> = route.adapters().map(&offers).collect();
        if let Some(known) = known.filter(|known| !known.is_empty()) {
            faults.extend(of_route(config, &index.to_string(), route, &together(&known)));
        }
    }
    faults
}

/// What one of several adapters offers can be asked of the route.
fn together(known: &[&Capability]) -> Capability {
    let mut all = Capability::empty(known.first().map_or(fhir::Version::R4, |first| first.version));
    for capability in known {
        all.system.extend(&capability.system);
        for (of, offered) in &capability.resources {
            all.resources.entry(*of).or_default().interactions.extend(&offered.interactions);
        }
    }
    all
}

fn of_route(config: &Config, index: &str, route: &Route, capability: &Capability) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (position, entry) in route.types.iter().enumerate() {
        let Some(missing) = missing(route, *entry, capability) else { continue };
        let expected = match entry {
            Types::One(resource_type) => offered(capability, *resource_type),
            Types::All => "expected interactions that it offers".to_owned(),
        };
        let names: Vec<String> = route.adapters().map(|name| format!("`{name}`")).collect();
        let message = format!("adapter {} does not offer {missing}", names.join(", "));
        faults.push(config.fault(&["routes", index, "types", &position.to_string()], message, expected));
    }
    faults
}

/// What the route takes and the adapter does not offer, in words.
fn missing(route: &Route, entry: Types, capability: &Capability) -> Option<String> {
    let named = route.interactions.iter().flatten();
    match entry {
        Types::One(resource_type) if !capability.resources.contains_key(&resource_type) => {
            Some(format!("`{resource_type}`"))
        }
        Types::One(resource_type) => list(named.filter(|code| !table::offers(capability, Some(resource_type), **code)))
            .map(|codes| format!("{codes} on `{resource_type}`")),
        Types::All => list(named.filter(|code| !offers_anywhere(capability, **code))),
    }
}

fn offers_anywhere(capability: &Capability, code: InteractionCode) -> bool {
    capability.system.contains(&code)
        || capability.resources.keys().any(|of| table::offers(capability, Some(*of), code))
}

fn offered(capability: &Capability, resource_type: ResourceType) -> String {
    let interactions = capability.resources.get(&resource_type).into_iter().flat_map(|of_type| &of_type.interactions);
    match list(interactions) {
        Some(codes) => format!("expected some of: {codes}"),
        None => "expected a type that it offers".to_owned(),
    }
}

fn list<'c>(codes: impl Iterator<Item = &'c InteractionCode>) -> Option<String> {
    let codes: Vec<&str> = codes.map(|code| code.code()).collect();
    (!codes.is_empty()).then(|| codes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(route: &str) -> String {
        let text = format!("[adapters.a]\nkind = \"store\"\n[[routes]]\nadapter = \"a\"\n{route}\n");
        let config = config::parse("c.toml", &text).unwrap();
        let mut capability = Capability::empty(fhir::Version::R4);
        let of_patient = fhir::capability::ResourceCapability {
            interactions: [InteractionCode::Read, InteractionCode::Create].into(),
            ..Default::default()
        };
        capability.resources.insert(ResourceType::PATIENT, of_patient);
        config.report(faults(&config, |_| Some(&capability))).err().map(|report| report.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_route_for_what_is_offered_has_no_fault() {
        assert_eq!(check("types = [\"*\"]"), "");
        assert_eq!(check("types = [\"Patient\"]\ninteractions = [\"read\"]"), "");
        assert_eq!(check("types = [\"*\"]\ninteractions = [\"create\"]"), "");
    }

    #[test]
    fn a_type_or_an_interaction_that_is_not_offered_is_said_with_its_place() {
        let report = check("types = [\"Patient\", \"Slot\"]");
        assert!(report.contains("c.toml:5:21") && report.contains("does not offer `Slot`"), "{report}");
        let report = check("types = [\"Patient\"]\ninteractions = [\"read\", \"patch\"]");
        assert!(report.contains("does not offer patch on `Patient`"), "{report}");
        assert!(report.contains("expected some of: read, create"), "{report}");
        assert!(check("types = [\"*\"]\ninteractions = [\"delete\"]").contains("does not offer delete"));
    }
}
