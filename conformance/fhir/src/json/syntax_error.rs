//! What is wrong with a text that is no JSON.

use crate::outcome::Position;
use crate::{Issue, IssueType};

/// Why a text is refused as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing, or something that starts no value.
    #[error("expected a JSON value")]
    Value,
    /// Something else than a member name.
    #[error("expected a member name in quotes")]
    Name,
    /// An object goes on without a comma.
    #[error("expected `,` or `}}`")]
    CommaOrBrace,
    /// An array goes on without a comma.
    #[error("expected `,` or `]`")]
    CommaOrBracket,
    /// A member name without a colon.
    #[error("expected `:`")]
    Colon,
    /// More text behind the value.
    #[error("expected the end of the text")]
    End,
    /// A number that breaks the grammar.
    #[error("expected a number like 0, -1.50 or 2e-3")]
    Number,
    /// An escape that JSON does not have.
    #[error("expected an escape of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\uXXXX")]
    Escape,
    /// Half of a surrogate pair.
    #[error("expected both halves of a surrogate pair")]
    LoneSurrogate,
    /// A control character that is not escaped.
    #[error("expected control characters in a string to be escaped")]
    ControlCharacter,
    /// A string without an end.
    #[error("expected `\"` at the end of the string")]
    OpenString,
    /// Bytes that are no UTF-8.
    #[error("expected UTF-8")]
    Utf8,
    /// A member name that the object has already, spelled in any way.
    #[error("expected each member name once in an object")]
    DuplicateName,
    /// Objects and arrays within each other beyond the limit.
    #[error("expected fewer objects and arrays within each other")]
    TooDeep,
    /// More values than the limit.
    #[error("expected fewer values in one document")]
    TooManyValues,
    /// A member name of more than 65,535 bytes.
    #[error("expected a shorter member name")]
    LongName,
    /// A text whose offsets do not fit into 32 bits.
    #[error("expected a text of less than 4 GiB")]
    TooLong,
}

/// Where a text stops to be JSON, and why. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {offset}")]
pub struct SyntaxError {
    /// Offset of the byte that was not expected.
    pub offset: usize,
    /// What was expected.
    pub fault: Fault,
}

impl SyntaxError {
    pub(crate) const fn new(offset: usize, fault: Fault) -> Self {
        Self { offset, fault }
    }

    /// The error as an issue with line and column in `bytes`, the text that was scanned.
    #[must_use]
    pub fn issue(self, bytes: &[u8]) -> Issue {
        let code = match self.fault {
            Fault::TooDeep | Fault::TooManyValues | Fault::LongName | Fault::TooLong => IssueType::TooCostly,
            _ => IssueType::Structure,
        };
        let mut issue = Issue::error(code, self.fault.to_string());
        issue.position = Some(position(bytes, self.offset));
        issue
    }
}

/// Line and column of an offset.
#[must_use]
pub fn position(bytes: &[u8], offset: usize) -> Position {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let newlines = before.iter().filter(|byte| **byte == b'\n').count();
    // A character starts at every byte that does not continue one.
    let characters = before.iter().skip(line_start).filter(|byte| **byte & 0xC0 != 0x80).count();
    Position {
        line: u32::try_from(newlines + 1).unwrap_or(u32::MAX),
        column: u32::try_from(characters + 1).unwrap_or(u32::MAX),
    }
}
