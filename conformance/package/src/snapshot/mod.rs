//! Snapshots: what a differential says, laid over the snapshot of its base (profiling.html#snapshot).
//!
//! The base becomes a tree. Each element of the differential is looked for in it by its id; where the way ends, the tree grows:
//! the members of a data type or of a contentReference's target, a slice. Then the element's facts are laid over what is there.
//! The order of the differential does not matter, but that what is not sliced is laid down before its slices are copied from it.

mod identify;
mod merge;
mod place;
mod short;
mod tree;
mod walk;

use std::sync::Arc;

use fhir::Version;

pub(crate) use identify::identify;
use tree::Node;

use crate::canonical::CORE;
use crate::draft::{ElementDraft, MAX_ELEMENTS, StructureDraft};
use crate::structure::{Cardinality, Derivation, ElementDefinition, Structure};

/// Gives the structures of types and profiles that a differential walks into.
pub(crate) type Structures<'a> = &'a mut dyn FnMut(&str) -> Option<Arc<Structure>>;

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSnapshot {
    #[error("expected a base with elements")]
    EmptyBase,
    #[error("expected a snapshot of at most {MAX_ELEMENTS} elements")]
    TooLarge,
}

/// What growing needs.
struct Ground<'a, 'b> {
    base: &'a Structure,
    structures: Structures<'b>,
    /// The canonical of the structure whose snapshot is made: the source of its constraints.
    url: &'a str,
    /// Whether elements that the base does not have are new ones.
    is_open: bool,
    /// How many elements may still be added.
    room: usize,
    /// The choices that are constrained in the short form, by id, and the slices that are meant.
    short: Vec<(String, String)>,
    /// Whether these have no other types even where the short form does not demand one: the core profiles of R4 and R4B were
    /// published so, everything since then not.
    closes_short_forms: bool,
}

/// The elements of a structure that derives from `base`.
pub(crate) fn generate(
    draft: &StructureDraft,
    base: &Structure,
    structures: Structures<'_>,
) -> Result<Vec<ElementDefinition>, NoSnapshot> {
    let mut root = Node::tree(&base.elements).ok_or(NoSnapshot::EmptyBase)?;
    let mut ground = Ground {
        base,
        structures,
        url: &draft.url,
        is_open: draft.derivation == Derivation::Specialization,
        room: MAX_ELEMENTS.saturating_sub(base.elements.len()),
        short: Vec::new(),
        closes_short_forms: draft.url.starts_with(CORE) && base.fhir_version < Version::R5,
    };
    if ground.is_open {
        specialize(&mut root, draft);
    }
    for element in ordered(&draft.differential) {
        lay(&mut root, &element, &mut ground);
        if ground.room == 0 {
            return Err(NoSnapshot::TooLarge);
        }
    }
    short::close(&mut root, &mut ground);
    Ok(root.flatten())
}

/// A type of its own has a name of its own.
fn specialize(root: &mut Node, draft: &StructureDraft) {
    let path = draft.differential.first().map(|first| first.path.split('.').next().unwrap_or_default());
    let tail = draft.type_.rsplit('/').next().unwrap_or_default();
    root.name = path.filter(|name| !name.is_empty()).unwrap_or(tail).to_owned();
    root.element.base = Some(Cardinality { path: root.name.clone(), min: 0, max: None });
}

/// The differential with ids, what has fewer slices on its way first.
fn ordered(differential: &[ElementDraft]) -> Vec<ElementDraft> {
    let mut elements = differential.to_vec();
    identify(&mut elements);
    elements.sort_by_key(|element| element.id.matches(':').count());
    elements
}

fn lay(root: &mut Node, element: &ElementDraft, ground: &mut Ground<'_, '_>) {
    let mut node = root;
    for step in element.id.split('.').skip(1) {
        // The base has no such element and the structure may not add one: what it says there holds for nothing.
        let Some(number) = place::child(node, step, ground) else { return };
        node = &mut node.children[number];
    }
    short::note(node, element, ground);
    merge::lay_over(&mut node.element, element, ground.url);
}
