//! Why a patch is not applied.

use std::fmt;

use fhir::json::{SyntaxError, position};
use fhir::outcome::Position;
use fhir::{Issue, IssueType};

/// Who or what is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The patch is no patch.
    Malformed,
    /// The patch does not fit what it is applied to: a path without a target, a test that fails.
    Unsuitable,
    /// The patch would change what is the server's.
    Protected,
    /// The patch, or what would come of it, is too large.
    TooCostly,
}

/// A patch that is not applied, with the operation that could not be done. Its `Debug` shows no text: a text may quote the patch.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct PatchError {
    /// Whose fault.
    pub fault: Fault,
    /// Which operation, counted from 0; none when it is the patch as a whole.
    pub operation: Option<usize>,
    /// What was expected; lowercase, no full stop.
    pub text: String,
    /// Where the patch stops to be JSON.
    pub position: Option<Position>,
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(f, "operation {operation} of the patch (counted from 0): {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl fmt::Debug for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatchError({:?} at {:?})", self.fault, self.operation)
    }
}

impl PatchError {
    pub(crate) fn new(fault: Fault, text: impl Into<String>) -> Self {
        Self { fault, operation: None, text: text.into(), position: None }
    }

    pub(crate) fn unreadable(error: SyntaxError, bytes: &[u8]) -> Self {
        let position = Some(position(bytes, error.offset));
        Self { position, ..Self::new(Fault::Malformed, format!("expected a patch in JSON: {}", error.fault)) }
    }

    /// The same with the operation that it is about.
    pub(crate) fn at(mut self, operation: usize) -> Self {
        self.operation = self.operation.or(Some(operation));
        self
    }

    /// What a client reads.
    #[must_use]
    pub fn issue(&self) -> Issue {
        let code = match self.fault {
            Fault::Malformed => IssueType::Structure,
            Fault::Unsuitable => IssueType::Processing,
            Fault::Protected => IssueType::BusinessRule,
            Fault::TooCostly => IssueType::TooCostly,
        };
        Issue { position: self.position, ..Issue::error(code, self.to_string()) }
    }
}

/// Why one step of an operation cannot be done; becomes a [`PatchError`] of its operation.
pub(crate) struct Reason(pub(crate) Fault, pub(crate) String);

impl Reason {
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self(Fault::Malformed, text.into())
    }

    pub(crate) fn unsuitable(text: impl Into<String>) -> Self {
        Self(Fault::Unsuitable, text.into())
    }

    pub(crate) fn too_costly(text: impl Into<String>) -> Self {
        Self(Fault::TooCostly, text.into())
    }
}

impl From<Reason> for PatchError {
    fn from(Reason(fault, text): Reason) -> Self {
        Self::new(fault, text)
    }
}

/// What is quoted of a patch in an error: its beginning.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 120;
    let shown: String = text.chars().take(MOST).map(|shown| if shown.is_control() { ' ' } else { shown }).collect();
    let more = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}
