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
    let (nodes, mut issues) = definitions(resource, plan.validate)?;
    let document = Document::new(&resource.bytes, &nodes);
    let identity = identity(document, resource, id);
    if plan.validate == ValidateMode::Enforce && has_errors(&issues) || !identity.is_empty() {
        issues.extend(identity);
        return Err(refused(issues));
    }
    Ok(Checked { nodes, warnings: issues })
}

/// The structure, by the definitions of the release; with [`ValidateMode::Off`] only JSON.
fn definitions(resource: &Resource, mode: ValidateMode) -> Result<(Arc<[Node]>, Vec<Issue>), Failure> {
    let _ = mode;
    let mut nodes = Vec::new();
    match scan(&resource.bytes, &mut nodes, Limits::default()) {
        Ok(()) => Ok((nodes.into(), Vec::new())),
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

/// 400 when anything is not FHIR at all, 422 when all of it is and only rules are broken.
fn refused(issues: Vec<Issue>) -> Failure {
    let only_rules = issues
        .iter()
        .filter(|issue| issue.severity >= Severity::Error)
        .all(|issue| matches!(issue.code, IssueType::Invariant | IssueType::BusinessRule | IssueType::CodeInvalid));
    let status = if only_rules { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    Failure::from_issues(status, issues)
}
