//! Canonicals: the `url` of a definition, and what refers to it (references.html#canonical).

use fhir::IssueType;
use fhir::json::Value;

use super::{read, uri};
use crate::report::Report;

/// The `url` of a definition is absolute.
pub(super) fn check_own(value: Value<'_>, report: &mut Report) {
    let Some(text) = value.text() else { return };
    if let Some(fault) = uri::fault(&text) {
        report.error(value.index(), IssueType::Invalid, fault);
    } else if !uri::is_absolute(&text) {
        report.error(value.index(), IssueType::Invalid, "expected an absolute URL: others refer to this one by it");
    }
}

/// What refers to a definition is absolute, or `#id` of a contained one that is there.
pub(super) fn check_use(value: Value<'_>, report: &mut Report) {
    match value.raw().get(1) {
        Some(b'h') => {}
        Some(b'#') => check_fragment(value, report),
        _ => uri::check(value, report),
    }
}

#[cold]
fn check_fragment(value: Value<'_>, report: &mut Report) {
    let Some(text) = value.text() else { return };
    let Some(id) = text.strip_prefix('#').filter(|id| !id.is_empty()) else { return };
    if read::container(value).is_some_and(|container| read::contained(container, id).is_none()) {
        report.error(value.index(), IssueType::Invalid, format!("expected a contained resource with the id `{id}`"));
    }
}
