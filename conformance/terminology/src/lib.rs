//! Codes: what a validator and FHIRPath's `memberOf()` and `%terminologies` ask about them. No I/O: code systems and value sets
//! are the built-in facts of a release and whatever resources the caller adds.
//!
//! [`Terminology::of`] is the start, [`Terminology::with`] adds resources, [`Terminology::member`] asks. Where nobody here can say
//! and there is a [`Consultation`], [`gather`] collects what somebody outside is to be asked.

mod answer;
mod code_system;
mod concept_map;
mod evaluate;
mod facts;
pub mod grammar;
mod json;
mod layer;
mod outside;
mod sorted;
mod terminology;
mod value_set;

pub use answer::{Coding, Expansion, Known, Listed, Lookup, Membership, Subsumption, Why};
pub use concept_map::Translated;
pub use layer::InvalidResource;
pub use outside::{Consultation, Inquiry, OutsideQuestion, Patience, Unanswered, gather};
pub use terminology::Terminology;
