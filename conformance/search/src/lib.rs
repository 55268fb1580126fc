//! FHIR search (search.html) as data and rules: parameters compiled from their expressions, queries parsed into
//! criteria, values extracted for an index, matching in memory, compartments. No I/O.

mod added;
pub mod compartment;
pub mod extract;
mod fold;
pub mod index;
pub mod matching;
pub mod names;
pub mod parameter;
pub mod query;
pub mod subset;
mod unit;
mod vocabulary;

pub use added::NotAdded;
pub use extract::extract;
pub use fold::fold;
pub use index::{IndexValue, ReferenceValue};
pub use matching::matches;
pub use parameter::{Component, Parameter, ParameterType, added, parameter, parameters};
pub use query::{Condition, Criterion, Handling, Modifier, Operand, Prefix, Search, parse};
pub use unit::Canonical;
pub use vocabulary::{Adding, Additions, Vocabulary};
