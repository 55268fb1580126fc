//! Codes: what a validator and FHIRPath's `memberOf()` and `%terminologies` ask about them. No I/O: code systems and value sets
//! are the built-in facts of a release and whatever resources the caller adds.
//!
//! [`Terminology::of`] is the start, [`Terminology::with`] adds resources, [`Terminology::member`] asks.

mod answer;
mod code_system;
mod evaluate;
mod facts;
pub mod grammar;
mod json;
mod layer;
mod outside;
mod terminology;
mod value_set;

pub use answer::{Coding, Expansion, Known, Listed, Lookup, Membership, Subsumption, Why};
pub use layer::InvalidResource;
pub use outside::{Consultation, Outside, OutsideQuestion, Patience, Unanswered};
pub use terminology::Terminology;
