//! What lists resources of all types: one federation of every adapter of a practice, each of which is asked for the types that
//! lead to it.

use std::sync::Arc;

use fhir::InteractionCode;

use super::table::{Route, find, offers};
use super::{Destination, Plan};
use crate::federate::{Entrance, Ground, Member, Serves};

/// The plan of such a listing; none where all types lead to one adapter, which answers in its own way.
pub(super) fn plan(routes: &[Route], first: &Route, code: InteractionCode, ground: &Ground) -> Option<Plan> {
    let mut members: Vec<Member> = Vec::new();
    for member in routes.iter().flat_map(|route| &route.members) {
        if members.iter().all(|known| known.name != member.name) {
            members.push(member.clone());
        }
    }
    if members.len() < 2 {
        return None;
    }
    let federation = ground.federation(members).serving(serves(routes, code));
    let federation = Entrance::new(Arc::new(federation));
    let name: Arc<str> = Arc::from("all");
    Some(Plan {
        route: Arc::clone(&name),
        adapters: vec![Destination { name, adapter: Arc::new(federation.clone()) }],
        federation: Some(federation),
        ..(*first.plan).clone()
    })
}

/// The types of each adapter: those whose searches, or for a history whose reads, lead to it.
fn serves(routes: &[Route], code: InteractionCode) -> Serves {
    let one = match code {
        InteractionCode::HistorySystem => InteractionCode::Read,
        _ => InteractionCode::SearchType,
    };
    let mut serves = Serves::new();
    let mut known = std::collections::BTreeSet::new();
    for of in routes.iter().flat_map(|route| route.capability().resources.keys().copied().collect::<Vec<_>>()) {
        let Some(route) = find(routes, Some(of), one).filter(|_| known.insert(of)) else { continue };
        for member in route.members.iter().filter(|member| offers(&member.adapter.capability(), Some(of), one)) {
            serves.entry(Arc::clone(&member.name)).or_default().insert(of);
        }
    }
    serves
}
