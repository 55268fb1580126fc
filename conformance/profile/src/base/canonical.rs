//! Canonicals: the `url` of a definition, and what refers to it (references.html#canonical).

use fhir::json::Value;
use fhir::{IssueType, ResourceType};

use super::{datatype, read, uri};
use crate::report::Report;
use crate::validator::Subject;

/// The `url` of a definition is absolute.
pub(super) fn check_own(value: Value<'_>, report: &mut Report) {
    let Some(text) = value.text() else { return };
    if let Some(fault) = uri::fault(&text) {
        report.error(value.index(), IssueType::Invalid, fault);
    } else if !uri::is_absolute(&text) {
        report.error(value.index(), IssueType::Invalid, "expected an absolute URL: others refer to this one by it");
    }
}

/// What refers to a definition is absolute, or `#id` of a contained one that is there; what it leads to is of a right type.
pub(super) fn check_use(value: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    match value.raw().get(1) {
        Some(b'#') => check_fragment(value, subject, report),
        Some(b'h') => check_target(value, subject, report),
        _ => uri::check(value, report),
    }
}

#[cold]
fn check_fragment(value: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(text) = value.text() else { return };
    let Some(id) = text.strip_prefix('#').filter(|id| !id.is_empty()) else { return };
    let Some(container) = read::container(value) else { return };
    let Some(found) = read::contained(container, id) else {
        let expected = format!("expected a contained resource with the id `{id}`");
        return report.error(value.index(), IssueType::Invalid, expected);
    };
    let name = datatype::resource_type(found);
    let expected = targets(value, subject);
    if !expected.is_empty() && !expected.contains(&&*name) {
        let expected = format!("expected a canonical of {}, found {name}/{id}", expected.join(" or "));
        report.error(value.index(), IssueType::Invalid, expected);
    }
}

/// Types of definitions that packages hold.
const KINDS: [&str; 4] = ["StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire"];

/// What is known under a canonical of no type that it may have, and of another one, is the wrong thing. What nobody here knows
/// may be anything.
fn check_target(value: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let element = subject.definitions.element_of(value.node());
    // Most are named as they should be: decided without a look at what is known.
    let is_named = |name: &str| memchr::memmem::find(value.raw(), name.as_bytes()).is_some();
    if element.is_none_or(|element| element.may_target_any() || element.targets().any(|known| is_named(known.name()))) {
        return;
    }
    let (Some(url), expected) = (value.text(), targets(value, subject)) else { return };
    let is_known = |kind: &&str| {
        let kind = kind.parse::<ResourceType>().ok();
        kind.is_some_and(|kind| subject.validator.registry().artefact(kind, &url).is_some())
    };
    let is_value_set = || expected.contains(&"ValueSet") && subject.terminology().has_value_set(&url);
    if expected.is_empty() || expected.iter().any(is_known) || is_value_set() {
        return;
    }
    if let Some(found) = KINDS.iter().filter(|kind| !expected.contains(kind)).find(|kind| is_known(kind)) {
        let expected = format!("expected the canonical of a {}, found that of a {found}", expected.join(" or "));
        report.error(value.index(), IssueType::Invalid, expected);
    }
}

/// The types that a canonical may lead to; none where any may. An abstract type has no instances of its own.
fn targets(value: Value<'_>, subject: &Subject<'_>) -> Vec<&'static str> {
    let element = subject.definitions.element_of(value.node());
    let targets: Vec<_> = element.into_iter().flat_map(|element| element.targets()).collect();
    if targets.iter().any(|target| target.is_abstract()) {
        return Vec::new();
    }
    targets.into_iter().map(|target| target.name()).collect()
}
