//! Text to tree: the grammar of FHIRPath 2.0 with the additions of the 3.0 ballot (long literals, lists).

pub mod ast;
mod lexer;
mod literal;
mod parser;
mod token;

pub use ast::Expression;
pub(crate) use parser::calendar_unit;
pub use parser::parse;

/// Longest expression that is read, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;
/// Deepest nesting, and longest run of operators of one level, of an expression.
pub const MAX_DEPTH: u32 = 128;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at offset {offset}")]
pub struct SyntaxError {
    /// In bytes from the start of the expression.
    pub offset: usize,
    /// What was expected.
    pub message: String,
}

impl SyntaxError {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}
