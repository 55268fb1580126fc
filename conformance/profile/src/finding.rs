//! What is wrong, as it is noted during the scan: small, without text, so that noting costs nothing but its place.

use definitions::{ElementId, Primitive};
use fhir::json::Fault;

/// What is wrong at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No JSON from here on.
    Syntax(Fault),
    /// More findings than are kept.
    More,
    /// A member that the type does not have.
    UnknownMember,
    /// A companion of something that is no primitive.
    NoCompanion,
    /// A member name with escapes: readers may differ in what they take it for.
    EscapedName,
    /// A member that the object has already.
    DuplicateMember,
    /// An element that appears at most once is an array.
    ExpectedSingle,
    /// An element that may repeat is no array.
    ExpectedArray,
    /// Something else than an object.
    ExpectedObject,
    /// Something else than the JSON type of the primitive.
    ExpectedPrimitive(Primitive),
    /// `null` where it fills no gap.
    Null,
    /// `{}`
    EmptyObject,
    /// `[]`
    EmptyArray,
    /// `""`
    EmptyString,
    /// A companion with an id alone (ele-1).
    NoContent,
    /// An item that has neither a value nor a companion.
    EmptyItem,
    /// The format of the primitive is broken.
    Format(Primitive),
    /// A number beyond the range of its type.
    Range(Primitive),
    /// An id of an element with a space.
    ElementId,
    /// A code that the required value set does not have.
    Code(ElementId),
    /// A coding that the required value set does not have.
    Coding(ElementId),
    /// A concept without a coding of the required value set.
    Concept(ElementId),
    /// The object lacks a required element.
    Missing(ElementId),
    /// More items than allowed.
    TooMany(u16),
    /// Another variant of the same choice is there already.
    ChoiceConflict(ElementId),
    /// A reference to a type that is not allowed.
    Target(ElementId),
    /// A literal reference of which the type is no type.
    UnknownTarget,
    /// `Reference.type` says something else than the reference.
    TargetType,
    /// `#id` and nothing contained has it.
    NothingContained,
    /// An extension with both a value and extensions, or with neither (ext-1).
    Extension,
    /// The URL of an extension is not absolute.
    ExtensionUrl,
    /// No `resourceType`.
    NoResourceType,
    /// A `resourceType` that is no string.
    ResourceTypeKind,
    /// A `resourceType` that the release does not have.
    UnknownResourceType,
    /// Another `resourceType` than the URL says.
    UnexpectedResourceType,
    /// A contained resource without an id.
    ContainedWithoutId,
    /// A contained resource with the id of another.
    ContainedSameId,
    /// A contained resource within a contained one (dom-2).
    ContainedNested,
    /// A contained resource that nothing refers to (dom-3).
    ContainedUnused,
    /// A contained resource with `meta.versionId` or `meta.lastUpdated` (dom-4).
    ContainedMeta,
    /// A contained resource with a security label (dom-5).
    ContainedSecurity,
    /// An invariant is broken: its number among those of the release.
    Invariant(u16),
    /// An invariant that could not be evaluated.
    Unchecked(u16),
    /// Narrative that is no XHTML; says why.
    Narrative(fhir::narrative::Fault),
}

/// A problem and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Index of the node; one behind the last when there is none.
    pub(crate) node: u32,
    /// Offset in the text.
    pub(crate) offset: u32,
    /// What is wrong.
    pub(crate) problem: Problem,
}
