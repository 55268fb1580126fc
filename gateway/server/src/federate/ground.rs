//! What federation stands on: the prefixes of the configuration, and what a gateway has for it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use adapter::seal::Seal;
use adapter::{Clock, PracticeAdditions};
use fhir::ResourceType;

use super::names::{Names, NamesError};
use super::space::{Ids, Space};
use super::{Federation, Member};
use crate::route::Destination;

/// What a gateway has for its federations.
#[derive(Clone)]
pub struct Ground {
    /// What the ids of each adapter begin with.
    pub prefixes: BTreeMap<String, String>,
    /// The table of long ids; made when a route needs it.
    pub names: PathBuf,
    /// Seals page links.
    pub seal: Arc<Seal>,
    /// Says when they expire.
    pub clock: Arc<dyn Clock>,
    /// Bytes of one reply that are held.
    pub reply: usize,
    /// What packages add to the search parameters of the specification.
    pub additions: PracticeAdditions,
}

/// The spaces of ids of all practices.
pub struct Spaces<'g> {
    ground: &'g Ground,
    practices: HashMap<String, Arc<Space>>,
    references: References,
}

type References = HashMap<(String, Arc<str>), Arc<BTreeMap<ResourceType, Arc<str>>>>;

impl<'g> Spaces<'g> {
    /// Finds out which types several adapters hold, in each practice.
    ///
    /// # Errors
    /// The table of long ids cannot be opened.
    pub fn of<'r>(
        routes: impl Iterator<Item = &'r config::Route> + Clone,
        ground: &'g Ground,
    ) -> Result<Self, NamesError> {
        let several = |route: &&config::Route| route.adapters.len() > 1;
        let mut practices: HashMap<String, Space> = HashMap::new();
        for route in routes.clone().filter(several) {
            if !practices.contains_key(&route.practice) {
                let names = Arc::new(Names::open(&ground.names, &route.practice)?);
                practices.insert(route.practice.clone(), Space::new(names));
            }
        }
        for route in routes.clone() {
            let Some(space) = practices.get_mut(&route.practice) else { continue };
            if several(&route) {
                let prefix = |name: &str| ground.prefixes.get(name).map_or(name, String::as_str).into();
                let adapters: Vec<_> = route.adapters().map(|name| (Arc::from(name), prefix(name))).collect();
                space.share(&route.types, &adapters);
            } else if route.interactions.is_none() {
                space.leave(route.types.iter().filter_map(|entry| match entry {
                    config::Types::One(of) => Some(*of),
                    config::Types::All => None,
                }));
            }
        }
        let practices = practices.into_iter().map(|(name, space)| (name, Arc::new(space))).collect();
        Ok(Self { ground, practices, references: references(routes) })
    }

    /// The adapters of a route as members of federations.
    #[must_use]
    pub fn members(&self, route: &config::Route, adapters: &[Destination]) -> Vec<Member> {
        let plain = || Arc::new(Space::plain());
        let space = self.practices.get(&route.practice).map_or_else(plain, Arc::clone);
        let member = |of: &Destination| {
            let references = self.references.get(&(route.practice.clone(), Arc::clone(&of.name)));
            let ids = Ids::new(Arc::clone(&space), Arc::clone(&of.name), references.cloned().unwrap_or_default());
            Member { name: Arc::clone(&of.name), adapter: Arc::clone(&of.adapter), ids }
        };
        adapters.iter().map(member).collect()
    }

    /// The federation that a route leads to; none when it leads to one adapter whose ids are those of clients.
    #[must_use]
    pub fn federation(&self, route: &config::Route, members: &[Member]) -> Option<Federation> {
        let is_renamed = |member: &Member| {
            let space = self.practices.get(&route.practice);
            let has_references = self.references.contains_key(&(route.practice.clone(), Arc::clone(&member.name)));
            space.is_some_and(|space| space.has(&member.name) || has_references)
        };
        if !members.iter().any(is_renamed) {
            return None;
        }
        let federation = self.ground.federation(members.to_vec());
        Some(if route.owners.is_some() { federation.owned() } else { federation })
    }
}

impl Ground {
    /// A federation of these members.
    #[must_use]
    pub fn federation(&self, members: Vec<Member>) -> Federation {
        Federation::new(members, Arc::clone(&self.seal), Arc::clone(&self.clock), self.reply)
    }
}

/// Whose ids references are, by practice and adapter: whichever route leads to the adapter, its bodies are the same.
fn references<'r>(routes: impl Iterator<Item = &'r config::Route>) -> References {
    let mut references: HashMap<_, BTreeMap<ResourceType, Arc<str>>> = HashMap::new();
    for route in routes.filter(|route| !route.references.is_empty()) {
        for name in route.adapters() {
            let of_adapter = references.entry((route.practice.clone(), Arc::from(name))).or_default();
            of_adapter.extend(route.references.iter().map(|(of, owner)| (*of, Arc::from(owner.as_str()))));
        }
    }
    references.into_iter().map(|(of, known)| (of, Arc::new(known))).collect()
}
