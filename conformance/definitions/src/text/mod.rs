//! The facts of a FHIR release as text that a person can read and compare: the model, [`parse`] and [`print`].
//! The same code runs in `build.rs`, which turns the committed text into tables, and in the tool that writes the text from a
//! FHIR package.

pub mod parse;
pub mod print;

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `string`, `code`, `date`: a JSON literal.
    Primitive,
    /// `HumanName`, `Extension`: an object.
    Complex,
    /// `Patient`: an object with a `resourceType`.
    Resource,
}

/// A StructureDefinition of the release that defines a type (not a profile).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeText {
    /// `Patient`
    pub name: String,
    /// What it is.
    pub family: Family,
    /// Whether there are no instances of exactly this type.
    pub is_abstract: bool,
    /// What it specializes; its elements come first.
    pub base: Option<String>,
    /// Rules for the whole.
    pub invariants: Vec<InvariantText>,
    /// Its own elements at every depth, in order, without those of its base.
    pub elements: Vec<ElementText>,
}

/// An ElementDefinition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementText {
    /// The path without the type: `contact.name`, `deceased[x]`.
    pub path: String,
    /// The least number of times it must appear.
    pub min: u16,
    /// The most, `None` for any number.
    pub max: Option<u16>,
    /// The types it may have; empty when `content` says whose content it has.
    pub types: Vec<TypeUse>,
    /// `Questionnaire.item`: has the content of that element.
    pub content: Option<String>,
    /// What codes it may have.
    pub binding: Option<BindingText>,
    /// Whether it changes the meaning of what it stands in.
    pub is_modifier: bool,
    /// Whether it is part of a summary.
    pub is_summary: bool,
    /// Rules for it.
    pub invariants: Vec<InvariantText>,
}

/// One of an element's types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeUse {
    /// `Reference`
    pub name: String,
    /// What a Reference, canonical or CodeableReference may point at: type names, or URLs of profiles.
    pub targets: Vec<String>,
    /// Profiles of the type itself: `SimpleQuantity`.
    pub profiles: Vec<String>,
}

/// A binding to a value set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingText {
    /// `required`, `extensible`, `preferred` or `example`.
    pub strength: String,
    /// The canonical without a version.
    pub value_set: String,
}

/// A rule in FHIRPath.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantText {
    /// `pat-1`
    pub key: String,
    /// Whether breaking it is an error; a warning otherwise.
    pub is_error: bool,
    /// FHIRPath on the element.
    pub expression: String,
    /// What it says in words.
    pub human: String,
}

/// The codes of a value set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueSetText {
    /// Its canonical without a version.
    pub url: String,
    /// Code systems and their codes. A system without codes has more of them than can be listed.
    pub systems: Vec<(String, Vec<String>)>,
}

/// A SearchParameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchParameterText {
    /// Its canonical.
    pub url: String,
    /// Its name in a URL.
    pub code: String,
    /// `token`, `reference` and so on.
    pub kind: String,
    /// The types it can be used on; `Resource` means all.
    pub bases: Vec<String>,
    /// Where its values are; none when a server finds them in another way.
    pub expression: Option<String>,
    /// What a reference may point at.
    pub targets: Vec<String>,
    /// `eq`, `gt` and so on; empty when not said.
    pub comparators: Vec<String>,
    /// `exact`, `above` and so on; empty when not said.
    pub modifiers: Vec<String>,
    /// Whether values may be joined by commas; `None` when not said.
    pub multiple_or: Option<bool>,
    /// Whether it may be repeated; `None` when not said.
    pub multiple_and: Option<bool>,
    /// The parts of a composite: canonical of the part's parameter, expression on the composite's value.
    pub components: Vec<(String, String)>,
}

/// A CompartmentDefinition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompartmentText {
    /// `Patient`
    pub owner: String,
    /// The types that can be in it and the search parameters that put them there.
    pub members: Vec<(String, Vec<String>)>,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseText {
    /// Sorted by name.
    pub types: Vec<TypeText>,
    /// Sorted by canonical.
    pub value_sets: Vec<ValueSetText>,
    /// Sorted by canonical.
    pub search_parameters: Vec<SearchParameterText>,
    /// Sorted by owner.
    pub compartments: Vec<CompartmentText>,
}
