//! What an entry says of its resource: `fullUrl` (bundle.html#bundle-unique).

use fhir::IssueType;
use fhir::json::Value;

use super::super::{datatype, read, uri};
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(entry: Value<'_>, kind: &str, subject: &Subject<'_>, report: &mut Report) {
    let resource = entry.member("resource");
    match (entry.member("fullUrl"), resource) {
        (Some(full_url), _) => check_full_url(full_url, resource, subject, report),
        (None, Some(resource)) if needs_full_url(kind) && datatype::resource_type(resource) != "OperationOutcome" => {
            report.missing(entry.index(), "fullUrl", IssueType::Invalid, "expected the `fullUrl` of the resource");
        }
        _ => {}
    }
}

/// The kinds of Bundle in which each resource has an identity, but what the server says of a search.
fn needs_full_url(kind: &str) -> bool {
    !matches!(kind, "transaction" | "transaction-response" | "batch" | "batch-response")
}

fn check_full_url(full_url: Value<'_>, resource: Option<Value<'_>>, subject: &Subject<'_>, report: &mut Report) {
    let Some(url) = full_url.text() else { return };
    if !uri::is_absolute(&url) {
        let expected = "expected an absolute URL as the `fullUrl`";
        return report.error(full_url.index(), IssueType::Invalid, expected);
    }
    let Some(resource) = resource else { return };
    let name = datatype::resource_type(resource);
    let Some(id) = read::text(resource, "id") else { return };
    if let Some((_, stated_name, stated_id)) = restful(&url, subject)
        && (stated_name != name || stated_id != id)
    {
        let expected = format!("expected a `fullUrl` that ends with `{name}/{id}`, as the resource says of itself");
        return report.error(full_url.index(), IssueType::Invalid, expected);
    }
    if read::has_text(resource, "url", &url) && !url.ends_with(&format!("/{id}")) {
        let expected = format!("expected the canonical URL to end with the id `{id}` where it is the `fullUrl` too");
        report.error(full_url.index(), IssueType::Invalid, expected);
    }
}

/// Takes the address of a resource on a FHIR server apart: base with its slash, type, id (references.html#regex). None for any
/// other URL.
pub(super) fn restful<'u>(url: &'u str, subject: &Subject<'_>) -> Option<(&'u str, &'u str, &'u str)> {
    let without_scheme = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    if without_scheme.contains(['?', '#', '|']) {
        return None;
    }
    let current = url.split_once("/_history/").map_or(url, |(current, _)| current);
    let (before, id) = current.rsplit_once('/')?;
    let (base, name) = before.rsplit_once('/')?;
    let is_restful = fhir::id::is_id(id.as_bytes()) && datatype::is_resource_type(name, subject);
    (is_restful && base.contains("//")).then(|| (url.get(..=base.len()).unwrap_or_default(), name, id))
}
