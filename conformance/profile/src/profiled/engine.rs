//! Compiled profiles of a registry, kept.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use fhir::ResourceType;
use foldhash::HashMap;
use package::{Derivation, Registry, Structure, StructureKind, Unresolved};
use terminology::Terminology;

use super::compile::compile;
use super::model::Profile;

/// Profiles that are kept at most; a practice uses some dozens.
const KEPT: usize = 4096;

/// What profiles and codes are looked up in. Shared; its registry and terminology never change.
pub(crate) struct Engine {
    registry: Registry,
    terminology: Terminology,
    profiles: RwLock<HashMap<Box<str>, Arc<Profile>>>,
    /// Canonicals of structures that are not built in, by the last part of their URL. Made when a resource is of an unknown type.
    by_tail: OnceLock<HashMap<Box<str>, Vec<Box<str>>>>,
}

impl Engine {
    pub(crate) fn new(registry: Registry, terminology: Terminology) -> Self {
        Self { registry, terminology, profiles: RwLock::default(), by_tail: OnceLock::new() }
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) const fn terminology(&self) -> &Terminology {
        &self.terminology
    }

    /// The profile that a canonical means; compiled at first use. What is unknown is not kept: a client can name anything.
    pub(crate) fn profile(&self, canonical: &str) -> Result<Arc<Profile>, Unresolved> {
        if let Some(known) = self.profiles.read().unwrap_or_else(PoisonError::into_inner).get(canonical) {
            return Ok(Arc::clone(known));
        }
        let profile = Arc::new(compile(&self.registry.try_structure(canonical)?, &self.registry));
        let mut kept = self.profiles.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(canonical.into(), Arc::clone(&profile));
        Ok(profile)
    }
}

impl Engine {
    /// The structure of a type that the release does not have and a package defines: a resource, or a logical model that is used
    /// as one. Its URL ends with the name (structuredefinition.html#logical).
    #[cold]
    pub(crate) fn own_type(&self, name: &str) -> Option<Arc<Structure>> {
        let all = self.by_tail.get_or_init(|| self.all_by_tail());
        let structures = all.get(name)?.iter().filter_map(|canonical| self.registry.structure(canonical));
        let is_own = |structure: &Structure| {
            structure.derivation == Derivation::Specialization
                && matches!(structure.kind, StructureKind::Resource | StructureKind::Logical)
                && tail(&structure.type_) == name
        };
        structures.into_iter().find(|structure| is_own(structure))
    }

    fn all_by_tail(&self) -> HashMap<Box<str>, Vec<Box<str>>> {
        let mut all: HashMap<Box<str>, Vec<Box<str>>> = HashMap::default();
        let own = self.registry.artefacts(ResourceType::STRUCTURE_DEFINITION).filter(|known| !known.is_built_in());
        for artefact in own {
            all.entry(tail(artefact.url()).into()).or_default().push(artefact.url().into());
        }
        all
    }
}

/// `Thing` of `http://example.org/StructureDefinition/Thing`.
pub(crate) fn tail(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, tail)| tail)
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("version", &self.registry.version()).finish_non_exhaustive()
    }
}
