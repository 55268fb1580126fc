//! From a canonical to a structure with its snapshot.

use std::sync::Arc;

use fhir::ResourceType;

use super::Unresolved;
use super::artefact::{Artefact, Body};
use super::layer::Layer;
use crate::structure::Structure;
use crate::types;

/// A way through bases and types. It knows where it has been, so that it never goes in circles.
pub(crate) struct Resolution<'a> {
    layer: &'a Layer,
    trail: Vec<*const Artefact>,
}

/// Structures on the way to one another, at most.
const DEPTH: usize = 40;

impl<'a> Resolution<'a> {
    pub(crate) const fn new(layer: &'a Layer) -> Self {
        Self { layer, trail: Vec::new() }
    }

    /// The structure that a canonical means.
    pub(crate) fn structure(&mut self, canonical: &str) -> Result<Arc<Structure>, Unresolved> {
        let unknown = || Unresolved::Unknown { canonical: canonical.to_owned() };
        let (layer, artefact) = self.layer.find(ResourceType::STRUCTURE_DEFINITION, canonical).ok_or_else(unknown)?;
        if let Some(known) = artefact.structure.get() {
            return known.clone();
        }
        if self.trail.len() >= DEPTH || self.trail.contains(&std::ptr::from_ref(artefact)) {
            return Err(Unresolved::Circular { canonical: canonical.to_owned() });
        }
        self.trail.push(std::ptr::from_ref(artefact));
        let outside = std::mem::replace(&mut self.layer, layer);
        let made = self.make(artefact).map(Arc::new);
        self.layer = outside;
        self.trail.pop();
        // Somebody else may have made the same meanwhile: then theirs stays.
        Ok(Arc::clone(artefact.structure.get_or_init(|| made).as_ref().map_err(Clone::clone)?))
    }

    fn make(&mut self, artefact: &Artefact) -> Result<Structure, Unresolved> {
        if let Body::Type(part) = artefact.body {
            let malformed =
                || Unresolved::Malformed { canonical: artefact.url.clone(), why: "damaged facts".to_owned() };
            let version = self.layer.version;
            let mut other = |name: &str| self.structure(&format!("{}{name}", crate::canonical::CORE)).ok();
            return types::structure(version, part, &mut other).ok_or_else(malformed);
        }
        let draft = artefact.draft()?;
        let elements = draft.snapshot.iter().map(super::super::draft::ElementDraft::complete).collect();
        Ok(draft.with_elements(self.layer.version, elements))
    }
}
