//! One payload against its definitions and its URL.

use std::sync::Arc;

use config::ValidateMode;
use fhir::json::{Document, Limits, Node, scan};
use fhir::{Id, Issue, IssueType, Resource, Severity};
use http::StatusCode;

use crate::failure::Failure;
use crate::route::Plan;

/// A payload that may go on.
pub(super) struct Checked {
    pub(super) nodes: Arc<[Node]>,
    pub(super) warnings: Vec<Issue>,
}

/// Checks a payload; `id` is the one in the URL.
pub(super) fn payload(resource: &Resource, id: Option<&Id>, plan: &Plan) -> Result<Checked, Failure> {
    let (nodes, warnings) = definitions(resource, plan.validate)?;
    let wrong = identity(Document::new(&resource.bytes, &nodes), resource, id);
    if wrong.is_empty() { Ok(Checked { nodes, warnings }) } else { Err(refused(wrong)) }
}

/// The structure, by the definitions of the release; with [`ValidateMode::Off`] only JSON.
fn definitions(resource: &Resource, mode: ValidateMode) -> Result<(Arc<[Node]>, Vec<Issue>), Failure> {
    let issues = match mode {
        ValidateMode::Off => Vec::new(),
        ValidateMode::Enforce | ValidateMode::Warn => {
            match profile::check(&resource.bytes, resource.version, Some(resource.resource_type)) {
                Ok(nodes) => return Ok((nodes, Vec::new())),
                Err(outcome) => outcome.0,
            }
        }
    };
    if mode == ValidateMode::Enforce && has_errors(&issues) {
        return Err(refused(issues));
    }
    let mut nodes = Vec::new();
    match scan(&resource.bytes, &mut nodes, Limits::default()) {
        Ok(()) => Ok((nodes.into(), issues)),
        Err(error) => Err(refused(vec![error.issue(&resource.bytes)])),
    }
}

/// What the URL says and the body must say too (http.html#create, #update).
fn identity(document: Document<'_>, resource: &Resource, id: Option<&Id>) -> Vec<Issue> {
    let of = resource.resource_type;
    let member = |name| document.root().and_then(|root| root.member(name)).and_then(fhir::json::Value::text);
    let mut issues = Vec::new();
    if member("resourceType").as_deref() != Some(of.as_str()) {
        let text = format!("expected resourceType `{of}`, as the URL says");
        issues.push(Issue::error(IssueType::Structure, text).at(format!("{of}.resourceType")));
    }
    if let Some(id) = id
        && member("id").as_deref() != Some(id.as_str())
    {
        let text = "expected the id of the URL in the body";
        issues.push(Issue::error(IssueType::Value, text).at(format!("{of}.id")));
    }
    issues
}

fn has_errors(issues: &[Issue]) -> bool {
    issues.iter().any(|issue| issue.severity >= Severity::Error)
}

/// 400 when anything is not FHIR at all, 422 when all of it is and only rules are broken: [`profile::check`] says which
/// issue types are which.
fn refused(issues: Vec<Issue>) -> Failure {
    let only_rules = issues
        .iter()
        .filter(|issue| issue.severity >= Severity::Error)
        .all(|issue| matches!(issue.code, IssueType::Invariant | IssueType::NotFound | IssueType::CodeInvalid));
    let status = if only_rules { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    Failure::from_issues(status, issues)
}
