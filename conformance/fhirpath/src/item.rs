//! What a collection holds.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use fhir::ResourceType;
use fhir::json::{Document, Node, Value};
use smallvec::SmallVec;

use crate::Decimal;
use crate::model::Kind;
use crate::temporal::{Temporal, TemporalKind};

/// An ordered collection; small ones need no memory of their own.
pub type Collection<'a> = SmallVec<[Item<'a>; 2]>;

/// One item of a collection. Its `Debug` shows the type only.
#[derive(Clone, PartialEq)]
pub enum Item<'a> {
    /// A node of the document.
    Element(Element),
    /// System.Boolean
    Boolean(bool),
    /// System.Integer, 32 bits wide.
    Integer(i64),
    /// System.Long
    Long(i64),
    /// System.Decimal
    Decimal(Decimal),
    /// System.String
    Text(Cow<'a, str>),
    /// System.Date, System.DateTime, System.Time
    Temporal(Temporal),
    /// System.Quantity
    Quantity(Box<Quantity<'a>>),
    /// What `type()` gives: namespace and name.
    Type(&'static str, Cow<'a, str>),
    /// A resource that a reference points to and that is not in the document: only its type is known.
    Remote(ResourceType),
    /// An element of another document, which a service gave: an expansion, the definition of an element.
    Foreign(Box<Foreign>),
    /// `%terminologies`
    Terminologies,
}

/// An element of a document that a service gave.
#[derive(Clone, PartialEq)]
pub struct Foreign {
    pub(crate) document: Arc<ForeignDocument>,
    pub(crate) element: Element,
}

impl Foreign {
    /// The document.
    #[must_use]
    pub fn document(&self) -> Document<'_> {
        self.document.document()
    }

    /// What stands there.
    #[must_use]
    pub fn value(&self) -> Option<Value<'_>> {
        self.document().at(self.element.any_node())
    }

    /// The element in it.
    #[must_use]
    pub const fn element(&self) -> Element {
        self.element
    }
}

/// A document that a service gave.
pub(crate) struct ForeignDocument {
    pub(crate) json: Vec<u8>,
    pub(crate) nodes: Vec<Node>,
}

impl ForeignDocument {
    pub(crate) fn document(&self) -> Document<'_> {
        Document::new(&self.json, &self.nodes)
    }
}

impl PartialEq for ForeignDocument {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

/// A node of the document: a value, and of a primitive its companion (`_birthDate`) with id and extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Index of the value's node; [`Element::ABSENT`] where only the companion stands.
    pub node: u32,
    /// Index of the companion's node; [`Element::ABSENT`] where there is none.
    pub companion: u32,
    /// What the definitions say it is.
    pub kind: Kind,
}

impl Element {
    /// No node.
    pub const ABSENT: u32 = u32::MAX;

    /// A node without a companion.
    #[must_use]
    pub const fn new(node: u32, kind: Kind) -> Self {
        Self { node, companion: Self::ABSENT, kind }
    }

    /// The node to which the element's members or, of a primitive, its extensions belong.
    #[must_use]
    pub const fn any_node(self) -> u32 {
        if self.node == Self::ABSENT { self.companion } else { self.node }
    }
}

/// A number with a unit.
#[derive(Clone, PartialEq)]
pub struct Quantity<'a> {
    /// How much.
    pub value: Decimal,
    /// A UCUM code, a unit of another system, or a word of the calendar.
    pub unit: Cow<'a, str>,
    /// Whether the unit is a word of the calendar.
    pub calendar: bool,
}

impl<'a> Item<'a> {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Steps that it costs to make or copy it.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Text(Cow::Owned(text)) => 1 + text.len() as u64 / 16,
            Self::Quantity(quantity) => 1 + quantity.unit.len() as u64 / 16,
            _ => 1,
        }
    }

    /// A quantity in UCUM.
    #[must_use]
    pub fn quantity(value: Decimal, unit: impl Into<Cow<'a, str>>) -> Self {
        Self::Quantity(Box::new(Quantity { value, unit: unit.into(), calendar: false }))
    }

    /// The name of the System type that it has; `None` of a node.
    #[must_use]
    pub const fn system_type(&self) -> Option<&'static str> {
        Some(match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Long(_) => "Long",
            Self::Decimal(_) => "Decimal",
            Self::Text(_) => "String",
            Self::Temporal(value) => match value.kind {
                TemporalKind::Date => "Date",
                TemporalKind::DateTime => "DateTime",
                TemporalKind::Time => "Time",
            },
            Self::Quantity(_) => "Quantity",
            Self::Type(..) | Self::Element(_) | Self::Remote(_) | Self::Foreign(_) | Self::Terminologies => {
                return None;
            }
        })
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(element) => write!(f, "Element({})", element.any_node()),
            Self::Type(namespace, name) => write!(f, "Type({namespace}.{name})"),
            Self::Remote(resource_type) => write!(f, "Remote({resource_type})"),
            Self::Foreign(foreign) => write!(f, "Foreign({})", foreign.element.any_node()),
            Self::Terminologies => f.write_str("Terminologies"),
            other => write!(f, "{}(…)", other.system_type().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quantity(…)")
    }
}
