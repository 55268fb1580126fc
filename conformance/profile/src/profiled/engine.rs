//! Compiled profiles of a registry, kept.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;
use package::{Registry, Unresolved};
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
}

impl Engine {
    pub(crate) fn new(registry: Registry, terminology: Terminology) -> Self {
        Self { registry, terminology, profiles: RwLock::default() }
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

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("version", &self.registry.version()).finish_non_exhaustive()
    }
}
