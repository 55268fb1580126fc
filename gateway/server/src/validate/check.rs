//! One payload against its definitions and its URL.

use config::ValidateMode;
use fhir::json::{Document, Limits, scan};
use fhir::{Id, Issue, IssueType, Outcome, Resource};
use http::StatusCode;
use profile::{Checked, Request, Validator};

use crate::failure::Failure;
use crate::route::Plan;

/// Checks a payload; `id` is the one in the URL.
pub(super) fn payload(
    resource: &Resource,
    id: Option<&Id>,
    plan: &Plan,
    validator: &Validator,
) -> Result<Checked, Failure> {
    let Checked { nodes, doubts } = definitions(resource, plan, validator)?;
    let wrong = identity(Document::new(&resource.bytes, &nodes), resource, id);
    if wrong.is_empty() { Ok(Checked { nodes, doubts }) } else { Err(refused(wrong, false)) }
}

/// By the definitions of the release and the profiles that it claims or that the plan names; with [`ValidateMode::Off`] only JSON.
fn definitions(resource: &Resource, plan: &Plan, validator: &Validator) -> Result<Checked, Failure> {
    let doubts = match plan.validate {
        ValidateMode::Off => Outcome::default(),
        ValidateMode::Enforce | ValidateMode::Warn => {
            let profiles = plan.profiles_for(resource.resource_type, validator);
            let request = Request { expected: Some(resource.resource_type), profiles: &profiles, ..Request::default() };
            match validator.check(&resource.bytes, &request) {
                Ok(checked) => return Ok(checked),
                Err(wrong) if plan.validate == ValidateMode::Enforce => {
                    return Err(refused(wrong.outcome.0, wrong.is_fhir));
                }
                Err(wrong) => wrong.outcome,
            }
        }
    };
    let mut nodes = Vec::new();
    match scan(&resource.bytes, &mut nodes, Limits::default()) {
        Ok(()) => Ok(Checked { nodes: nodes.into(), doubts }),
        Err(error) => Err(refused(vec![error.issue(&resource.bytes)], false)),
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

/// 400 when anything is not FHIR at all, 422 when all of it is and only rules are broken.
fn refused(issues: Vec<Issue>, is_fhir: bool) -> Failure {
    let status = if is_fhir { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    Failure::from_issues(status, issues)
}
