//! A `code` under a required binding that has extensions and no value. An extension may say why, it is still no code of the value
//! set; only the element of another release may stand in for it.

use fhir::IssueType;
use fhir::json::{Kind, Value};

use crate::report::Report;
use crate::validator::Subject;

/// Checks the companion object of a code.
pub(super) fn check(subject: &Subject<'_>, companion: Value<'_>, report: &mut Report) {
    if !has_value(subject, companion) && !stands_in(companion) {
        report.error(companion.index(), IssueType::CodeInvalid, "expected a code: one of the value set is required");
    }
}

/// Extensions that carry elements of other releases: `http://hl7.org/fhir/5.0/StructureDefinition/extension-…`.
fn stands_in(companion: Value<'_>) -> bool {
    let extensions = companion.member("extension").into_iter().flat_map(Value::children);
    let urls = extensions.filter_map(|extension| extension.member("url")?.text());
    urls.filter_map(|url| {
        url.strip_prefix("http://hl7.org/fhir/").map(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
    .any(|is_other_release| is_other_release)
}

/// Whether the value stands beside its companion.
fn has_value(subject: &Subject<'_>, companion: Value<'_>) -> bool {
    let Some(mut above) = subject.document.root() else { return true };
    // The way down to the companion: an object, then an array where the element repeats.
    let mut object = above;
    while let Some(child) = above.children().find(|child| child.node().after > companion.index()) {
        if child.index() >= companion.index() {
            break;
        }
        above = child;
        if child.kind() == Kind::Object {
            object = child;
        }
    }
    let is_item = above.kind() == Kind::Array;
    let name = if is_item { above.name() } else { companion.name() };
    let Some(value) = name.strip_prefix('_').and_then(|name| object.member(name)) else { return false };
    if !is_item {
        return true;
    }
    let place = above.children().position(|item| item.index() == companion.index()).unwrap_or_default();
    value.children().nth(place).is_some_and(|item| item.kind() != Kind::Null)
}
