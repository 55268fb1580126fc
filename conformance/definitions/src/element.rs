//! Elements: what a member of an object is.

use std::num::NonZeroU32;

use crate::tables::key::Key;
use crate::tables::{ElementRow, GROUP, InvariantRow, MANY, MODIFIER, ROOT, SIMPLE, SUMMARY, VARIANT};
use crate::{Definitions, Primitive, Shape, Type, ValueSet};

/// An element of one release; what `fhir::json::Node::element` holds when it is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(NonZeroU32);

impl ElementId {
    /// The id that a node holds; none for 0.
    #[inline]
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// What a node holds.
    #[inline]
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0.get()
    }
}

/// How strictly codes are bound to a value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The value set is an example.
    Example,
    /// The value set is recommended.
    Preferred,
    /// From the value set where it has a code for it.
    Extensible,
    /// From the value set.
    Required,
}

/// A binding to a value set.
#[derive(Clone, Copy)]
pub struct Binding<'d> {
    /// How strict.
    pub strength: Strength,
    /// The canonical of the value set, without a version.
    pub url: &'static str,
    /// Its codes; only those of required bindings are known.
    pub value_set: Option<ValueSet<'d>>,
}

/// A rule of an element, in FHIRPath.
#[derive(Clone, Copy)]
pub struct Invariant<'d> {
    definitions: &'d Definitions,
    row: &'d InvariantRow,
}

impl Invariant<'_> {
    /// `pat-1`
    #[must_use]
    pub fn key(self) -> &'static str {
        self.definitions.text(self.row.key)
    }

    /// Whether breaking it is an error; a warning otherwise.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.row.is_error == 1
    }

    /// FHIRPath on the element.
    #[must_use]
    pub fn expression(self) -> &'static str {
        self.definitions.text(self.row.expression)
    }

    /// The rule in words.
    #[must_use]
    pub fn human(self) -> &'static str {
        self.definitions.text(self.row.human)
    }
}

/// An element of a type: a member, a choice, a variant of a choice, or the type itself as the root of its members.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    definitions: &'d Definitions,
    row: &'d ElementRow,
    id: ElementId,
}

impl<'d> Element<'d> {
    /// Its id.
    #[inline]
    #[must_use]
    pub const fn id(self) -> ElementId {
        self.id
    }

    /// Its member name: `deceasedBoolean`; of a choice `deceased`; of a type's root the type's name.
    #[inline]
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definitions.text(self.row.name)
    }

    /// Whether it is the `id` of an element: a string without spaces (element.html#id).
    #[inline]
    #[must_use]
    pub fn is_element_id(self) -> bool {
        self.row.key.length == 2 && self.row.primitive == Primitive::String.number() && self.row.key == Key::of(b"id")
    }

    /// Its name in FHIRPath: `deceased` for the choice and for all its variants.
    #[inline]
    #[must_use]
    pub fn path_name(self) -> &'static str {
        self.definitions.text(self.row.path_name)
    }

    /// `Patient.contact.name`, with `[x]` behind a choice and its variants.
    #[must_use]
    pub fn path(self) -> String {
        let Some(owner) = self.owner() else { return self.name().to_owned() };
        let x = if self.is_choice() || self.is_variant() { "[x]" } else { "" };
        format!("{}.{}{x}", owner.path(), self.path_name())
    }

    /// The shape it is a member of; none for a type's root.
    #[inline]
    #[must_use]
    pub fn owner(self) -> Option<Shape<'d>> {
        self.definitions.shape_at(self.row.owner)
    }

    /// Its type. None for a choice, whose types are those of its [`Element::variants`]. A backbone element is a
    /// `BackboneElement` or an `Element`; an element with a contentReference has the type of what it refers to.
    #[inline]
    #[must_use]
    pub fn type_(self) -> Option<Type<'d>> {
        self.definitions.type_at(self.row.type_index)
    }

    /// The name of its type; empty for a choice.
    #[inline]
    #[must_use]
    pub fn type_name(self) -> &'static str {
        self.type_().map_or("", Type::name)
    }

    /// Which primitive it is, when it is one.
    #[inline]
    #[must_use]
    pub fn primitive(self) -> Option<Primitive> {
        Primitive::numbered(self.row.primitive)
    }

    /// The members of its value: of its type, of its own for a backbone element, of `Element` (the companion) for a
    /// primitive. None for a choice and where any resource may stand.
    #[inline]
    #[must_use]
    pub fn shape(self) -> Option<Shape<'d>> {
        self.definitions.shape_at(self.row.shape)
    }

    /// Whether it is a type itself.
    #[inline]
    #[must_use]
    pub const fn is_root(self) -> bool {
        self.row.class == ROOT
    }

    /// Whether it is a choice such as `deceased[x]`.
    #[inline]
    #[must_use]
    pub const fn is_choice(self) -> bool {
        self.row.class == GROUP
    }

    /// Whether it is a variant of a choice such as `deceasedBoolean`.
    #[inline]
    #[must_use]
    pub const fn is_variant(self) -> bool {
        self.row.class == VARIANT
    }

    /// Of a variant, its choice.
    #[must_use]
    pub fn choice(self) -> Option<ElementId> {
        ElementId::from_raw(self.row.group)
    }

    /// Of a choice, its variants in the order of its types.
    pub fn variants(self) -> impl Iterator<Item = Element<'d>> {
        let first = self.id.raw() + 1;
        (first..first + u32::from(self.row.variants)).filter_map(move |index| self.definitions.element_at(index))
    }

    /// The least number of times it must appear.
    #[inline]
    #[must_use]
    pub const fn min(self) -> u16 {
        self.row.min
    }

    /// The most, none for any number.
    #[inline]
    #[must_use]
    pub const fn max(self) -> Option<u16> {
        if self.row.max == MANY { None } else { Some(self.row.max) }
    }

    /// Whether JSON writes it as an array (json.html: wherever it may repeat).
    #[inline]
    #[must_use]
    pub const fn is_list(self) -> bool {
        self.row.max > 1
    }

    /// Whether it changes the meaning of what it stands in.
    #[must_use]
    pub const fn is_modifier(self) -> bool {
        self.row.flags & MODIFIER != 0
    }

    /// Whether it is part of a summary.
    #[must_use]
    pub const fn is_summary(self) -> bool {
        self.row.flags & SUMMARY != 0
    }

    /// Whether it is a SimpleQuantity (datatypes.html#SimpleQuantity): the release names that profile for its type.
    #[must_use]
    pub const fn is_simple_quantity(self) -> bool {
        self.row.flags & SIMPLE != 0
    }

    /// Its number among the elements of its shape, below 64; a choice and its variants share one.
    #[inline]
    #[must_use]
    pub const fn ordinal(self) -> u8 {
        self.row.ordinal
    }

    /// The types that a reference (or canonical, or CodeableReference) may point at; none when any.
    #[inline]
    pub fn targets(self) -> impl Iterator<Item = Type<'d>> {
        self.row
            .targets
            .of(&self.definitions.tables.targets)
            .iter()
            .filter_map(|index| self.definitions.type_at(*index))
    }

    /// Whether [`Element::targets`] has none, so that a reference may point at anything.
    #[inline]
    #[must_use]
    pub const fn may_target_any(self) -> bool {
        self.row.targets.count == 0
    }

    /// Its binding.
    #[must_use]
    pub fn binding(self) -> Option<Binding<'d>> {
        let strength = match self.row.strength {
            0 => return None,
            1 => Strength::Example,
            2 => Strength::Preferred,
            3 => Strength::Extensible,
            _ => Strength::Required,
        };
        let url = self.definitions.text(self.row.binding);
        Some(Binding { strength, url, value_set: self.definitions.value_set_at(self.row.value_set) })
    }

    /// The value set that its codes must be in: of a required binding whose codes are known.
    #[inline]
    #[must_use]
    pub fn required_codes(self) -> Option<ValueSet<'d>> {
        if self.row.strength == 4 { self.definitions.value_set_at(self.row.value_set) } else { None }
    }

    /// Whether it has rules of its own.
    #[inline]
    #[must_use]
    pub const fn has_invariants(self) -> bool {
        self.row.invariants.count != 0
    }

    /// Rules of this element itself. Those of its type are the rules of the type's root.
    pub fn invariants(self) -> impl Iterator<Item = Invariant<'d>> {
        let definitions = self.definitions;
        self.row.invariants.of(&definitions.tables.invariants).iter().map(move |row| Invariant { definitions, row })
    }

    #[inline]
    pub(crate) const fn key(self) -> Key {
        self.row.key
    }

    pub(crate) const fn class(self) -> u8 {
        self.row.class
    }
}

impl Definitions {
    /// How many elements there are, the 0 of what is none included: their raw ids are below.
    #[must_use]
    pub fn element_count(&self) -> u32 {
        self.tables.elements.len() as u32
    }

    /// The element with that id.
    #[inline]
    #[must_use]
    pub fn element(&self, id: ElementId) -> Option<Element<'_>> {
        self.element_at(id.raw())
    }

    /// The element that a node holds in `Node::element`.
    #[inline]
    #[must_use]
    pub fn element_of(&self, node: &fhir::json::Node) -> Option<Element<'_>> {
        self.element_at(node.element)
    }

    /// The child of an element: by JSON member name, variants of choices (`deceasedBoolean`) and companions
    /// (`_birthDate`, which has the id of `birthDate`) included, or by FHIRPath name (`deceased`, the choice).
    #[must_use]
    pub fn child(&self, parent: ElementId, name: &str) -> Option<Element<'_>> {
        let shape = self.element(parent)?.shape()?;
        match name.strip_prefix('_') {
            Some(of) => shape.path_member(of).filter(|element| element.primitive().is_some()),
            None => shape.path_member(name),
        }
    }

    #[inline]
    pub(crate) fn element_at(&self, index: u32) -> Option<Element<'_>> {
        let id = ElementId::from_raw(index)?;
        self.tables.elements.get(index as usize).map(|row| Element { definitions: self, row, id })
    }
}
