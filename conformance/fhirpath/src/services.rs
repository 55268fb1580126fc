//! What an evaluation may ask of the outside.

use fhir::json::Document;

/// Terminology and profiles. Everything is optional; the default knows nothing. What it gives as JSON is read as a document of
/// its own.
pub trait Services: Sync {
    /// Whether a code is in a value set; `None` when unknown.
    fn member_of(&self, system: Option<&str>, code: &str, value_set: &str) -> Option<bool> {
        let _ = (system, code, value_set);
        None
    }

    /// Whether the first code is the second or an ancestor of it; `None` when unknown.
    fn subsumes(&self, system: &str, ancestor: &str, code: &str) -> Option<bool> {
        let _ = (system, ancestor, code);
        None
    }

    /// Whether a code system has a code; `None` when unknown.
    fn look_up(&self, system: &str, code: &str) -> Option<LookUp> {
        let _ = (system, code);
        None
    }

    /// The codes of a value set that meet a filter, at most `count`; `None` when unknown.
    fn expand(&self, value_set: &str, filter: Option<&str>, count: Option<usize>) -> Option<Vec<Listed>> {
        let _ = (value_set, filter, count);
        None
    }

    /// What a code becomes by a concept map; `None` when the map is unknown.
    fn translate(&self, concept_map: &str, system: Option<&str>, code: &str) -> Option<Vec<Translation>> {
        let _ = (concept_map, system, code);
        None
    }

    /// Whether an element follows a profile; `None` when unknown.
    fn conforms_to(&self, document: Document<'_>, node: u32, profile: &str) -> Option<bool> {
        let _ = (document, node, profile);
        None
    }

    /// Whether an element is in the slice of that name of a profile; `None` when unknown.
    fn is_in_slice(&self, document: Document<'_>, node: u32, profile: &str, slice: &str) -> Option<bool> {
        let _ = (document, node, profile, slice);
        None
    }

    /// The ElementDefinition of an element in JSON; `None` when the base specification's is meant.
    fn element_definition(&self, document: Document<'_>, node: u32) -> Option<Vec<u8>> {
        let _ = (document, node);
        None
    }
}

/// Services that know nothing.
pub struct NoServices;

impl Services for NoServices {}

/// Whether a code system has a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// It has, with these words for it.
    Known(Option<String>),
    /// It has not.
    Absent,
}

/// A code of an expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The canonical of its code system.
    pub system: String,
    /// The code.
    pub code: String,
    /// The words for it.
    pub display: Option<String>,
}

/// What a code becomes by a concept map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The canonical of the code system of the target.
    pub system: Option<String>,
    /// The target.
    pub code: String,
    /// How it stands to the source, in the words of the release: `equivalent`.
    pub relationship: String,
}
