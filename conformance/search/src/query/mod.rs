//! A query string as criteria and result parameters (search.html#3.1.1).

mod condition;
mod operand;
mod parse;
mod result;

use std::fmt;

use fhir::ResourceType;

use crate::{Canonical, Parameter};

pub use fhir::Handling;
pub use parse::parse;

/// A parsed search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// All must be met.
    pub criteria: Vec<Criterion>,
    /// `_type`: the types that a system search is confined to; empty means all.
    pub types: Vec<ResourceType>,
    /// `_count`: entries per page, as asked for; 0 means the same as `_summary=count`. The back end sets its own limit.
    pub count: Option<u32>,
    /// `_sort`, first key first.
    pub sort: Vec<Sort>,
    /// `_total`
    pub total: Option<Total>,
    /// `_summary`
    pub summary: Option<Summary>,
    /// `_elements`: names of top-level elements.
    pub elements: Vec<String>,
    /// `_include`
    pub includes: Vec<Include>,
    /// `_revinclude`
    pub revincludes: Vec<Include>,
    /// `_page`: an opaque page of an earlier search. With it every other parameter is ignored by the back end.
    pub page: Option<String>,
    /// With lenient handling: what was not understood, as `(name as it was written, why)`.
    pub ignored: Vec<(String, String)>,
}

/// One condition that a resource must meet.
#[derive(Clone, Debug, PartialEq)]
pub enum Criterion {
    /// `birthdate=ge1970`: on the resource itself.
    Plain(Condition),
    /// `patient.name=peter`: on what a reference points to. One alternative for each type that it may point to and that
    /// has the next parameter.
    Chain {
        /// The reference.
        reference: &'static Parameter,
        /// Type of the target, and what it must meet.
        alternatives: Vec<(ResourceType, Criterion)>,
    },
    /// `_has:Observation:patient:code=1234`: on a resource that points here.
    Has {
        /// The type of what points here.
        resource_type: ResourceType,
        /// Its reference parameter.
        reference: &'static Parameter,
        /// What it must meet.
        criterion: Box<Criterion>,
    },
}

/// A parameter, how it is compared, and the values of which one must match.
#[derive(Clone, PartialEq)]
pub struct Condition {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// `:modifier`
    pub modifier: Option<Modifier>,
    /// The alternatives; empty only with [`Modifier::Missing`].
    pub values: Vec<Operand>,
}

/// What follows the colon of a parameter name (search.html#modifiers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// `:missing=true|false`: whether there must be no value.
    Missing(bool),
    /// `:exact`
    Exact,
    /// `:contains`
    Contains,
    /// `:not`: no value of the resource may match any of the alternatives.
    Not,
    /// `:text`
    Text,
    /// `:in`
    In,
    /// `:not-in`
    NotIn,
    /// `:above`
    Above,
    /// `:below`
    Below,
    /// `:of-type`
    OfType,
    /// `:identifier`
    Identifier,
    /// `:[type]` of a reference.
    Type(ResourceType),
}

/// How a number, date or quantity is compared (search.html#prefix).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Prefix {
    /// The range of the parameter holds the range of the resource.
    #[default]
    Eq,
    /// Not so.
    Ne,
    /// Part of the resource's range lies above the parameter.
    Gt,
    /// Part of it lies below.
    Lt,
    /// `gt` or `eq`.
    Ge,
    /// `lt` or `eq`.
    Le,
    /// It starts behind the end of the parameter.
    Sa,
    /// It ends before the start of the parameter.
    Eb,
    /// About the same: within 10 percent; of a date: the ranges overlap.
    Ap,
}

/// One alternative of a condition.
#[derive(Clone, PartialEq)]
pub enum Operand {
    /// `system|code`, `|code`, `code`, `system|`; also `:identifier`.
    Token {
        /// `None`: any system or none. `Some(None)`: no system. `Some(Some(system))`: that one.
        system: Option<Option<String>>,
        /// `None`: any code.
        code: Option<String>,
    },
    /// `type-system|type-code|value` of `:of-type`.
    TypedIdentifier {
        /// Identifier.type.coding.system
        system: String,
        /// Identifier.type.coding.code
        code: String,
        /// Identifier.value
        value: String,
    },
    /// Of a string, or of `:text`.
    Text {
        /// As written, escapes resolved.
        exact: String,
        /// Folded by [`crate::fold`].
        normalized: String,
    },
    /// Of a date: half-open in microseconds UTC, as wide as its precision.
    Date {
        /// How to compare.
        prefix: Prefix,
        /// First microsecond.
        low: i64,
        /// The one behind the last.
        high: i64,
    },
    /// Of a number: the value and the half-open range of its implicit precision (100 is `[99.5, 100.5)`).
    Number {
        /// How to compare.
        prefix: Prefix,
        /// The value itself: what `gt`, `lt`, `ge`, `le`, `sa` and `eb` compare with.
        value: f64,
        /// Where the range begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// Of a quantity: a number with a unit.
    Quantity {
        /// How to compare.
        prefix: Prefix,
        /// The value itself.
        value: f64,
        /// Where the range of its precision begins.
        low: f64,
        /// Where it ends.
        high: f64,
        /// `None`: any.
        system: Option<String>,
        /// `None`: any. Without a system it is compared with the unit as well.
        code: Option<String>,
        /// The same in base units, when UCUM has the code: the value, and the range of its precision.
        canonical: Option<(f64, Canonical)>,
    },
    /// `1`, `Patient/1`, `Patient/1/_history/2`.
    Reference {
        /// The type when it is given (also by `:[type]`).
        resource_type: Option<ResourceType>,
        /// The id.
        id: String,
        /// The version.
        version: Option<String>,
    },
    /// An absolute URL or a canonical of a reference. A back end that knows its own base reads `{base}/Type/id` as the
    /// reference it is.
    Url {
        /// Without its version.
        url: String,
        /// Behind `|`.
        version: Option<String>,
    },
    /// Of a uri.
    Uri(String),
    /// Of `:in` and `:not-in`: a value set's canonical or literal reference.
    ValueSet(String),
    /// Of a composite: one operand per component.
    Composite(Vec<Operand>),
}

/// One key of `_sort`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sort {
    /// By which parameter.
    pub parameter: &'static Parameter,
    /// `-`
    pub descending: bool,
}

/// `_total`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// None is wanted.
    None,
    /// A guess will do.
    Estimate,
    /// It must be exact.
    Accurate,
}

/// `_summary`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// Only the elements marked as summary.
    True,
    /// Only text, id, meta and mandatory elements.
    Text,
    /// Everything but the text.
    Data,
    /// Only the number of matches.
    Count,
    /// Everything.
    False,
}

/// One `_include` or `_revinclude`: `Source:parameter[:Target]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    /// The type that has the reference.
    pub source: ResourceType,
    /// The reference; `None` stands for `*`.
    pub parameter: Option<&'static Parameter>,
    /// Only references to that type.
    pub target: Option<ResourceType>,
    /// `:iterate`: on included resources as well.
    pub iterate: bool,
}

/// Shows the parameter and how many values it has: values may name a patient.
impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({} {:?}, {} values)", self.parameter.code, self.modifier, self.values.len())
    }
}

impl fmt::Debug for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operand(…)")
    }
}
