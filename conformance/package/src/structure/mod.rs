//! A StructureDefinition as facts: what a validator needs of it, without its prose.

mod element;

use std::ops::Deref;

use fhir::Version;

use crate::canonical::compare_versions;

pub use element::{
    AdditionalBinding, Binding, Cardinality, Constraint, Discriminator, DiscriminatorType, ElementDefinition, Rules,
    Slicing, Strength, TypeUse, ValueFact,
};

/// What a structure describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructureKind {
    /// `string`, `date`
    Primitive,
    /// `HumanName`, and every extension.
    Complex,
    /// `Patient`, and every profile of a resource.
    Resource,
    /// A model of something else.
    Logical,
}

/// How a structure relates to its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// It makes a type of its own.
    Specialization,
    /// It is a profile of a type.
    Constraint,
}

/// What the expression of a context means (extensibility.html#context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextType {
    /// An element by its id, or a type.
    Element,
    /// The extension with that URL.
    Extension,
    /// Whatever a FHIRPath selects from the root of a resource.
    Fhirpath,
}

/// Where an extension may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// What the expression means.
    pub type_: ContextType,
    /// `Patient`, `Patient.contact`, the URL of an extension, or a FHIRPath.
    pub expression: String,
    /// The releases in which it counts; none when in all.
    pub releases: Option<Releases>,
}

/// Releases from one to another (the extension `version-specific-use`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// The first, as `4.0`; none when from the beginning.
    pub first: Option<String>,
    /// The last; none when there is no end.
    pub last: Option<String>,
}

impl Releases {
    /// Whether a release is one of them.
    #[must_use]
    pub fn include(&self, version: Version) -> bool {
        let is_after = |first: &str| compare_versions(major(first), version.mime()).is_le();
        let is_before = |last: &str| compare_versions(version.mime(), major(last)).is_le();
        self.first.as_deref().is_none_or(is_after) && self.last.as_deref().is_none_or(is_before)
    }
}

/// `4.0` of `4.0.1`.
fn major(number: &str) -> &str {
    number.match_indices('.').nth(1).map_or(number, |(end, _)| number.get(..end).unwrap_or(number))
}

/// What a StructureDefinition says beside its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its canonical without a version.
    pub url: String,
    /// Its version: its own, else that of its package.
    pub version: Option<String>,
    /// Its name for machines.
    pub name: String,
    /// `draft`, `active`, `retired` or `unknown`; empty when not said.
    pub status: String,
    /// What it describes.
    pub kind: StructureKind,
    /// The type it describes or constrains: `Patient`; of a logical model a URL.
    pub type_: String,
    /// The canonical of what it derives from.
    pub base: Option<String>,
    /// How.
    pub derivation: Derivation,
    /// Whether there are no instances of exactly this type.
    pub is_abstract: bool,
    /// Where it may stand, for an extension. Empty: nothing is said.
    pub contexts: Vec<Context>,
    /// FHIRPath that must hold for the element that has the extension.
    pub context_invariants: Vec<String>,
    /// Profiles that hold as well for whatever claims this one (`structuredefinition-imposeProfile`).
    pub imposed: Vec<String>,
    /// The releases that it is for, beside the one it says; none when nothing is said.
    pub releases: Option<Releases>,
}

impl Header {
    /// One that says nothing but what it describes.
    pub(crate) fn of(url: String, kind: StructureKind, type_: String, derivation: Derivation) -> Self {
        Self {
            url,
            version: None,
            name: String::new(),
            status: String::new(),
            kind,
            type_,
            base: None,
            derivation,
            is_abstract: false,
            contexts: Vec::new(),
            context_invariants: Vec::new(),
            imposed: Vec::new(),
            releases: None,
        }
    }
}

/// A StructureDefinition with its snapshot. Its header's facts are read as its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// What it says beside its elements.
    pub header: Header,
    /// The release it is for.
    pub fhir_version: Version,
    /// The snapshot: the root first, each element behind its parent and before the parent's next sibling.
    pub elements: Vec<ElementDefinition>,
    /// The base that no package here has, when there is one: the snapshot then starts from the nearest known structure
    /// (the type), and what the missing ones demand is not in it.
    pub missing_base: Option<String>,
}

impl Deref for Structure {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

impl Structure {
    /// `url|version`, or the URL when there is no version.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.version.as_ref().map_or_else(|| self.url.clone(), |version| format!("{}|{version}", self.url))
    }

    /// The element with that id: `Patient.extension:race`.
    #[must_use]
    pub fn element(&self, id: &str) -> Option<&ElementDefinition> {
        self.elements.iter().find(|element| element.id == id)
    }

    /// The element for the whole.
    #[must_use]
    pub fn root(&self) -> Option<&ElementDefinition> {
        self.elements.first()
    }

    /// Whether it defines an extension.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        self.type_ == "Extension" && self.derivation == Derivation::Constraint
    }

    /// Whether it is an extension for `modifierExtension`: its root says so (extensibility.html#modifierExtension).
    #[must_use]
    pub fn is_modifier(&self) -> bool {
        self.root().is_some_and(|root| root.is_modifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_from_one_to_another_patches_aside() {
        let releases = |first: &str, last: &str| {
            let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Releases { first: said(first), last: said(last) }
        };
        let include = |first, last| Version::ALL.map(|version| releases(first, last).include(version));
        assert_eq!(include("4.0", "4.3"), [true, true, false]);
        assert_eq!(include("4.0.1", "4.0.1"), [true, false, false]);
        assert_eq!(include("5.0", ""), [false, false, true]);
        assert_eq!(include("", "3.0"), [false, false, false]);
        assert_eq!(include("", ""), [true, true, true]);
    }
}
