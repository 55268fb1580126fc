//! Artefacts of several packages for one release, found by canonical.

mod artefact;
mod built_in;
pub(crate) mod layer;
mod packages;
mod resolve;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use fhir::{ResourceType, Version};

use crate::canonical::CORE;
use crate::draft::StructureDraft;
use crate::structure::Structure;

pub(crate) use artefact::Body;
pub use artefact::{Artefact, NoArtefact};
use layer::Layer;
pub(crate) use layer::Origin;
pub use packages::MissingDependency;

/// Why a canonical leads to no structure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// No package here has it.
    #[error("no package here has the structure `{canonical}`")]
    Unknown {
        /// What was asked for.
        canonical: String,
    },
    /// It cannot be read, or its snapshot cannot be made.
    #[error("the structure `{canonical}` cannot be used: {why}")]
    Malformed {
        /// What was asked for.
        canonical: String,
        /// What is wrong.
        why: String,
    },
    /// It derives from itself.
    #[error("the structure `{canonical}` derives from itself")]
    Circular {
        /// What was asked for.
        canonical: String,
    },
}

/// Artefacts for one release. Cheap to clone; never changes: [`Registry::with`] makes another one over it.
///
/// A canonical with a version (`url|7.0.0`) means that version, or one that begins with it (`4.0`). One without means the version
/// that was configured ([`Registry::prefer`]; US Core 6.1.0 if nothing was) wherever that version lies, else the newest. What is
/// added later hides what is below. Within a package a canonical without a version means the package's own artefact.
#[derive(Clone)]
pub struct Registry {
    top: Arc<Layer>,
}

impl Registry {
    /// Everything that is built in for a release.
    #[must_use]
    pub fn built_in(version: Version) -> Self {
        static R4: LazyLock<Registry> = LazyLock::new(|| Registry::make(Version::R4));
        static R4B: LazyLock<Registry> = LazyLock::new(|| Registry::make(Version::R4B));
        static R5: LazyLock<Registry> = LazyLock::new(|| Registry::make(Version::R5));
        match version {
            Version::R4 => R4.clone(),
            Version::R4B => R4B.clone(),
            Version::R5 => R5.clone(),
        }
    }

    fn make(version: Version) -> Self {
        Self { top: Arc::new(built_in::layers(version)) }
    }

    /// The release it is for.
    #[must_use]
    pub fn version(&self) -> Version {
        self.top.version
    }

    /// A registry with more artefacts, which hide those of this one that have the same canonical.
    #[must_use]
    pub fn with(&self, artefacts: impl IntoIterator<Item = Artefact>) -> Self {
        let (below, preferred) = (Arc::clone(&self.top), Arc::clone(&self.top.preferred));
        let layer = Layer::new(self.top.version, Some(below), artefacts.into_iter().collect(), preferred);
        Self { top: Arc::new(layer) }
    }

    /// A registry in which a canonical without a version means that version of a package: `hl7.fhir.us.core`, `7.0.0`.
    #[must_use]
    pub fn prefer(&self, name: &str, version: &str) -> Self {
        let others = self.top.preferred.iter().filter(|(other, _)| other != name).cloned();
        let preferred = others.chain([(name.to_owned(), version.to_owned())]).collect();
        let layer = Layer::new(self.top.version, Some(Arc::clone(&self.top)), Vec::new(), preferred);
        Self { top: Arc::new(layer) }
    }

    /// The version of a package that a canonical without a version means; none when nobody said.
    #[must_use]
    pub fn preferred(&self, name: &str) -> Option<&str> {
        let said = self.top.preferred.iter().find(|(other, _)| other == name);
        said.map(|(_, version)| version.as_str())
    }

    /// The structure that a canonical means, with its snapshot. Made at first use, then shared.
    #[must_use]
    pub fn structure(&self, canonical: &str) -> Option<Arc<Structure>> {
        self.try_structure(canonical).ok()
    }

    /// The same, and why there is none.
    ///
    /// # Errors
    /// Nobody has it, or it cannot be used.
    pub fn try_structure(&self, canonical: &str) -> Result<Arc<Structure>, Unresolved> {
        resolve::Resolution::new(&self.top).structure(canonical)
    }

    /// The structure of a definition, its snapshot made from its differential even where it has a published one.
    ///
    /// # Errors
    /// Its base cannot be used, or it grows beyond all bounds.
    pub fn regenerate(&self, draft: &StructureDraft) -> Result<Structure, Unresolved> {
        resolve::Resolution::new(&self.top).generated(draft)
    }

    /// The structure of a type of the specification: `Patient`, `HumanName`.
    #[must_use]
    pub fn type_structure(&self, name: &str) -> Option<Arc<Structure>> {
        self.structure(&format!("{CORE}{name}"))
    }

    /// The definition of an extension.
    #[must_use]
    pub fn extension(&self, canonical: &str) -> Option<Arc<Structure>> {
        self.structure(canonical).filter(|structure| structure.is_extension())
    }

    /// The artefact of a type that a canonical means.
    #[must_use]
    pub fn artefact(&self, of: ResourceType, canonical: &str) -> Option<&Artefact> {
        self.top.find(of, canonical).map(|(_, artefact)| artefact)
    }

    /// The JSON of a resource that a canonical means; none also for a structure of a package, which is kept as facts.
    #[must_use]
    pub fn json(&self, of: ResourceType, canonical: &str) -> Option<&Bytes> {
        self.artefact(of, canonical)?.json()
    }

    /// Every artefact of a type, those added last first. One that is hidden comes as well.
    pub fn artefacts(&self, of: ResourceType) -> impl Iterator<Item = &Artefact> {
        self.top.all().flat_map(|layer| &layer.artefacts).filter(move |artefact| artefact.resource_type == of)
    }
}
