//! UCUM (The Unified Code for Units of Measure, 2.1): codes of units as terms of prefixes, atoms, exponents and annotations; what
//! they measure; exact decimals to convert with.

mod atom;
mod decimal;
mod measure;
mod parser;

pub use atom::{Atom, atom};
pub use decimal::{Decimal, InvalidDecimal};
pub use measure::{Dimension, Measure, is_comparable};

/// Whether a text is a code of UCUM, case-sensitive.
#[must_use]
pub fn is_unit(code: &str) -> bool {
    parser::is_unit(code)
}
