//! One element of a differential against the type that it constrains (profiling.html#limitations).

use std::collections::HashSet;

use definitions::Element;
use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use super::binding;
use super::path::{self, Place};
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(element: Value<'_>, type_name: &str, subject: &Subject<'_>, report: &mut Report) {
    let Some(path_node) = element.member("path") else { return };
    let Some(path) = path_node.text() else { return };
    if subject.definitions.type_named(type_name).is_none() {
        return;
    }
    if path.split('.').next() != Some(type_name) {
        let expected = format!("expected a path that starts with `{type_name}`, found `{path}`");
        return report.error(path_node.index(), IssueType::Invalid, expected);
    }
    match path::resolve(&path, subject.definitions) {
        Place::Known(known) if !known.is_root() => check_known(element, known, subject, report),
        Place::Unknown => {
            let expected = format!("expected the path of an element of {type_name}, found `{path}`");
            report.error(path_node.index(), IssueType::Invalid, expected);
        }
        _ => {}
    }
}

fn check_known(element: Value<'_>, known: Element<'static>, subject: &Subject<'_>, report: &mut Report) {
    check_cardinality(element, known, report);
    binding::check(element, known, report);
    binding::check_targets(element, known, subject, report);
    let allowed: Vec<_> = if known.is_choice() { known.variants().collect() } else { vec![known] };
    check_types(element, &allowed, subject, report);
}

/// A profile only narrows: neither fewer than the type demands nor more than it allows. A slice may be absent.
fn check_cardinality(element: Value<'_>, known: Element<'static>, report: &mut Report) {
    let min = element.member("min").and_then(Value::number).and_then(|min| min.parse::<u32>().ok());
    let is_slice = element.member("sliceName").is_some();
    if min.is_some_and(|min| min < u32::from(known.min())) && !is_slice && !known.is_variant() {
        let expected = format!("expected a min of {} or more, as the type demands", known.min());
        report.error(element.index(), IssueType::BusinessRule, expected);
    }
    let Some(max) = read::text(element, "max") else { return };
    let is_beyond = match (known.max(), max.parse::<u32>()) {
        (Some(known), Ok(max)) => max > u32::from(known),
        (Some(_), Err(_)) => max == "*",
        (None, _) => false,
    };
    if is_beyond {
        let most = known.max().unwrap_or_default();
        report.error(
            element.index(),
            IssueType::BusinessRule,
            format!("expected a max of {most} at most, found {max}"),
        );
    }
    if max.parse::<u32>().is_ok_and(|max| max < u32::from(known.min())) && !is_slice && !known.is_variant() {
        let expected = format!("expected a max of {} or more, as the type demands so many, found {max}", known.min());
        report.error(element.index(), IssueType::BusinessRule, expected);
    }
    if let (Some(min), Ok(max)) = (min, max.parse::<u32>())
        && min > max
    {
        report.error(element.index(), IssueType::BusinessRule, format!("expected a min of {max} at most, found {min}"));
    }
}

/// A profile takes types away and adds none.
fn check_types(element: Value<'_>, allowed: &[Element<'static>], subject: &Subject<'_>, report: &mut Report) {
    let names: HashSet<_> = allowed.iter().map(|allowed| allowed.type_name()).collect();
    let is_any =
        names.iter().any(|name| matches!(*name, "" | "Element" | "BackboneElement" | "Resource" | "DomainResource"));
    if is_any || allowed.iter().any(|allowed| allowed.shape().is_none()) {
        return;
    }
    for code_node in read::items(element, "type").filter_map(|of| of.member("code")) {
        let Some(code) = code_node.text() else { continue };
        let Some(known) = subject.definitions.type_named(&code) else { continue };
        if !known.lineage().any(|known| names.contains(known.name())) {
            let mut sorted: Vec<_> = names.iter().copied().collect();
            sorted.sort_unstable();
            let expected = format!("expected one of the element's own types ({}), found {code}", sorted.join(", "));
            report.error(code_node.index(), IssueType::BusinessRule, expected);
        }
    }
}
