//! One set of artefacts over another.

use std::collections::HashMap;
use std::sync::Arc;

use fhir::{ResourceType, Version};

use super::artefact::Artefact;
use crate::archive::{is_core, plain};
use crate::canonical::{Canonical, answers, compare_versions, satisfies};

/// A package as its artefacts see it: what they mean by a canonical without a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `hl7.fhir.us.core`
    pub(crate) name: String,
    /// `6.1.0`
    pub(crate) version: String,
    /// Names and versions of what it builds on; `4.0.x` means any patch.
    pub(crate) dependencies: Vec<(String, String)>,
}

/// Artefacts, and the layer below in which everything else is looked up.
pub(crate) struct Layer {
    pub(crate) version: Version,
    pub(crate) below: Option<Arc<Layer>>,
    pub(crate) artefacts: Vec<Artefact>,
    pub(crate) preferred: Arc<[(String, String)]>,
    by_url: HashMap<String, Vec<u32>>,
}

impl Layer {
    pub(crate) fn new(
        version: Version,
        below: Option<Arc<Layer>>,
        artefacts: Vec<Artefact>,
        preferred: Arc<[(String, String)]>,
    ) -> Self {
        let mut by_url: HashMap<String, Vec<u32>> = HashMap::with_capacity(artefacts.len());
        for (artefact, number) in artefacts.iter().zip(0..) {
            by_url.entry(artefact.url.clone()).or_default().push(number);
        }
        Self { version, below, artefacts, preferred, by_url }
    }

    /// This layer and those below it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |layer| layer.below.as_deref())
    }

    fn candidates<'a>(&'a self, of: ResourceType, url: &str) -> impl Iterator<Item = &'a Artefact> {
        let numbers = self.by_url.get(url).map(Vec::as_slice).unwrap_or_default();
        numbers
            .iter()
            .filter_map(|number| self.artefacts.get(*number as usize))
            .filter(move |artefact| artefact.resource_type == of)
    }

    /// The artefact that a canonical means, and the layer that has it.
    pub(crate) fn find<'a>(&'a self, of: ResourceType, canonical: &str) -> Option<(&'a Self, &'a Artefact)> {
        let canonical = Canonical::of(canonical);
        if let Some(version) = canonical.version {
            return self.all().find_map(|layer| Some((layer, layer.versioned(of, canonical.url, version)?)));
        }
        let newest = self.all().find_map(|layer| Some((layer, layer.newest(of, canonical.url)?)))?;
        Some(self.preferred_to(newest.1, of, canonical.url).unwrap_or(newest))
    }

    /// What is meant in place of an artefact because another version of its package was configured, wherever that lies. What came
    /// without a package is always meant itself.
    fn preferred_to<'a>(&'a self, newest: &Artefact, of: ResourceType, url: &str) -> Option<(&'a Self, &'a Artefact)> {
        let origin = newest.origin.as_deref()?;
        let (name, version) = self.preferred.iter().find(|(name, _)| *name == origin.name)?;
        let is_meant = |other: &Origin| other.name == *name && other.version == *version;
        self.all().find_map(|layer| {
            let found = layer.candidates(of, url).find(|artefact| artefact.origin.as_deref().is_some_and(is_meant));
            Some((layer, found?))
        })
    }

    fn versioned(&self, of: ResourceType, url: &str, version: &str) -> Option<&Artefact> {
        self.candidates(of, url).filter(|artefact| artefact.answers(version)).max_by(|left, right| left.compare(right))
    }

    fn newest(&self, of: ResourceType, url: &str) -> Option<&Artefact> {
        self.candidates(of, url).max_by(|left, right| left.compare(right))
    }

    /// What a canonical without a version means to an artefact of a package: that of its own package, else that of a package
    /// that it depends on. None when neither has it.
    pub(crate) fn own(&self, origin: &Origin, of: ResourceType, url: &str) -> Option<&Artefact> {
        let from = |wanted: &dyn Fn(&Origin) -> bool| {
            self.all().find_map(|layer| {
                layer.candidates(of, url).find(|artefact| artefact.origin.as_deref().is_some_and(wanted))
            })
        };
        from(&|other| other.name == origin.name && other.version == origin.version)
            .or_else(|| from(&|other| origin.dependencies.iter().any(|wanted| depends(wanted, other))))
    }
}

/// Whether a dependency (`hl7.fhir.r4.core`, `4.0.x`) means a package.
pub(crate) fn depends((name, version): &(String, String), on: &Origin) -> bool {
    plain(name) == plain(&on.name) && satisfies(&on.version, version)
}

impl Origin {
    /// A canonical with the version that an artefact of this package means, when this package or one that it needs says which.
    pub(crate) fn pin(&self, layer: &Layer, of: ResourceType, canonical: &mut String) {
        if canonical.contains('|') || is_core(&self.name) {
            return;
        }
        let Some(meant) = layer.own(self, of, canonical) else { return };
        if meant.origin.as_ref().is_none_or(|origin| is_core(&origin.name)) {
            return;
        }
        // What a package publishes under somebody else's URL has no version that others know it by.
        if let Some(version) = meant.effective_version().filter(|_| meant.is_of_its_package) {
            *canonical = format!("{canonical}|{version}");
        }
    }
}

impl Artefact {
    /// Whether it is meant by that version: its own, or that of its package.
    fn answers(&self, asked: &str) -> bool {
        let own = self.version.as_deref().is_some_and(|version| answers(version, asked));
        own || self.origin.as_ref().is_some_and(|origin| self.is_of_its_package && answers(&origin.version, asked))
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let version = |artefact: &'_ Self| artefact.effective_version().unwrap_or_default().to_owned();
        compare_versions(&version(self), &version(other))
    }
}
