//! Concept maps: what a code becomes in another code system.

use serde_json::Value;

use crate::code_system::Text;
use crate::json::{items, owned, text};

/// A concept map, as far as single codes are asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConceptMap {
    pub(crate) url: Text,
    pub(crate) groups: Vec<Group>,
}

/// Mappings from one code system to another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) source: Text,
    pub(crate) target: Text,
    /// Sorted by code.
    pub(crate) mappings: Vec<Mapping>,
}

/// A code, what it becomes, and how that stands to it.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) code: Text,
    pub(crate) target: Text,
    pub(crate) relationship: Text,
}

/// What a code becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translated<'t> {
    /// The canonical of the code system of the target; empty when the map names none.
    pub system: &'t str,
    /// The target.
    pub code: &'t str,
    /// How it stands to the source: `equivalent`; before R5 what the target is to the source: `wider`.
    pub relationship: &'t str,
}

impl ConceptMap {
    /// What a code becomes; of whatever system where none is given.
    pub(crate) fn translate<'t>(&'t self, system: Option<&str>, code: &str) -> Vec<Translated<'t>> {
        let is_asked = |group: &&Group| system.is_none_or(|system| group.source.is_empty() || group.source == system);
        let groups = self.groups.iter().filter(is_asked);
        groups.flat_map(|group| group.of(code).map(move |mapping| mapping.translated(group))).collect()
    }
}

impl Group {
    fn of(&self, code: &str) -> impl Iterator<Item = &Mapping> {
        let first = self.mappings.partition_point(|mapping| *mapping.code < *code);
        self.mappings.iter().skip(first).take_while(move |mapping| mapping.code == code)
    }

    pub(crate) fn sealed(mut self) -> Self {
        self.mappings.sort_by(|left, right| left.code.cmp(&right.code));
        self
    }
}

impl Mapping {
    fn translated<'t>(&'t self, group: &'t Group) -> Translated<'t> {
        Translated { system: &group.target, code: &self.target, relationship: &self.relationship }
    }
}

/// Reads a resource. That nothing corresponds to a code is no translation.
pub(crate) fn read(resource: &Value) -> ConceptMap {
    let groups = items(resource, "group").iter().map(group).collect();
    ConceptMap { url: owned(resource, "url"), groups }
}

fn group(value: &Value) -> Group {
    let elements = items(value, "element").iter();
    let targets = elements.flat_map(|element| items(element, "target").iter().map(move |target| (element, target)));
    let mappings = targets.filter_map(|(element, target)| mapping(element, target)).collect();
    // A canonical may have a version behind it.
    let system = |name| Text::from(text(value, name).split('|').next().unwrap_or_default().to_owned());
    Group { source: system("source"), target: system("target"), mappings }.sealed()
}

fn mapping(element: &Value, target: &Value) -> Option<Mapping> {
    let relationship = ["relationship", "equivalence"].into_iter().map(|name| text(target, name));
    let relationship = relationship.clone().find(|word| !word.is_empty()).unwrap_or("equivalent");
    if matches!(relationship, "unmatched" | "disjoint" | "not-related-to") || text(target, "code").is_empty() {
        return None;
    }
    let relationship = Text::from(relationship.to_owned());
    Some(Mapping { code: owned(element, "code"), target: owned(target, "code"), relationship })
}
