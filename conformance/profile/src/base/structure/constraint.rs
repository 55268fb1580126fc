//! FHIRPath in element definitions.

use fhir::IssueType;
use fhir::json::Value;

use super::super::{read, search_parameter};
use crate::report::Report;
use crate::validator::Subject;

/// Invariants and the paths of discriminators compile.
pub(super) fn check(element: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for constraint in read::items(element, "constraint") {
        if let Some(expression) = constraint.member("expression") {
            check_expression(expression, subject, report);
        }
    }
    let slicing = element.member("slicing");
    for discriminator in slicing.into_iter().flat_map(|slicing| read::items(slicing, "discriminator")) {
        if let Some(path) = discriminator.member("path") {
            check_expression(path, subject, report);
        }
    }
}

fn check_expression(expression: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(text) = expression.text() else { return };
    if let Err(error) = search_parameter::compiled(&text, subject) {
        report.error(expression.index(), IssueType::Invalid, format!("expected FHIRPath: {error}"));
    }
}
