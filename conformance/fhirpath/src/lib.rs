//! FHIRPath: parser, types, compiled evaluation over the node index of a document.

mod check;
pub mod evaluate;
pub mod function;
pub mod item;
mod model;
mod program;
mod services;
pub mod syntax;
pub mod temporal;
mod text_coding;
mod unit;

pub use evaluate::{Environment, EvaluationError, Truth};
pub use item::{Collection, Element, Foreign, Item, Quantity};
pub use model::{Kind, TypeSpecifier};
pub use program::{CompileError, Program};
pub use services::{Listed, LookUp, NoServices, Services, Translation};
pub use syntax::{Expression, SyntaxError, parse};
pub use temporal::Temporal;
pub use ucum::Decimal;
