//! OperationOutcome: what is wrong, where, and what was expected.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// `OperationOutcome.issue.severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing went wrong.
    Information,
    /// Not enough to refuse.
    Warning,
    /// Enough to refuse.
    Error,
    /// The action stopped; nothing more was checked.
    Fatal,
}

impl Severity {
    /// The code of the value set.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

macro_rules! issue_types {
    ($($variant:ident = $code:literal,)*) => {
        /// `OperationOutcome.issue.code`: the whole value set http://hl7.org/fhir/ValueSet/issue-type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum IssueType {
            $(#[doc = concat!("`", $code, "`")] $variant,)*
        }

        impl IssueType {
            /// Every code of the value set.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code of the value set.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

issue_types! {
    Invalid = "invalid",
    Structure = "structure",
    Required = "required",
    Value = "value",
    Invariant = "invariant",
    Security = "security",
    Login = "login",
    Unknown = "unknown",
    Expired = "expired",
    Forbidden = "forbidden",
    Suppressed = "suppressed",
    Processing = "processing",
    NotSupported = "not-supported",
    Duplicate = "duplicate",
    MultipleMatches = "multiple-matches",
    NotFound = "not-found",
    Deleted = "deleted",
    TooLong = "too-long",
    CodeInvalid = "code-invalid",
    Extension = "extension",
    TooCostly = "too-costly",
    BusinessRule = "business-rule",
    Conflict = "conflict",
    Transient = "transient",
    LockError = "lock-error",
    NoStore = "no-store",
    Exception = "exception",
    Timeout = "timeout",
    Incomplete = "incomplete",
    Throttled = "throttled",
    Informational = "informational",
}

/// Where in the source an issue stands. Both count from 1; a column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// One entry of an OperationOutcome. Its `Debug` shows no text: a text may quote the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad.
    pub severity: Severity,
    /// Of what kind.
    pub code: IssueType,
    /// What was expected and what was found; lowercase, no full stop.
    pub text: String,
    /// FHIRPath of the element, `Patient.name[0].given[1]`.
    pub expression: Option<String>,
    /// Line and column in the source, where there is one.
    pub position: Option<Position>,
}

impl Issue {
    /// An issue of severity error.
    pub fn error(code: IssueType, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, text: text.into(), expression: None, position: None }
    }

    /// An issue of severity warning.
    pub fn warning(code: IssueType, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, text) }
    }

    /// An issue of severity information.
    pub fn information(code: IssueType, text: impl Into<String>) -> Self {
        Self { severity: Severity::Information, ..Self::error(code, text) }
    }

    /// The same issue at a FHIRPath.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }
}

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issue({} {}", self.severity.code(), self.code.code())?;
        match &self.expression {
            Some(expression) => write!(f, " at {expression})"),
            None => f.write_str(")"),
        }
    }
}

impl Serialize for Issue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Details<'a> {
            text: &'a str,
        }
        let mut map = serializer.serialize_map(None)?;
        if let Some(position) = self.position {
            map.serialize_entry("extension", &position_extensions(position))?;
        }
        map.serialize_entry("severity", self.severity.code())?;
        map.serialize_entry("code", self.code.code())?;
        map.serialize_entry("details", &Details { text: &self.text })?;
        if let Some(expression) = &self.expression {
            map.serialize_entry("expression", &[expression])?;
        }
        map.end()
    }
}

fn position_extensions(position: Position) -> serde_json::Value {
    serde_json::json!([
        { "url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line", "valueInteger": position.line },
        { "url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col", "valueInteger": position.column },
    ])
}

/// An OperationOutcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome(pub Vec<Issue>);

impl Outcome {
    /// Whether an issue is bad enough to refuse what it speaks of.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|issue| issue.severity >= Severity::Error)
    }

    /// The resource as JSON. An outcome without issues says that all is well, because `issue` is 1..*.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("resourceType", "OperationOutcome")?;
        if self.0.is_empty() {
            map.serialize_entry("issue", &[Issue::information(IssueType::Informational, "no issues found")])?;
        } else {
            map.serialize_entry("issue", &self.0)?;
        }
        map.end()
    }
}

impl From<Issue> for Outcome {
    fn from(issue: Issue) -> Self {
        Self(vec![issue])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_written_as_the_resource() {
        let outcome = Outcome::from(Issue::error(IssueType::Required, "expected `status`").at("Slot.status"));
        assert_eq!(
            String::from_utf8(outcome.to_json()).unwrap(),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"required","details":{"text":"expected `status`"},"expression":["Slot.status"]}]}"#
        );
    }

    #[test]
    fn debug_shows_no_text_because_it_may_quote_a_patient() {
        let issue = Issue::error(IssueType::Value, "`Everywoman` is not a date").at("Patient.birthDate");
        assert!(!format!("{issue:?}").contains("Everywoman"));
    }
}
