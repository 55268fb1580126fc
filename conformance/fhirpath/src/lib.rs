//! FHIRPath: parser, types, compiled evaluation over the node index of a document.

mod check;
pub mod decimal;
pub mod evaluate;
pub mod function;
pub mod item;
mod model;
mod program;
pub mod syntax;
pub mod temporal;
mod text_coding;
mod unit;

pub use decimal::Decimal;
pub use evaluate::{Environment, EvaluationError, NoServices, Services, Truth};
pub use item::{Collection, Element, Item, Quantity};
pub use model::{Kind, TypeSpecifier};
pub use program::{CompileError, Program};
pub use syntax::{Expression, SyntaxError, parse};
pub use temporal::Temporal;
