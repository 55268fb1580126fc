//! A release as tables: what `build.rs` writes, the crate embeds and [`crate::Definitions`] reads.

pub mod key;
pub mod row;

use key::Key;
use row::{Reader, Row, rows};

/// "There is none", where an index of 16 bits stands.
pub const NONE: u16 = u16::MAX;
/// "Any number", as the most times that an element may appear.
pub const MANY: u16 = u16::MAX;

/// [`ElementRow::class`]: a type itself.
pub const ROOT: u8 = 0;
/// [`ElementRow::class`]: an element that is no choice.
pub const PLAIN: u8 = 1;
/// [`ElementRow::class`]: `deceased[x]`; its variants follow it.
pub const GROUP: u8 = 2;
/// [`ElementRow::class`]: `deceasedBoolean`.
pub const VARIANT: u8 = 3;

/// [`ElementRow::flags`]: it changes the meaning of what it stands in.
pub const MODIFIER: u8 = 1;
/// [`ElementRow::flags`]: it is part of a summary.
pub const SUMMARY: u8 = 2;
/// [`ElementRow::flags`]: it is a SimpleQuantity, a quantity without a comparator.
pub const SIMPLE: u8 = 4;

/// Place of a string in the text of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Offset of its first byte.
    pub start: u32,
    /// Length in bytes.
    pub length: u16,
}

impl Row for Text {
    fn write(&self, out: &mut Vec<u8>) {
        self.start.write(out);
        self.length.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self { start: Row::read(reader), length: Row::read(reader) }
    }
}

impl Row for Key {
    fn write(&self, out: &mut Vec<u8>) {
        self.head.write(out);
        self.tail.write(out);
        self.length.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self { head: Row::read(reader), tail: Row::read(reader), length: Row::read(reader) }
    }
}

/// Rows of another table that stand together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index of the first.
    pub first: u32,
    /// How many.
    pub count: u16,
}

impl Row for Span {
    fn write(&self, out: &mut Vec<u8>) {
        self.first.write(out);
        self.count.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self { first: Row::read(reader), count: Row::read(reader) }
    }
}

impl Span {
    /// The rows in their table.
    #[must_use]
    pub fn of<T>(self, table: &[T]) -> &[T] {
        let first = self.first as usize;
        table.get(first..first + self.count as usize).unwrap_or_default()
    }
}

rows! {
    /// A type.
    TypeRow {
        /// `Patient`
        name: Text,
        /// Index of the type it specializes.
        base: u16,
        /// 0 primitive, 1 complex, 2 resource.
        family: u8,
        /// 1 when there are no instances of exactly this type.
        is_abstract: u8,
        /// Index of the element that stands for it.
        root: u32,
    }
    /// The members that an object may have.
    ShapeRow {
        /// `Patient.contact`
        path: Text,
        /// Its elements, choices before their variants.
        members: Span,
        /// Where its hash table starts in `slots`.
        slots: u32,
        /// The size of the hash table as a power of two.
        bits: u8,
        /// What makes the hash perfect.
        seed: u64,
        /// Bits of the ordinals that must appear.
        required: u64,
    }
    /// An element, or a type as the root of its elements.
    ElementRow {
        /// Key of the member name.
        key: Key,
        /// Index of the shape of its value when that is an object (of a primitive: of its companion); [`NONE`] when any
        /// resource may stand there.
        shape: u16,
        /// Its number among the elements of its shape; variants of a choice share one.
        ordinal: u8,
        /// Which primitive it is: the number in [`crate::Primitive`], 0 when it is none.
        primitive: u8,
        /// [`ROOT`], [`PLAIN`], [`GROUP`] or [`VARIANT`].
        class: u8,
        /// [`MODIFIER`], [`SUMMARY`] and [`SIMPLE`].
        flags: u8,
        /// The least number of times.
        min: u16,
        /// The most, [`MANY`] for any number.
        max: u16,
        /// Index of its type; [`NONE`] for a choice.
        type_index: u16,
        /// 0 none, 1 example, 2 preferred, 3 extensible, 4 required.
        strength: u8,
        /// Index of the value set of its binding, when its codes are known.
        value_set: u16,
        /// The types that a reference may point at, as indexes in `targets`; none when any.
        targets: Span,
        /// The shape that it is a member of.
        owner: u16,
        /// Member name: `deceasedBoolean`; of a choice `deceased`.
        name: Text,
        /// Name in FHIRPath: `deceased`.
        path_name: Text,
        /// Of a variant, the index of its choice; otherwise 0.
        group: u32,
        /// Of a choice, how many variants follow it.
        variants: u16,
        /// The canonical of its binding's value set.
        binding: Text,
        /// Its rules.
        invariants: Span,
    }
    /// A rule.
    InvariantRow {
        /// `pat-1`
        key: Text,
        /// 1 when breaking it is an error.
        is_error: u8,
        /// FHIRPath.
        expression: Text,
        /// In words.
        human: Text,
    }
    /// A value set.
    ValueSetRow {
        /// Its canonical.
        url: Text,
        /// Its systems in `systems`.
        systems: Span,
        /// 1 when it has a system that cannot be listed.
        is_open: u8,
        /// Its codes.
        codes: Span,
        /// Where its hash table starts in `code_slots`.
        slots: u32,
        /// The size of the hash table as a power of two.
        bits: u8,
    }
    /// A code of a value set.
    CodeRow {
        /// The code.
        code: Text,
        /// Its system, counted from the first of the value set.
        system: u16,
    }
    /// A search parameter.
    SearchParameterRow {
        /// Its canonical.
        url: Text,
        /// Its name in a URL.
        code: Text,
        /// Its type.
        kind: Text,
        /// FHIRPath; empty when there is none.
        expression: Text,
        /// Types it can be used on, in `words`.
        bases: Span,
        /// Types a reference may point at, in `words`.
        targets: Span,
        /// Prefixes, in `words`.
        comparators: Span,
        /// Modifiers, in `words`.
        modifiers: Span,
        /// 0 not said, 1 no, 2 yes.
        multiple_or: u8,
        /// 0 not said, 1 no, 2 yes.
        multiple_and: u8,
        /// Parts of a composite: canonical and expression in turn, in `words`.
        components: Span,
    }
    /// The types of a compartment.
    CompartmentRow {
        /// `Patient`
        owner: Text,
        /// Its members, in `compartment_members`.
        members: Span,
    }
    /// A type in a compartment.
    CompartmentMemberRow {
        /// `Appointment`
        resource_type: Text,
        /// Codes of search parameters, in `words`.
        parameters: Span,
    }
    /// All of a release but its text.
    Tables {
        /// Sorted by name.
        types: Vec<TypeRow>,
        /// Shapes.
        shapes: Vec<ShapeRow>,
        /// Hash tables of the shapes: 0, or a number from 1 in the shape's members.
        slots: Vec<u16>,
        /// Elements; the first is none.
        elements: Vec<ElementRow>,
        /// Indexes of types.
        targets: Vec<u16>,
        /// Rules.
        invariants: Vec<InvariantRow>,
        /// Value sets.
        value_sets: Vec<ValueSetRow>,
        /// Code systems.
        systems: Vec<Text>,
        /// Codes.
        codes: Vec<CodeRow>,
        /// Hash tables of the value sets: 0, or a number from 1 in the value set's codes.
        code_slots: Vec<u16>,
        /// Search parameters, sorted by canonical.
        search_parameters: Vec<SearchParameterRow>,
        /// Compartments.
        compartments: Vec<CompartmentRow>,
        /// Their members.
        compartment_members: Vec<CompartmentMemberRow>,
        /// Strings in lists.
        words: Vec<Text>,
    }
}

/// Seed of the hash tables of value sets.
pub const CODE_SEED: u64 = 0xD6E8_FEB8_6659_FD93;

/// Tables and their text as bytes.
#[must_use]
pub fn write(text: &str, tables: &Tables) -> Vec<u8> {
    let mut out = Vec::new();
    (text.len() as u32).write(&mut out);
    out.extend_from_slice(text.as_bytes());
    tables.write(&mut out);
    out
}

/// What [`write`] wrote; the text is borrowed.
#[must_use]
pub fn read(bytes: &[u8]) -> (&str, Tables) {
    let mut reader = Reader(bytes);
    let length = u32::read(&mut reader) as usize;
    let text = std::str::from_utf8(reader.take(length)).unwrap_or_default();
    (text, Tables::read(&mut reader))
}
