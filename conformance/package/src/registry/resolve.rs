//! From a canonical to a structure with its snapshot.

use std::sync::Arc;

use fhir::ResourceType;

use super::Unresolved;
use super::artefact::{Artefact, Body};
use super::layer::{Layer, Origin};
use crate::canonical::CORE;
use crate::cross_version;
use crate::draft::{ElementDraft, StructureDraft};
use crate::snapshot::{generate, identify};
use crate::structure::Structure;
use crate::types;

/// A way through bases and types. It knows where it has been, so that it never goes in circles.
pub(crate) struct Resolution<'a> {
    layer: &'a Layer,
    trail: Vec<*const Artefact>,
    /// The first place of the trail that somebody behind it asked for again: what was made since then is only half known.
    circle: usize,
    made: usize,
}

/// Structures on the way to one another, at most.
const DEPTH: usize = 40;

/// Structures that are made for one, at most: packages that refer to each other all around could ask for them for ever.
const MOST: usize = 2000;

impl<'a> Resolution<'a> {
    pub(crate) const fn new(layer: &'a Layer) -> Self {
        Self { layer, trail: Vec::new(), circle: usize::MAX, made: 0 }
    }

    /// The structure that a canonical means.
    pub(crate) fn structure(&mut self, canonical: &str) -> Result<Arc<Structure>, Unresolved> {
        let Some((layer, artefact)) = self.layer.find(ResourceType::STRUCTURE_DEFINITION, canonical) else {
            return self.cross_version(canonical);
        };
        if let Some(known) = artefact.structure.get() {
            return known.clone();
        }
        let here = self.trail.len();
        if let Some(again) = self.again(artefact) {
            self.circle = self.circle.min(again);
            return Err(Unresolved::Circular { canonical: canonical.to_owned() });
        }
        self.trail.push(std::ptr::from_ref(artefact));
        self.made += 1;
        let outside = std::mem::replace(&mut self.layer, layer);
        let made = self.make(artefact).map(Arc::new);
        self.layer = outside;
        self.trail.pop();
        if self.circle < here {
            return made;
        }
        self.circle = usize::MAX;
        // Somebody else may have made the same meanwhile: then theirs stays.
        artefact.structure.get_or_init(|| made).clone()
    }

    /// An extension that carries an element of another release needs no package.
    fn cross_version(&mut self, canonical: &str) -> Result<Arc<Structure>, Unresolved> {
        match cross_version::draft(canonical, self.layer.version) {
            Some(draft) => self.generated(&draft).map(Arc::new),
            None => Err(Unresolved::Unknown { canonical: canonical.to_owned() }),
        }
    }

    /// The place of the trail where an artefact is already; the first one when this way is too long.
    fn again(&self, artefact: &Artefact) -> Option<usize> {
        let is_too_long = self.trail.len() >= DEPTH || self.made >= MOST;
        self.trail.iter().position(|known| *known == std::ptr::from_ref(artefact)).or(is_too_long.then_some(0))
    }

    fn make(&mut self, artefact: &Artefact) -> Result<Structure, Unresolved> {
        if let Body::Type(part) = artefact.body {
            let malformed =
                || Unresolved::Malformed { canonical: artefact.url.clone(), why: "damaged facts".to_owned() };
            let version = self.layer.version;
            let mut other = |name: &str| self.structure(&format!("{}{name}", crate::canonical::CORE)).ok();
            return types::structure(version, part, &mut other).ok_or_else(malformed);
        }
        let mut draft = artefact.draft()?;
        if let Some(origin) = &artefact.origin {
            self.pin(origin, &mut draft);
        }
        if draft.differential.is_empty() || !draft.snapshot.is_empty() {
            return Ok(self.published(&mut draft));
        }
        self.generated(&draft)
    }

    /// Says which versions an artefact of a package means where it names none.
    fn pin(&self, origin: &Origin, draft: &mut StructureDraft) {
        let structures = draft.header.base.iter_mut().chain(&mut draft.header.imposed);
        let mut value_sets = Vec::new();
        let mut profiles: Vec<&mut String> = structures.collect();
        for element in draft.snapshot.iter_mut().chain(&mut draft.differential) {
            profiles
                .extend(element.types.iter_mut().flat_map(|used| used.profiles.iter_mut().chain(&mut used.targets)));
            profiles.extend(&mut element.value_alternatives);
            if let Some(binding) = &mut element.binding {
                value_sets.extend(&mut binding.value_set);
                value_sets.extend(binding.additional.iter_mut().map(|additional| &mut additional.value_set));
            }
        }
        profiles.into_iter().for_each(|url| origin.pin(self.layer, ResourceType::STRUCTURE_DEFINITION, url));
        value_sets.into_iter().for_each(|url| origin.pin(self.layer, ResourceType::VALUE_SET, url));
    }

    /// The structure of a published snapshot.
    fn published(&self, draft: &mut StructureDraft) -> Structure {
        identify(&mut draft.snapshot);
        let elements = draft.snapshot.iter().map(ElementDraft::completed).collect();
        draft.with_elements(self.layer.version, elements)
    }

    /// The structure of a differential. When nobody has its base, it is laid over the type.
    pub(crate) fn generated(&mut self, draft: &StructureDraft) -> Result<Structure, Unresolved> {
        let (base, missing_base) = self.base(draft)?;
        let mut structures = |canonical: &str| self.structure(canonical).ok();
        let elements = generate(draft, &base, &mut structures)
            .map_err(|error| Unresolved::Malformed { canonical: draft.url.clone(), why: error.to_string() })?;
        let mut structure = draft.with_elements(self.layer.version, elements);
        structure.missing_base = missing_base.or_else(|| base.missing_base.clone());
        Ok(structure)
    }

    fn base(&mut self, draft: &StructureDraft) -> Result<(Arc<Structure>, Option<String>), Unresolved> {
        let canonical = draft.base.clone().unwrap_or_else(|| format!("{CORE}Element"));
        match self.structure(&canonical) {
            Ok(base) => Ok((base, None)),
            Err(Unresolved::Unknown { .. }) => {
                let type_ =
                    if draft.type_.contains(':') { draft.type_.clone() } else { format!("{CORE}{}", draft.type_) };
                let fallback = if type_ == draft.url { format!("{CORE}Element") } else { type_ };
                Ok((self.structure(&fallback)?, Some(canonical)))
            }
            Err(error) => Err(error),
        }
    }
}
