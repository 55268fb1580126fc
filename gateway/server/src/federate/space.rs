//! Ids where several adapters hold a type: the client sees `{prefix}-{id}`, each adapter its own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use fhir::{Id, ResourceType};

use super::names::Names;

/// The types of a practice that several adapters hold, and what the ids of each adapter begin with there.
pub struct Space {
    /// `*`: of every type but those that another route has by name.
    all: Vec<Arc<str>>,
    others: HashSet<ResourceType>,
    types: HashMap<ResourceType, Vec<Arc<str>>>,
    /// By adapter.
    prefixes: BTreeMap<Arc<str>, Arc<str>>,
    /// None where no type is shared, so that no id is long.
    names: Option<Arc<Names>>,
}

/// How the ids and references of one adapter are read and written.
#[derive(Clone)]
pub struct Ids {
    space: Arc<Space>,
    adapter: Arc<str>,
    /// Whose ids the references to a type are.
    references: Arc<BTreeMap<ResourceType, Arc<str>>>,
}

/// An id of a type that several adapters hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of this adapter, with its own id.
    Own(String),
    /// Of another one, or of none.
    Other,
}

impl Space {
    /// A space without types.
    #[must_use]
    pub fn new(names: Arc<Names>) -> Self {
        Self { names: Some(names), ..Self::plain() }
    }

    /// A space in which every id is the adapter's own.
    #[must_use]
    pub fn plain() -> Self {
        Self { all: Vec::new(), others: HashSet::new(), types: HashMap::new(), prefixes: BTreeMap::new(), names: None }
    }

    /// Several adapters hold these types.
    pub fn share(&mut self, types: &[config::Types], adapters: &[(Arc<str>, Arc<str>)]) {
        self.prefixes.extend(adapters.iter().cloned());
        let Self { all, types: known, .. } = self;
        for entry in types {
            let holders = match entry {
                config::Types::All => &mut *all,
                config::Types::One(of) => known.entry(*of).or_default(),
            };
            for (name, _) in adapters {
                if !holders.contains(name) {
                    holders.push(Arc::clone(name));
                }
            }
        }
    }

    /// These types are one adapter's, whatever a `*` behind says.
    pub fn leave(&mut self, types: impl IntoIterator<Item = ResourceType>) {
        if self.all.is_empty() {
            self.others.extend(types);
        }
    }

    /// Whether an adapter holds any type together with others.
    #[must_use]
    pub fn has(&self, adapter: &str) -> bool {
        self.prefixes.contains_key(adapter)
    }

    fn holds(&self, adapter: &str, of: ResourceType) -> bool {
        let named = self.types.get(&of).is_some_and(|names| names.iter().any(|name| **name == *adapter));
        named || (!self.others.contains(&of) && self.all.iter().any(|name| **name == *adapter))
    }

    /// Whether several adapters hold the type.
    #[must_use]
    pub fn shares(&self, of: ResourceType) -> bool {
        self.types.contains_key(&of) || (!self.all.is_empty() && !self.others.contains(&of))
    }

    /// The adapter that made this id.
    #[must_use]
    pub fn adapter_of(&self, id: &str) -> Option<&Arc<str>> {
        let prefix = id.split(['-', '.']).next()?;
        self.prefixes.iter().find(|(_, known)| ***known == *prefix && id.len() > prefix.len()).map(|(name, _)| name)
    }
}

impl Ids {
    /// The ids of an adapter in a space.
    #[must_use]
    pub const fn new(space: Arc<Space>, adapter: Arc<str>, references: Arc<BTreeMap<ResourceType, Arc<str>>>) -> Self {
        Self { space, adapter, references }
    }

    /// The adapter that made this id.
    #[must_use]
    pub fn adapter_of(&self, id: &str) -> Option<&Arc<str>> {
        self.space.adapter_of(id)
    }

    /// Whether ids of this type differ between client and adapter.
    #[must_use]
    pub fn shares(&self, of: ResourceType) -> bool {
        self.space.shares(of)
    }

    /// The id of a resource of this adapter as the client sees it. `long` takes what has to be written down first.
    pub fn seen(&self, of: ResourceType, id: &str, long: &mut Vec<(String, String)>) -> Option<String> {
        if self.space.shares(of) { self.with_prefix(&self.adapter, id, long) } else { None }
    }

    /// The id of what this adapter refers to as the client sees it; none where it is the same.
    pub fn target_seen(&self, of: ResourceType, id: &str, long: &mut Vec<(String, String)>) -> Option<String> {
        self.with_prefix(self.refers_to(of, id)?, id, long)
    }

    /// The id of a resource as this adapter has it.
    #[must_use]
    pub fn own(&self, of: ResourceType, id: &str) -> Whose {
        if !self.space.shares(of) {
            return Whose::Own(id.to_owned());
        }
        self.without_prefix(&self.adapter, id).map_or(Whose::Other, Whose::Own)
    }

    /// The id of what this adapter refers to as it has it; none where it is the same.
    #[must_use]
    pub fn target_own(&self, of: ResourceType, id: &str) -> Option<String> {
        if !self.space.shares(of) {
            return None;
        }
        let owner = match self.references.get(&of) {
            Some(owner) => owner,
            None if self.space.holds(&self.adapter, of) => &self.adapter,
            None => return None,
        };
        self.without_prefix(owner, id)
    }

    /// The adapter whose ids the references to a type are. What this adapter does not hold is referred to as clients see it,
    /// and so is what another adapter holds and a client wrote down here.
    fn refers_to(&self, of: ResourceType, id: &str) -> Option<&Arc<str>> {
        if !self.space.shares(of) {
            return None;
        }
        if let Some(owner) = self.references.get(&of) {
            return Some(owner);
        }
        let is_own = self.space.holds(&self.adapter, of);
        let others = || self.space.adapter_of(id).is_some_and(|name| *name != self.adapter);
        (is_own && !others()).then_some(&self.adapter)
    }

    fn with_prefix(&self, adapter: &Arc<str>, id: &str, long: &mut Vec<(String, String)>) -> Option<String> {
        let prefix = self.space.prefixes.get(adapter)?;
        let plain = format!("{prefix}-{id}");
        if plain.parse::<Id>().is_ok() {
            return Some(plain);
        }
        let names = self.space.names.as_ref()?;
        let short = names.short(prefix, adapter, id);
        if !names.knows(&short) {
            long.push((short.clone(), id.to_owned()));
        }
        Some(short)
    }

    fn without_prefix(&self, adapter: &Arc<str>, id: &str) -> Option<String> {
        let rest = id.strip_prefix(&**self.space.prefixes.get(adapter)?)?;
        match rest.strip_prefix('-') {
            Some(own) => own.parse::<Id>().ok().map(|_| own.to_owned()),
            None if rest.starts_with('.') => self.space.names.as_ref()?.long(id),
            None => None,
        }
    }

    /// Writes down what [`Ids::seen`] made short, so that it can be read again.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn keep(&self, long: Vec<(String, String)>) -> Result<(), super::names::NamesError> {
        match &self.space.names {
            Some(names) if !long.is_empty() => names.keep(&long),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(adapter: &str, references: &[(ResourceType, &str)]) -> Ids {
        let folder = tempfile::tempdir().unwrap();
        let names = Names::open(&folder.path().join("ids.db"), "default").unwrap();
        let mut space = Space::new(Arc::new(names));
        space.share(
            &[config::Types::One(ResourceType::PATIENT)],
            &[("ehr".into(), "ehr".into()), ("old".into(), "o".into())],
        );
        let references = references.iter().map(|(of, name)| (*of, Arc::from(*name))).collect();
        Ids::new(Arc::new(space), adapter.into(), Arc::new(references))
    }

    #[test]
    fn an_id_of_a_type_on_several_adapters_has_its_adapters_prefix() {
        let (ehr, mut long) = (ids("ehr", &[]), Vec::new());
        assert_eq!(ehr.seen(ResourceType::PATIENT, "1", &mut long).unwrap(), "ehr-1");
        assert_eq!(ehr.seen(ResourceType::SLOT, "1", &mut long), None);
        assert_eq!(ehr.own(ResourceType::PATIENT, "ehr-1"), Whose::Own("1".into()));
        assert_eq!(ehr.own(ResourceType::PATIENT, "o-1"), Whose::Other);
        assert_eq!(ehr.own(ResourceType::PATIENT, "ehr-"), Whose::Other);
        assert_eq!(ehr.own(ResourceType::PATIENT, "ehr1"), Whose::Other);
        assert!(long.is_empty());
    }

    #[test]
    fn an_id_that_becomes_too_long_is_written_down_and_found_again() {
        let (ehr, mut long) = (ids("ehr", &[]), Vec::new());
        let id = "x".repeat(64);
        let seen = ehr.seen(ResourceType::PATIENT, &id, &mut long).unwrap();
        assert!(seen.parse::<Id>().is_ok() && seen.starts_with("ehr."), "{seen}");
        assert_eq!(ehr.own(ResourceType::PATIENT, &seen), Whose::Other, "not before it is written down");
        ehr.keep(long).unwrap();
        assert_eq!(ehr.own(ResourceType::PATIENT, &seen), Whose::Own(id.clone()));
        let mut again = Vec::new();
        assert_eq!(ehr.seen(ResourceType::PATIENT, &id, &mut again).unwrap(), seen);
        assert!(again.is_empty());
    }

    #[test]
    fn a_reference_is_to_the_adapters_own_unless_it_holds_no_such_type_or_the_route_says_so() {
        let mut long = Vec::new();
        let (ehr, scheduler) = (ids("ehr", &[]), ids("scheduler", &[]));
        assert_eq!(ehr.target_seen(ResourceType::PATIENT, "1", &mut long).unwrap(), "ehr-1");
        assert_eq!(ehr.target_seen(ResourceType::PATIENT, "o-1", &mut long), None, "a client wrote it down here");
        assert_eq!(scheduler.target_seen(ResourceType::PATIENT, "ehr-1", &mut long), None);
        assert_eq!(scheduler.target_own(ResourceType::PATIENT, "ehr-1"), None);
        let old = ids("scheduler", &[(ResourceType::PATIENT, "old")]);
        assert_eq!(old.target_seen(ResourceType::PATIENT, "1", &mut long).unwrap(), "o-1");
        assert_eq!(old.target_own(ResourceType::PATIENT, "o-1").unwrap(), "1");
    }
}
