//! Random resources that refer to each other, and random searches for them, drawn from a list of numbers that shrinks.

mod choices;
mod criterion;
mod names;
pub mod query;
mod reference;
pub mod resource;

pub use choices::Choices;
pub use names::{BASE, Names};
