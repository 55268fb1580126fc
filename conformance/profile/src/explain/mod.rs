//! Findings to issues: a FHIRPath, a line and a column, and a text that says what was expected.

mod path;
mod text;

pub(crate) use text::shortened;

use definitions::Definitions;
use fhir::json::{Document, Fault, SyntaxError, position};
use fhir::{Issue, IssueType, Outcome, ResourceType, Severity, Version};

use crate::finding::{Finding, Problem};
use crate::invariants::Invariant;
use crate::policy::BestPractice;
use crate::rules::{self, Rules};
use crate::scan::Scratch;

/// What the last scan in `scratch` found in `bytes`, which it was given, as an OperationOutcome. `version` and `expected` are
/// those of the scan.
#[must_use]
pub fn explain(bytes: &[u8], version: Version, expected: Option<ResourceType>, scratch: &Scratch) -> Outcome {
    let document = Document::new(bytes, scratch.nodes());
    let explanation =
        Explanation { best_practice: scratch.best_practice(), ..Explanation::new(document, version, expected) };
    Outcome(scratch.findings().iter().map(|finding| explanation.issue(finding)).collect())
}

pub(crate) struct Explanation<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) definitions: &'static Definitions,
    rules: &'static Rules,
    expected: Option<ResourceType>,
    best_practice: BestPractice,
}

impl<'a> Explanation<'a> {
    pub(crate) fn new(document: Document<'a>, version: Version, expected: Option<ResourceType>) -> Self {
        let rules = rules::of(version);
        Self { document, definitions: rules.definitions, rules, expected, best_practice: BestPractice::Ignore }
    }
}

impl Explanation<'_> {
    fn issue(&self, finding: &Finding) -> Issue {
        let bytes = self.document.bytes();
        let mut issue = match finding.problem {
            Problem::Syntax(fault) => return self.syntax_issue(finding, fault),
            Problem::More => return Issue::error(IssueType::TooCostly, "more is wrong than is listed here"),
            problem => Issue::error(issue_type(problem), self.text(finding.node, problem)),
        };
        issue.severity = self.severity(finding.problem);
        issue.expression = self.expression(finding.node, finding.problem);
        issue.position = Some(position(bytes, finding.offset as usize));
        issue
    }

    /// No JSON from there on: the last value that could be read tells where.
    fn syntax_issue(&self, finding: &Finding, fault: Fault) -> Issue {
        let mut issue = SyntaxError { offset: finding.offset as usize, fault }.issue(self.document.bytes());
        issue.expression = self.path(finding.node);
        issue
    }

    fn severity(&self, problem: Problem) -> Severity {
        match problem {
            Problem::Invariant(rule) => match self.rules.invariants.rule(rule) {
                Some(rule) if rule.is_best_practice() => self.best_practice.severity(),
                rule => rule.map_or(Severity::Error, Invariant::severity),
            },
            Problem::Unchecked(_) => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// The kind of an issue. `Structure`, `Value` and `Required` say that this is not FHIR (400), `CodeInvalid` and `Invariant` that a
/// rule of FHIR is broken.
const fn issue_type(problem: Problem) -> IssueType {
    match problem {
        Problem::Missing(_)
        | Problem::NoResourceType
        | Problem::ContainedWithoutId
        | Problem::EmptyObject
        | Problem::EmptyArray
        | Problem::EmptyString
        | Problem::EmptyItem => IssueType::Required,
        Problem::Format(_)
        | Problem::Range(_)
        | Problem::ElementId
        | Problem::ExtensionUrl
        | Problem::UnknownResourceType
        | Problem::Target(_)
        | Problem::UnknownTarget
        | Problem::TargetType => IssueType::Value,
        Problem::Code(_) | Problem::Coding(_) | Problem::Concept(_) => IssueType::CodeInvalid,
        Problem::NothingContained => IssueType::NotFound,
        Problem::Unchecked(_) => IssueType::Incomplete,
        Problem::Extension
        | Problem::Invariant(_)
        | Problem::NoContent
        | Problem::Narrative(_)
        | Problem::ContainedNested
        | Problem::ContainedUnused
        | Problem::ContainedMeta
        | Problem::ContainedSecurity => IssueType::Invariant,
        Problem::DuplicateMember | Problem::ContainedSameId => IssueType::Duplicate,
        _ => IssueType::Structure,
    }
}
