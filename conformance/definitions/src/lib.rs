//! The compiled facts of FHIR R4, R4B and R5: element tables, code lists, search parameters, compartments.
//!
//! Start with [`of`]. A typed scan (crate `profile`) stores an [`ElementId`] in every `fhir::json::Node::element`; from there
//! [`Definitions::element`] says what the node is. What the ids mean:
//!
//! - an object that is a resource (the root, a contained one, `Bundle.entry.resource`): the type itself, `Patient`;
//! - a member and the array around its repeats and each item in it: the element, `Patient.name`;
//! - a choice: the variant, `Patient.deceased[x]` as boolean; [`Element::choice`] leads to `Patient.deceased[x]`;
//! - a companion `_birthDate`: the id of `birthDate`; its own members are `Element.id` and `Element.extension`;
//! - `resourceType`, and everything unknown: 0, no element.
//!
//! Elements that a type inherits have ids and paths of the inheriting type: `Patient.id`, `Patient.contact.extension`.
//! The children of a data type have those of the data type: `HumanName.family`.

mod compartment;
mod element;
mod primitive;
mod search_parameter;
pub mod tables;
pub mod text;
mod types;
mod value_set;

use std::sync::LazyLock;

use fhir::Version;

pub use compartment::Compartment;
pub use element::{Binding, Element, ElementId, Invariant, Strength};
pub use primitive::Primitive;
pub use search_parameter::{Component, ParameterKind, SearchParameter};
pub use tables::key::Key;
pub use types::{Family, Shape, Type};
pub use value_set::ValueSet;

use search_parameter::SearchIndex;
use tables::Tables;
use types::Names;

/// Everything that is known of one release.
pub struct Definitions {
    version: Version,
    text: &'static str,
    tables: Tables,
    type_names: Names,
    search: SearchIndex,
}

/// The facts of a release. Read from the program's own bytes at first use, which takes a few milliseconds.
pub fn of(version: Version) -> &'static Definitions {
    static R4: LazyLock<Definitions> =
        LazyLock::new(|| Definitions::read(Version::R4, include_bytes!(concat!(env!("OUT_DIR"), "/r4.tables"))));
    static R4B: LazyLock<Definitions> =
        LazyLock::new(|| Definitions::read(Version::R4B, include_bytes!(concat!(env!("OUT_DIR"), "/r4b.tables"))));
    static R5: LazyLock<Definitions> =
        LazyLock::new(|| Definitions::read(Version::R5, include_bytes!(concat!(env!("OUT_DIR"), "/r5.tables"))));
    match version {
        Version::R4 => &R4,
        Version::R4B => &R4B,
        Version::R5 => &R5,
    }
}

impl Definitions {
    fn read(version: Version, bytes: &'static [u8]) -> Self {
        let (text, tables) = tables::read(bytes);
        let mut definitions =
            Self { version, text, tables, type_names: Names::default(), search: SearchIndex::default() };
        definitions.type_names = Names::new(definitions.tables.types.iter().map(|row| definitions.text(row.name)));
        definitions.search = SearchIndex::new(&definitions);
        definitions
    }

    /// The release.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    #[inline]
    fn text(&self, place: tables::Text) -> &'static str {
        let start = place.start as usize;
        self.text.get(start..start + place.length as usize).unwrap_or_default()
    }
}
