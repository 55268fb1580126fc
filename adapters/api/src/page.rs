//! Links to the pages of what is listed: searches and histories. Where a page begins is sealed into one parameter, so that a client
//! can follow a link and cannot make one.

use fhir::{Interaction, Query};

use crate::Call;

/// The parameter that carries a page.
pub const PARAMETER: &str = "_page";

/// The parameters of a search or a history; none of any other interaction.
#[must_use]
pub const fn query(interaction: &Interaction) -> Option<&Query> {
    match interaction {
        Interaction::SearchType { query, .. }
        | Interaction::SearchSystem { query, .. }
        | Interaction::HistoryInstance { query, .. }
        | Interaction::HistoryType { query, .. }
        | Interaction::HistorySystem { query } => Some(query),
        _ => None,
    }
}

/// The path of a listing, below a base.
#[must_use]
pub fn place(interaction: &Interaction) -> String {
    match interaction {
        Interaction::SearchType { resource_type, compartment: Some(owner), .. } => {
            format!("/{}/{}/{resource_type}", owner.resource_type, owner.id)
        }
        Interaction::SearchType { resource_type, .. } => format!("/{resource_type}"),
        Interaction::SearchSystem { compartment: Some(owner), .. } => {
            format!("/{}/{}/*", owner.resource_type, owner.id)
        }
        Interaction::HistoryInstance { resource_type, id, .. } => format!("/{resource_type}/{id}/_history"),
        Interaction::HistoryType { resource_type, .. } => format!("/{resource_type}/_history"),
        Interaction::HistorySystem { .. } => "/_history".to_owned(),
        _ => String::new(),
    }
}

/// The link to what a call asks for, with these parameters.
#[must_use]
pub fn link(call: &Call, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{}{mark}{query}", call.base, place(&call.interaction))
}

/// The link to a sealed page of what a call asks for.
#[must_use]
pub fn link_to(call: &Call, token: &str) -> String {
    format!("{}{}?{PARAMETER}={token}", call.base, place(&call.interaction))
}

/// What a page of a call is sealed for: whoever is of another practice, asks elsewhere or is confined otherwise cannot open it.
/// `maker` is who seals: no two that could open each other's may have the same.
#[must_use]
pub fn context(maker: &str, call: &Call) -> String {
    let owner = call.confined_to.as_ref().map(|owner| format!("{}/{}", owner.resource_type, owner.id));
    format!("{maker} {} {} {}", call.practice, place(&call.interaction), owner.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use fhir::{Compartment, ResourceType};

    use super::*;
    use crate::contract::alone;

    #[test]
    fn a_page_is_of_one_practice_place_and_compartment() {
        let patient = |id: &str| Compartment { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() };
        let search = |compartment| {
            alone::call(Interaction::SearchType {
                resource_type: ResourceType::SLOT,
                compartment,
                query: Query::parse("_count=1"),
            })
        };
        let plain = search(None);
        let confined = Call { confined_to: Some(patient("1")), ..search(None) };
        let other = Call { practice: crate::Practice::new("north"), ..search(None) };
        let contexts = [&plain, &confined, &other, &search(Some(patient("1")))].map(|call| context("a", call));
        for (index, one) in contexts.iter().enumerate() {
            assert!(contexts.iter().skip(index + 1).all(|another| another != one), "{one}");
        }
        assert_ne!(context("b", &plain), contexts[0]);
        assert_eq!(link(&plain, ""), format!("{}/Slot", plain.base));
        assert_eq!(link_to(&search(Some(patient("1"))), "x"), format!("{}/Patient/1/Slot?_page=x", plain.base));
    }
}
