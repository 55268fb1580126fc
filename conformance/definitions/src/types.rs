//! Types and the members their objects may have.

use fhir::ResourceType;

use crate::tables::key::Key;
use crate::tables::{CODE_SEED, GROUP, NONE, ShapeRow, TypeRow};
use crate::{Definitions, Element, ElementId};

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A JSON literal: `string`.
    Primitive,
    /// An object: `HumanName`.
    Complex,
    /// An object with a `resourceType`: `Patient`.
    Resource,
}

/// A type of the release.
#[derive(Clone, Copy)]
pub struct Type<'d> {
    definitions: &'d Definitions,
    row: &'d TypeRow,
    index: u16,
}

/// Equal when they are one type of one release.
impl PartialEq for Type<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.definitions.version() == other.definitions.version()
    }
}

impl Eq for Type<'_> {}

impl<'d> Type<'d> {
    /// `Patient`
    #[inline]
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definitions.text(self.row.name)
    }

    /// What it is.
    #[inline]
    #[must_use]
    pub const fn family(self) -> Family {
        match self.row.family {
            0 => Family::Primitive,
            1 => Family::Complex,
            _ => Family::Resource,
        }
    }

    /// Whether there are no instances of exactly this type, as of `Resource` and `Element`.
    #[must_use]
    pub const fn is_abstract(self) -> bool {
        self.row.is_abstract == 1
    }

    /// What it specializes: Patient -> DomainResource -> Resource; code -> string -> Element.
    #[inline]
    #[must_use]
    pub fn base(self) -> Option<Self> {
        self.definitions.type_at(self.row.base)
    }

    /// Itself and everything it specializes, nearest first.
    #[inline]
    pub fn lineage(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |known| known.base())
    }

    /// Whether it is `name` or specializes it.
    #[inline]
    #[must_use]
    pub fn is_a(self, name: &str) -> bool {
        self.lineage().any(|known| known.name() == name)
    }

    /// Whether it is `other` or specializes it.
    #[inline]
    #[must_use]
    pub fn specializes(self, other: Type<'_>) -> bool {
        self.lineage().any(|known| known == other)
    }

    /// The element that stands for the type: the parent of its members.
    #[inline]
    #[must_use]
    pub fn root(self) -> Option<ElementId> {
        ElementId::from_raw(self.row.root)
    }
}

/// The members that an object may have: those of a type, or of a backbone element such as `Patient.contact`.
#[derive(Clone, Copy)]
pub struct Shape<'d> {
    definitions: &'d Definitions,
    row: &'d ShapeRow,
    number: u16,
}

impl<'d> Shape<'d> {
    /// `Patient.contact`
    #[inline]
    #[must_use]
    pub fn path(self) -> &'static str {
        self.definitions.text(self.row.path)
    }

    /// Its number among the shapes of the release, below [`Definitions::shape_count`]: for tables beside this one.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Bits of the ordinals ([`Element::ordinal`]) that must appear.
    #[inline]
    #[must_use]
    pub const fn required(self) -> u64 {
        self.row.required
    }

    /// Its elements in order. A choice comes once; its variants are [`Element::variants`].
    pub fn elements(self) -> impl Iterator<Item = Element<'d>> {
        self.rows().filter(|element| !element.is_variant())
    }

    /// The element of a JSON member name, variants of choices included: `deceasedBoolean`, not `deceased` and not
    /// `_deceasedBoolean`. One probe of a perfect hash.
    #[inline]
    #[must_use]
    pub fn member(self, name: &[u8]) -> Option<Element<'d>> {
        self.member_with(Key::of(name), name)
    }

    /// The same for a name whose key is known.
    #[inline(always)]
    #[must_use]
    pub fn member_with(self, key: Key, name: &[u8]) -> Option<Element<'d>> {
        let tables = &self.definitions.tables;
        let slot = self.row.slots as usize + key.hash(self.row.seed, self.row.bits);
        let number = u32::from(*tables.slots.get(slot)?).checked_sub(1)?;
        let element = self.definitions.element_at(self.row.members.first + number)?;
        let is_same = element.key() == key && (key.is_exact() || element.name().as_bytes() == name);
        is_same.then_some(element)
    }

    pub(crate) fn path_member(self, name: &str) -> Option<Element<'d>> {
        self.member(name.as_bytes())
            .or_else(|| self.rows().find(|element| element.class() == GROUP && element.name() == name))
    }

    fn rows(self) -> impl Iterator<Item = Element<'d>> {
        let members = self.row.members;
        (0..u32::from(members.count)).filter_map(move |number| self.definitions.element_at(members.first + number))
    }
}

/// Names to indexes: an open-addressing table that is at most half full.
#[derive(Default)]
pub(crate) struct Names {
    bits: u8,
    /// 0, or an index plus one.
    slots: Vec<u16>,
}

impl Names {
    pub(crate) fn new<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let bits = (names.len() * 2).next_power_of_two().trailing_zeros().max(1) as u8;
        let mut slots = vec![0; 1 << bits];
        for (name, number) in names.zip(1..) {
            let mut slot = Key::of(name.as_bytes()).hash(CODE_SEED, bits);
            while slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) % slots.len();
            }
            if let Some(free) = slots.get_mut(slot) {
                *free = number;
            }
        }
        Self { bits, slots }
    }

    fn find<'a>(&self, name: &str, known: impl Fn(u16) -> &'a str) -> Option<u16> {
        let mut slot = Key::of(name.as_bytes()).hash(CODE_SEED, self.bits);
        loop {
            let index = self.slots.get(slot)?.checked_sub(1)?;
            if known(index) == name {
                return Some(index);
            }
            slot = (slot + 1) % self.slots.len();
        }
    }
}

impl Definitions {
    /// The type of that name, of any family.
    #[must_use]
    pub fn type_named(&self, name: &str) -> Option<Type<'_>> {
        self.type_at(self.type_names.find(name, |index| self.type_at(index).map_or("", Type::name))?)
    }

    /// The type of a resource, when this release has it.
    #[must_use]
    pub fn type_of(&self, resource_type: ResourceType) -> Option<Type<'_>> {
        self.type_named(resource_type.as_str())
    }

    /// Every type, sorted by name.
    pub fn types(&self) -> impl Iterator<Item = Type<'_>> {
        (0..NONE).map_while(|index| self.type_at(index))
    }

    /// How many shapes there are.
    #[must_use]
    pub fn shape_count(&self) -> usize {
        self.tables.shapes.len()
    }

    /// Every shape.
    pub fn shapes(&self) -> impl Iterator<Item = Shape<'_>> {
        (0..NONE).map_while(|index| self.shape_at(index))
    }

    #[inline]
    pub(crate) fn type_at(&self, index: u16) -> Option<Type<'_>> {
        self.tables.types.get(index as usize).map(|row| Type { definitions: self, row, index })
    }

    #[inline]
    pub(crate) fn shape_at(&self, index: u16) -> Option<Shape<'_>> {
        if index == NONE {
            return None;
        }
        self.tables.shapes.get(index as usize).map(|row| Shape { definitions: self, row, number: index })
    }
}
