//! A StructureDefinition as it is written: each element says what it says itself, in a snapshot or in a differential.

mod json;

use std::ops::Deref;

use fhir::Version;

use crate::snapshot::identify;
use crate::structure::{
    Binding, Cardinality, Constraint, ElementDefinition, Header, Slicing, Structure, TypeUse, ValueFact,
};

pub(crate) use json::{LIMITS, MAX_ELEMENTS, canonical, items, text, word};
pub use json::{MalformedStructure, read};

/// A StructureDefinition before its snapshot is made. Its header's facts are read as its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructureDraft {
    /// What it says beside its elements.
    pub header: Header,
    /// The release it says it is for.
    pub fhir_version: Option<Version>,
    /// The published snapshot; empty when there is none.
    pub snapshot: Vec<ElementDraft>,
    /// The differential; empty when there is none.
    pub differential: Vec<ElementDraft>,
}

impl Deref for StructureDraft {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

/// The most times an element may appear; none for any number.
pub type Max = Option<u32>;

/// An element as it is written. What is absent is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementDraft {
    /// Its id; empty when not said.
    pub id: String,
    /// Its path.
    pub path: String,
    /// The slice it is or begins.
    pub slice_name: Option<String>,
    /// How its slices are told apart.
    pub slicing: Option<Slicing>,
    /// The least number of times.
    pub min: Option<u32>,
    /// The most.
    pub max: Option<Max>,
    /// Its first definition.
    pub base: Option<Cardinality>,
    /// Its types; empty when not said.
    pub types: Vec<TypeUse>,
    /// The id whose content it has.
    pub content: Option<String>,
    /// It is exactly that.
    pub fixed: Option<ValueFact>,
    /// It has at least that.
    pub pattern: Option<ValueFact>,
    /// The least value.
    pub min_value: Option<ValueFact>,
    /// The greatest value.
    pub max_value: Option<ValueFact>,
    /// The greatest length.
    pub max_length: Option<u32>,
    /// What codes it may have.
    pub binding: Option<Binding>,
    /// Rules that it adds.
    pub constraints: Vec<Constraint>,
    /// Whether a primitive must have a value.
    pub must_have_value: Option<bool>,
    /// Extensions that may stand in place of a value.
    pub value_alternatives: Vec<String>,
    /// Whether a system must be able to deal with it.
    pub must_support: Option<bool>,
    /// Whether it is a modifier.
    pub is_modifier: Option<bool>,
}

impl StructureDraft {
    /// Gives every element an id: the written one where it agrees with the path, else the one that follows from paths, slice names
    /// and order.
    pub fn identify(&mut self) {
        identify(&mut self.snapshot);
        identify(&mut self.differential);
    }

    /// The structure with these elements.
    pub(crate) fn with_elements(&self, version: Version, elements: Vec<ElementDefinition>) -> Structure {
        let fhir_version = self.fhir_version.unwrap_or(version);
        Structure { header: self.header.clone(), fhir_version, elements, missing_base: None }
    }
}

impl ElementDraft {
    /// The element of a published snapshot, where what is absent has its default.
    #[must_use]
    pub fn completed(&self) -> ElementDefinition {
        ElementDefinition {
            id: self.id.clone(),
            path: self.path.clone(),
            slice_name: self.slice_name.clone(),
            slicing: self.slicing.clone(),
            min: self.min.unwrap_or_default(),
            max: self.max.unwrap_or(Some(1)),
            base: self.base.clone(),
            types: self.types.clone(),
            content: self.content.clone(),
            fixed: self.fixed.clone(),
            pattern: self.pattern.clone(),
            min_value: self.min_value.clone(),
            max_value: self.max_value.clone(),
            max_length: self.max_length,
            binding: self.binding.clone(),
            constraints: self.own_constraints().cloned().collect(),
            must_have_value: self.must_have_value.unwrap_or_default(),
            value_alternatives: self.value_alternatives.clone(),
            must_support: self.must_support.unwrap_or_default(),
            is_modifier: self.is_modifier.unwrap_or_default(),
        }
    }

    /// Its rules without those that published snapshots repeat on every element because every type has them.
    fn own_constraints(&self) -> impl Iterator<Item = &Constraint> {
        let is_root = !self.path.contains('.');
        self.constraints.iter().filter(move |rule| is_root || !matches!(rule.key.as_str(), "ele-1" | "ext-1"))
    }
}
