//! What is known: the built-in facts of a release and the layers above them.

use std::sync::Arc;

use fhir::Version;

use crate::answer::{Coding, Expansion, Known, Lookup, Membership, Subsumption};
use crate::code_system::{CodeSystem, Content};
use crate::concept_map::Translated;
use crate::evaluate::Question;
use crate::facts;
use crate::layer::{InvalidResource, Layer};
use crate::outside::{Consultation, OutsideQuestion};
use crate::value_set::ValueSet;

/// Code systems and value sets of a release. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Terminology {
    version: Version,
    top: Option<Arc<Layer>>,
    /// The bit of the edition of US Core that a canonical without a version means.
    edition: u8,
    outside: Option<Arc<Consultation>>,
}

impl Terminology {
    /// The built-in facts of a release.
    #[must_use]
    pub const fn of(version: Version) -> Self {
        Self { version, top: None, edition: 1, outside: None }
    }

    /// The same, where a canonical of US Core without a version means that edition: `7.0.0`. One that is not here changes nothing.
    #[must_use]
    pub fn preferring_us_core(mut self, version: &str) -> Self {
        match facts::edition(version) {
            0 => {}
            edition => self.edition = edition,
        }
        self
    }

    /// The same with what somebody outside has said where nothing here can say. Asking never waits: see [`Consultation`].
    #[must_use]
    pub fn consulting(mut self, outside: Arc<Consultation>) -> Self {
        self.outside = Some(outside);
        self
    }

    /// The same with more resources above it: CodeSystems and ValueSets, alone, contained or in Bundles; others are passed
    /// over. What is added hides what was there under the same canonical. What was there is shared, not copied.
    ///
    /// # Errors
    /// When a resource is no JSON.
    pub fn with<'r>(&self, resources: impl IntoIterator<Item = &'r [u8]>) -> Result<Self, InvalidResource> {
        let mut layer = Layer::above(self.top.clone());
        for resource in resources {
            layer.add(&serde_json::from_slice(resource)?);
        }
        Ok(Self { top: Some(Arc::new(layer)), ..self.clone() })
    }

    /// The release.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether a value set (a canonical, with `|version` or without) has a code.
    #[must_use]
    pub fn member<'t>(&'t self, value_set: &'t str, coding: Coding<'t>) -> Membership<'t> {
        let answer = Question::new(self).member(value_set, &coding);
        match (answer, &self.outside) {
            (Membership::Unknown(_), Some(outside)) => {
                match outside.has(&OutsideQuestion { value_set: Some(value_set), coding }) {
                    Some(true) => Membership::In,
                    Some(false) => Membership::NotIn,
                    None => answer,
                }
            }
            _ => answer,
        }
    }

    /// Whether a value set is known here, in whatever version.
    #[must_use]
    pub fn has_value_set(&self, value_set: &str) -> bool {
        Question::new(self).has_value_set(value_set)
    }

    /// What a code system says of a code.
    #[must_use]
    pub fn code<'t>(&'t self, system: &str, version: Option<&str>, code: &str) -> Lookup<'t> {
        let answer = Question::new(self).code(system, version, code);
        match (answer, &self.outside) {
            (Lookup::UnknownSystem | Lookup::NoContent, Some(outside)) => {
                let coding = Coding { version, ..Coding::of(system, code) };
                match outside.has(&OutsideQuestion { value_set: None, coding }) {
                    Some(true) => Lookup::Known(Known::default()),
                    Some(false) => Lookup::NotThere,
                    None => answer,
                }
            }
            _ => answer,
        }
    }

    /// Whether these are words for a code, in whatever case and spacing: of the code system or of what supplements it. None
    /// when the code is not known or has no words.
    #[must_use]
    pub fn has_display(&self, system: &str, code: &str, display: &str) -> Option<bool> {
        Question::new(self).has_display(system, code, display)
    }

    /// What a code becomes by a concept map (a canonical, with `|version` or without); none when the map is not known.
    #[must_use]
    pub fn translate<'t>(&'t self, map: &str, system: Option<&str>, code: &str) -> Option<Vec<Translated<'t>>> {
        let url = map.split('|').next().unwrap_or_default();
        let layers = std::iter::successors(self.top.as_deref(), |layer| layer.below.as_deref());
        let added = layers.into_iter().find_map(|layer| layer.concept_map(url));
        let known = added.or_else(|| facts::concept_map(self.version, url))?;
        Some(known.translate(system, code))
    }

    /// How two codes of a code system stand to each other.
    ///
    /// # Errors
    /// What keeps it from being said: a code that is not there, a system that is not known.
    pub fn subsumes<'t>(&'t self, system: &str, left: &str, right: &str) -> Result<Subsumption, Lookup<'t>> {
        Question::new(self).subsumes(system, left, right)
    }

    /// The codes of a value set of which the code or the display contains `filter` in whatever case, `count` of them at most.
    #[must_use]
    pub fn expand<'t>(&'t self, value_set: &'t str, filter: Option<&str>, count: Option<usize>) -> Expansion<'t> {
        Question::new(self).expand(value_set, filter, count)
    }

    /// Layers from the top.
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::successors(self.top.as_deref(), |layer| layer.below.as_deref())
    }

    /// The code systems with that canonical: of the highest layer that has any; built-in ones too where what was added is not
    /// complete.
    pub(crate) fn code_systems<'t>(&'t self, url: &str) -> impl Iterator<Item = &'t CodeSystem> + use<'t> {
        let added = self.layers().map(|layer| layer.code_systems(url)).find(|systems| !systems.is_empty());
        let added = added.unwrap_or_default();
        let is_whole = added.iter().any(|system| system.content == Content::Complete);
        added.iter().chain((!is_whole).then(|| facts::code_systems(self.version, url)).into_iter().flatten())
    }

    /// Those that supplement the code system with that canonical.
    pub(crate) fn supplements(&self, url: &str) -> impl Iterator<Item = &CodeSystem> {
        self.layers().flat_map(move |layer| layer.supplements(url))
    }

    /// The value sets with that canonical: of the highest layer that has any.
    fn all_value_sets<'t>(&'t self, url: &str) -> impl Iterator<Item = &'t ValueSet> + Clone + use<'t> {
        let added = self.layers().map(|layer| layer.value_sets(url)).find(|sets| !sets.is_empty());
        let is_built_in = added.is_none();
        let built_in = is_built_in.then(|| facts::value_sets(self.version, url));
        added.unwrap_or_default().iter().chain(built_in.into_iter().flatten())
    }

    /// The value sets that a canonical means: without a version those of the preferred edition, or else of the oldest, where
    /// there are several editions.
    pub(crate) fn value_sets<'t>(
        &'t self,
        url: &str,
        version: Option<&str>,
    ) -> impl Iterator<Item = &'t ValueSet> + use<'t> {
        let all = self.all_value_sets(url);
        let is_preferred = |set: &&ValueSet| set.editions & self.edition != 0;
        let meant = match version {
            Some(_) => None,
            None => all.clone().find(is_preferred).or_else(|| all.clone().next()).map(|set| set.editions),
        };
        all.filter(move |set| meant.is_none_or(|editions| set.editions == editions))
    }

    /// The code system that has all its codes in the value set with that canonical.
    pub(crate) fn whole(&self, value_set: &str) -> Option<&str> {
        self.layers().find_map(|layer| layer.whole(value_set)).or_else(|| facts::whole(value_set))
    }
}
