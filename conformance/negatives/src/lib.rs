//! Resources that break exactly one rule of their definition.
//!
//! [`Rules::of`] lists the rules of a type: everything that the definitions say of each element that can appear in it. A [`Trial`]
//! mutates valid resources so that one rule breaks, and notes whether a validator says so at the right FHIRPath. Where no
//! example has what a rule speaks of, an instance is made from the definitions.
//!
//! Whether an invariant is broken is decided by running its FHIRPath on the mutant, not by asking the validator.

mod coverage;
mod instance;
mod invariant;
mod member;
mod mutation;
mod reach;
mod rule;
mod sample;
mod trial;

pub use coverage::{Coverage, Tally};
pub use rule::{Kind, Rule, Rules};
pub use trial::Trial;
