//! What queries are made of: the search parameters of the specification, and those that packages add for somebody.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use definitions::SearchParameter;
use fhir::{ResourceType, Version};
use parking_lot::Mutex;

use crate::added::{NotAdded, kept_definition};
use crate::parameter::Compiled;

/// Sets of additions that a process may have. Each is kept for ever; more than that are no practices any more.
const MOST_SETS: usize = 1_000;

/// What packages add to the search parameters of the specification, in every release. The default is nothing. Whoever adds the same
/// has the same.
#[derive(Clone, Copy)]
pub struct Additions(&'static Set);

/// The search parameters of a release that somebody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// The release.
    pub version: Version,
    /// What there is beside the specification.
    pub additions: Additions,
}

/// Additions that are being gathered.
#[derive(Default)]
pub struct Adding([Vec<&'static SearchParameter>; 3]);

pub(crate) struct Set {
    releases: [Release; 3],
}

struct Release {
    added: Vec<&'static SearchParameter>,
    /// What a type is searched by, made when somebody asks.
    types: HashMap<ResourceType, OnceLock<Compiled>>,
}

impl Adding {
    /// Adds a SearchParameter. One whose code a type has already changes nothing for that type: what the specification defines, and
    /// what was added first, stands. Gives whether it was not there before.
    ///
    /// # Errors
    /// It is no SearchParameter, or one that nothing can be searched by.
    pub fn add(&mut self, version: Version, json: &[u8]) -> Result<bool, NotAdded> {
        let definition = kept_definition(version, json)?;
        let Some(list) = self.0.get_mut(version as usize) else { return Ok(false) };
        let is_new = !list.iter().any(|known| std::ptr::eq(*known, definition));
        if is_new {
            list.push(definition);
        }
        Ok(is_new)
    }

    /// All that was added.
    ///
    /// # Errors
    /// There are too many different sets in this process.
    pub fn done(self) -> Result<Additions, NotAdded> {
        static SETS: Mutex<Vec<&'static Set>> = Mutex::new(Vec::new());
        if self.0.iter().all(Vec::is_empty) {
            return Ok(Additions::default());
        }
        let mut sets = SETS.lock();
        if let Some(known) = sets.iter().find(|set| set.is_of(&self.0)) {
            return Ok(Additions(known));
        }
        if sets.len() >= MOST_SETS {
            return Err(NotAdded::TooManySets);
        }
        let made: &'static Set = Box::leak(Box::new(Set::new(self.0)));
        sets.push(made);
        Ok(Additions(made))
    }
}

impl Additions {
    /// With the specification of a release.
    #[must_use]
    pub const fn on(self, version: Version) -> Vocabulary {
        Vocabulary { version, additions: self }
    }
}

impl Default for Additions {
    fn default() -> Self {
        static NOTHING: LazyLock<Set> = LazyLock::new(|| Set::new(Default::default()));
        Self(&NOTHING)
    }
}

impl PartialEq for Additions {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Additions {}

impl fmt::Debug for Additions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Additions({:?})", self.0.releases.each_ref().map(|release| release.added.len()))
    }
}

impl From<Version> for Vocabulary {
    /// The specification alone.
    fn from(version: Version) -> Self {
        Self { version, additions: Additions::default() }
    }
}

impl Vocabulary {
    /// What was added to the release, as text: another one when anything of it is another.
    #[must_use]
    pub fn additions_as_text(self) -> String {
        let lines = self.added().iter().map(|definition| format!("{definition:?}\n"));
        lines.collect()
    }

    pub(crate) fn added(self) -> &'static [&'static SearchParameter] {
        self.additions.0.releases.get(self.version as usize).map_or(&[], |release| release.added.as_slice())
    }

    pub(crate) fn slot(self, resource_type: ResourceType) -> Option<&'static OnceLock<Compiled>> {
        self.additions.0.releases.get(self.version as usize)?.types.get(&resource_type)
    }
}

impl Set {
    fn new(added: [Vec<&'static SearchParameter>; 3]) -> Self {
        let mut added = added.into_iter();
        Self {
            releases: Version::ALL.map(|version| Release {
                added: added.next().unwrap_or_default(),
                types: ResourceType::all()
                    .filter(|known| known.is_in(version))
                    .map(|resource_type| (resource_type, OnceLock::new()))
                    .collect(),
            }),
        }
    }

    /// Definitions are kept once each, so that the same ones are at the same place.
    fn is_of(&self, added: &[Vec<&'static SearchParameter>; 3]) -> bool {
        self.releases.iter().zip(added).all(|(release, added)| {
            release.added.len() == added.len()
                && release.added.iter().zip(added).all(|(left, right)| std::ptr::eq(*left, *right))
        })
    }
}
