//! What federation stands on: the prefixes of the configuration, and what a gateway has for it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use adapter::seal::Seal;
use adapter::{Adapter, Clock};

use super::names::{Names, NamesError};
use super::space::{Ids, Space};
use super::{Federation, Member};

/// What a gateway has for its federations.
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
}

/// The spaces of ids of all practices.
pub struct Spaces<'g> {
    ground: &'g Ground,
    practices: HashMap<String, Arc<Space>>,
}

impl<'g> Spaces<'g> {
    /// Finds out which types several adapters hold, in each practice.
    ///
    /// # Errors
    /// The table of long ids cannot be opened.
    pub fn of(routes: &[config::Route], ground: &'g Ground) -> Result<Self, NamesError> {
        let several = |route: &&config::Route| route.adapters.len() > 1;
        let mut practices: HashMap<String, Space> = HashMap::new();
        for route in routes.iter().filter(several) {
            if !practices.contains_key(&route.practice) {
                let names = Arc::new(Names::open(&ground.names, &route.practice)?);
                practices.insert(route.practice.clone(), Space::new(names));
            }
        }
        for route in routes {
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
        Ok(Self { ground, practices: practices.into_iter().map(|(name, space)| (name, Arc::new(space))).collect() })
    }

    /// The federation that a route leads to; none when it leads to one adapter whose ids are those of clients.
    #[must_use]
    pub fn federation(&self, route: &config::Route, adapters: &[(Arc<str>, Arc<dyn Adapter>)]) -> Option<Federation> {
        let space = self.practices.get(&route.practice)?;
        let is_plain = route.references.is_empty() && adapters.iter().all(|(name, _)| !space.has(name));
        if is_plain {
            return None;
        }
        let references: BTreeMap<_, Arc<str>> =
            route.references.iter().map(|(of, name)| (*of, Arc::from(name.as_str()))).collect();
        let references = Arc::new(references);
        let members = adapters.iter().map(|(name, adapter)| Member {
            name: Arc::clone(name),
            adapter: Arc::clone(adapter),
            ids: Ids::new(Arc::clone(space), Arc::clone(name), Arc::clone(&references)),
        });
        let ground = self.ground;
        Some(Federation::new(members.collect(), Arc::clone(&ground.seal), Arc::clone(&ground.clock), ground.reply))
    }
}
