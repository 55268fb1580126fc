//! What the passes behind the scan find. Texts are made at once: a finding is rare, and a valid resource makes none.

use fhir::json::position;
use fhir::{Issue, IssueType, Severity};

use crate::explain::Explanation;

/// Something that is wrong or doubtful at a node.
#[derive(PartialEq, Eq)]
struct Found {
    node: u32,
    /// An element that the node lacks, as FHIRPath below it; empty when the node itself is meant.
    below: String,
    severity: Severity,
    code: IssueType,
    text: String,
}

/// What passes find, at most a bounded number.
pub(crate) struct Report {
    found: Vec<Found>,
    bound: usize,
}

impl Report {
    pub(crate) const fn new(bound: usize) -> Self {
        Self { found: Vec::new(), bound }
    }

    /// A rule is broken.
    pub(crate) fn error(&mut self, node: u32, code: IssueType, text: impl Into<String>) {
        self.add(Severity::Error, node, code, text.into(), String::new());
    }

    /// Not enough to refuse the resource.
    pub(crate) fn warning(&mut self, node: u32, code: IssueType, text: impl Into<String>) {
        self.add(Severity::Warning, node, code, text.into(), String::new());
    }

    /// Worth saying.
    pub(crate) fn information(&mut self, node: u32, code: IssueType, text: impl Into<String>) {
        self.add(Severity::Information, node, code, text.into(), String::new());
    }

    /// Something of whatever severity.
    pub(crate) fn say(&mut self, severity: Severity, node: u32, code: IssueType, text: impl Into<String>) {
        self.add(severity, node, code, text.into(), String::new());
    }

    /// As [`Report::error`], about something that the node lacks: `below` is its FHIRPath from the node on, `period.start`.
    pub(crate) fn missing(&mut self, node: u32, below: &str, code: IssueType, text: impl Into<String>) {
        self.add(Severity::Error, node, code, text.into(), below.to_owned());
    }

    /// As [`Report::missing`], of whatever severity.
    pub(crate) fn say_missing(
        &mut self,
        severity: Severity,
        node: u32,
        below: &str,
        code: IssueType,
        text: impl Into<String>,
    ) {
        self.add(severity, node, code, text.into(), below.to_owned());
    }

    /// Whether there is nothing to say.
    pub(crate) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether something is wrong enough to refuse the resource.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity >= Severity::Error)
    }

    fn add(&mut self, severity: Severity, node: u32, code: IssueType, text: String, below: String) {
        let found = Found { node, below, severity, code, text };
        if self.found.contains(&found) {
            return;
        }
        if self.found.len() < self.bound {
            self.found.push(found);
        } else if severity >= Severity::Error {
            // An error takes the place of the last thing that is none: what is wrong is never lost for what is doubtful.
            if let Some(other) = self.found.iter_mut().rev().find(|other| other.severity < Severity::Error) {
                *other = found;
            }
        }
    }

    /// The issues, with their places in the source.
    pub(crate) fn issues<'a>(&'a self, explanation: &'a Explanation<'a>) -> impl Iterator<Item = Issue> + 'a {
        self.found.iter().map(move |found| {
            let mut expression = explanation.path(found.node);
            if let Some(path) = expression.as_mut().filter(|_| !found.below.is_empty()) {
                path.push('.');
                path.push_str(&found.below);
            }
            let start = explanation.document.at(found.node).map_or(0, |value| value.node().start);
            Issue {
                severity: found.severity,
                code: found.code,
                text: found.text.clone(),
                expression,
                position: Some(position(explanation.document.bytes(), start as usize)),
            }
        })
    }
}
