//! Ids of elements: once in a resource (element.html#id).

use std::collections::HashSet;

use fhir::IssueType;
use fhir::json::{Kind, Value};

use crate::report::Report;

/// A contained resource and one in a Bundle has ids of its own. The elements of a StructureDefinition are no matter of this rule:
/// their ids are paths, and stand in snapshot and differential alike.
pub(super) fn check(root: Value<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    walk(root, true, &mut seen, report);
}

/// Gathers the ids below a value. Few resources have any, so that nothing is allocated for most.
fn walk<'a>(value: Value<'a>, is_resource: bool, ids: &mut Vec<Value<'a>>, report: &mut Report) {
    for child in value.children().filter(|child| !matches!(child.name_bytes(), b"snapshot" | b"differential")) {
        match child.kind() {
            Kind::Array => walk(child, false, ids, report),
            Kind::Object if is_resource_object(child) => walk_resource(child, report),
            Kind::Object => walk(child, false, ids, report),
            Kind::String if !is_resource && child.name_bytes() == b"id" => ids.push(child),
            _ => {}
        }
    }
    if is_resource && ids.len() > 1 {
        report_repeats(ids, report);
    }
}

fn walk_resource(resource: Value<'_>, report: &mut Report) {
    walk(resource, true, &mut Vec::new(), report);
}

fn is_resource_object(value: Value<'_>) -> bool {
    value.children().any(|member| member.name_bytes() == b"resourceType")
}

#[cold]
fn report_repeats(ids: &[Value<'_>], report: &mut Report) {
    let mut seen = HashSet::new();
    for id in ids.iter().filter(|id| !seen.insert(id.raw())) {
        report.error(id.index(), IssueType::BusinessRule, "expected each id once among the elements of a resource");
    }
}
