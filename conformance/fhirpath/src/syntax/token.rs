//! The words of an expression.

use crate::Decimal;
use crate::temporal::Temporal;

/// A token and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) offset: usize,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A plain word: a name, a keyword or a unit of the calendar.
    Word(String),
    /// `` `delimited` ``: always a name.
    Delimited(String),
    Text(String),
    Integer(i64),
    Long(i64),
    Decimal(Decimal),
    Temporal(Temporal),
    /// `%name`
    Variable(String),
    /// `$this`
    Special(&'static str),
    /// Punctuation and operators that are no words.
    Symbol(&'static str),
    End,
}

impl TokenKind {
    /// What an error text calls it. A literal is not quoted: an expression may hold data.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Delimited(_) => "a delimited name".to_owned(),
            Self::Text(_) => "a string".to_owned(),
            Self::Integer(_) | Self::Long(_) | Self::Decimal(_) => "a number".to_owned(),
            Self::Temporal(_) => "a date or time".to_owned(),
            Self::Variable(name) => format!("`%{name}`"),
            Self::Special(symbol) | Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".to_owned(),
        }
    }
}
