//! What extraction gives an index: one typed value per element, in the form in which a search compares it.

use std::borrow::Cow;
use std::fmt;

use fhir::ResourceType;

use crate::Canonical;

/// One value of one parameter, borrowed from the document where it can be. Its `Debug` shows the kind only.
#[derive(Clone, PartialEq)]
pub enum IndexValue<'a> {
    /// Of a token parameter (search.html#token). `system` is `None` where the element has none. A `boolean` or a
    /// `code` without a known system has no system; `text` is what `:text` looks at.
    Token {
        /// Identifier.system, Coding.system, the system behind a required `code` binding.
        system: Option<Cow<'a, str>>,
        /// Coding.code, Identifier.value, ContactPoint.value, `true`.
        code: Option<Cow<'a, str>>,
        /// Coding.display, CodeableConcept.text, Identifier.type.text.
        text: Option<Cow<'a, str>>,
    },
    /// The type of an Identifier, for `:of-type` (`system|code|value`).
    TypedIdentifier {
        /// Identifier.type.coding.system
        system: Cow<'a, str>,
        /// Identifier.type.coding.code
        code: Cow<'a, str>,
        /// Identifier.value
        value: Cow<'a, str>,
    },
    /// Of a string parameter (search.html#string).
    Text {
        /// As written: for `:exact`.
        exact: Cow<'a, str>,
        /// Folded by [`crate::fold`]: for the default and `:contains`.
        normalized: Cow<'a, str>,
    },
    /// Of a date parameter: microseconds since 1970-01-01T00:00:00Z, half-open `[low, high)` (search.html#date).
    /// What has no beginning or end is `i64::MIN` or `i64::MAX`.
    Date {
        /// First microsecond.
        low: i64,
        /// The one behind the last.
        high: i64,
    },
    /// Of a reference parameter (search.html#reference).
    Reference(ReferenceValue<'a>),
    /// Of a number parameter: the number, or the ends of a Range (closed; infinite where open).
    Number {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// Of a quantity parameter (search.html#quantity).
    Quantity {
        /// Smallest, infinite where the comparator or the Range leaves it open.
        low: f64,
        /// Largest.
        high: f64,
        /// Quantity.system; `urn:iso:std:iso:4217` of a Money.
        system: Option<Cow<'a, str>>,
        /// Quantity.code; Money.currency.
        code: Option<Cow<'a, str>>,
        /// Quantity.unit: a search without a system compares the code with it too.
        unit: Option<Cow<'a, str>>,
        /// The same in base units, when UCUM has the code.
        canonical: Option<Canonical>,
    },
    /// Of a uri parameter, as written (search.html#uri: compared exactly, case-sensitive).
    Uri(Cow<'a, str>),
    /// One part of a composite (search.html#composite): parts with the same `group` stood in the same element.
    Composite {
        /// Counts from 0 per parameter and document.
        group: u32,
        /// Which component, from 0.
        part: u8,
        /// Its value; never a `Composite`.
        value: Box<IndexValue<'a>>,
    },
}

/// A reference as far as it can be understood without fetching anything.
#[derive(Clone, Default, PartialEq)]
pub struct ReferenceValue<'a> {
    /// The type it points to: from `Type/id`, the last two segments of a RESTful URL, or Reference.type.
    pub resource_type: Option<ResourceType>,
    /// The id of a relative reference. `None` for an absolute URL: which server that is only the back end knows.
    pub id: Option<Cow<'a, str>>,
    /// `_history/[version]` of a relative reference, `|version` of a canonical.
    pub version: Option<Cow<'a, str>>,
    /// An absolute URL, a `urn:` or a canonical, without its version.
    pub url: Option<Cow<'a, str>>,
    /// Reference.identifier: system and value, for `:identifier`.
    pub identifier: Option<(Option<Cow<'a, str>>, Cow<'a, str>)>,
}

impl fmt::Debug for IndexValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "Token(…)",
            Self::TypedIdentifier { .. } => "TypedIdentifier(…)",
            Self::Text { .. } => "Text(…)",
            Self::Date { .. } => "Date(…)",
            Self::Reference(_) => "Reference(…)",
            Self::Number { .. } => "Number(…)",
            Self::Quantity { .. } => "Quantity(…)",
            Self::Uri(_) => "Uri(…)",
            Self::Composite { .. } => "Composite(…)",
        })
    }
}

impl fmt::Debug for ReferenceValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceValue(…)")
    }
}
