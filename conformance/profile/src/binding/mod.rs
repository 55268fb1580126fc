//! Codes: those that their code systems do not have, and those that the value sets of bindings do not have
//! (terminologies.html#binding). What nobody here can know is never an error.

mod bound;
mod coding;
mod plan;

use fhir::json::{Kind, Value};

use crate::report::Report;
use crate::validator::Subject;
pub(crate) use bound::{Binding, check_bound};
use plan::{Plan, Shape};

/// Every coded element of the base specification. Required bindings that the scan has checked are not looked at again.
pub(crate) fn check(subject: &Subject<'_>, report: &mut Report) {
    let plan = Plan::of(subject.definitions);
    let Some(root) = subject.document.root() else { return };
    for index in 0..root.node().after {
        let Some(value) = subject.document.at(index) else { return };
        let element = value.node().element;
        let Some(shape) = plan.shape(element) else { continue };
        if shape == Shape::Coding && value.kind() == Kind::Object {
            coding::check(subject, value, plan.is_scanned(element), report);
        }
        if let Some(binding) = plan.binding(subject.definitions, element) {
            check_shape(subject, value, shape, &binding, report);
        }
    }
}

fn check_shape(subject: &Subject<'_>, value: Value<'_>, shape: Shape, binding: &Binding<'_>, report: &mut Report) {
    let is_text = matches!(value.kind(), Kind::String | Kind::EscapedString);
    if (shape == Shape::Code) == is_text && (is_text || value.kind() == Kind::Object) {
        check_bound(subject, value, shape, binding, report);
    }
}
