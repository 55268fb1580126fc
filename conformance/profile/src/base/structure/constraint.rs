//! FHIRPath in element definitions.

use fhir::IssueType;
use fhir::json::Value;

use fhirpath::Program;

use super::super::{read, search_parameter};
use super::path::{self, Place};
use crate::report::Report;
use crate::validator::Subject;

/// Invariants and the paths of discriminators compile.
pub(super) fn check(element: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for constraint in read::items(element, "constraint") {
        if let Some(expression) = constraint.member("expression") {
            check_expression(expression, subject, report);
            check_names(element, expression, subject, report);
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

/// The elements that an invariant names are there, as far as the release knows. Only doubtful where not: FHIRPath takes such a
/// name as nothing.
fn check_names(element: Value<'_>, expression: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let (Some(path), Some(text)) = (read::text(element, "path"), expression.text()) else { return };
    let root = path::resolve(path.split('.').next().unwrap_or_default(), subject.definitions);
    let (Place::Known(root), Place::Known(context)) = (root, path::resolve(&path, subject.definitions)) else { return };
    let Ok(program) = Program::compile(&text, subject.definitions.version()) else { return };
    if context.is_choice() {
        return;
    }
    let is_resource = root.type_().is_some_and(|known| known.is_a("Resource"));
    let resource = is_resource.then(|| root.id());
    if let Err(error) = program.check_names_on(resource, Some(context.id())) {
        report.warning(expression.index(), IssueType::Invalid, format!("expected elements of the release: {error}"));
    }
}
