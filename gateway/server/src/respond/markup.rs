//! Answers in XML: JSON until the last moment, because everything before works on JSON.

use adapter::Body;
use fhir::{Issue, IssueType, Outcome, Version};
use http::StatusCode;
use xml::{Layout, Limits, from_json, from_json_as};

use crate::failure::Failure;
use crate::receive::{Format, Preferences};

/// The back end's bounds have been met already: a searchset may have more values than one resource.
const LIMITS: Limits = Limits { depth: 100, values: u32::MAX, issues: 1 };

/// A resource in the format of the answer.
///
/// # Errors
/// 502 when the back end's resource has no XML: it is no FHIR then.
pub fn body(preferences: &Preferences, version: Version, body: Body) -> Result<Body, Failure> {
    match body {
        Body::Bytes(json) if preferences.format.is_xml() && !json.is_empty() => {
            let layout = if preferences.pretty { Layout::Indented } else { Layout::Compact };
            let xml = from_json_as(layout, &json, version, LIMITS);
            xml.map(|xml| Body::Bytes(xml.into())).map_err(|outcome| no_xml(&outcome))
        }
        body => Ok(body),
    }
}

/// An OperationOutcome in the format of the answer.
#[must_use]
pub(super) fn outcome(format: Format, issues: Vec<Issue>) -> Vec<u8> {
    let json = Outcome(issues).to_json();
    if !format.is_xml() {
        return json;
    }
    // Elements of an OperationOutcome are the same in every release. Texts have no control characters; should one, the rest is
    // better than nothing.
    from_json(&json, Version::R4, LIMITS).unwrap_or_else(|_| {
        let issue = Issue::error(IssueType::Exception, "expected a text that XML can hold; ask for JSON to read it");
        from_json(&Outcome::from(issue).to_json(), Version::R4, LIMITS).unwrap_or_default()
    })
}

fn no_xml(outcome: &Outcome) -> Failure {
    let place = outcome.0.first().and_then(|issue| issue.expression.clone());
    let mut issue =
        Issue::error(IssueType::Exception, "the back end's resource is no FHIR, so it has no XML; ask for JSON");
    issue.expression = place;
    Failure::from_issues(StatusCode::BAD_GATEWAY, vec![issue])
}
