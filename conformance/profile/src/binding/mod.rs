//! Codes: those that their code systems do not have, and those that the value sets of bindings do not have
//! (terminologies.html#binding). What nobody here can know is never an error.

mod absent;
mod bound;
mod coding;
mod display;
mod plan;

use definitions::Definitions;
use fhir::json::{Kind, Value};

use crate::report::Report;
use crate::validator::Subject;
pub(crate) use bound::{Binding, check_bound};
use plan::Plan;
pub(crate) use plan::Shape;

/// Whether an element, by its raw id, is coded.
pub(crate) fn is_coded(definitions: &'static Definitions, element: u32) -> bool {
    Plan::of(definitions).shape(element).is_some()
}

/// Every coded element of the base specification. Required bindings that the scan has checked are not looked at again.
pub(crate) fn check(subject: &Subject<'_>, nodes: &[u32], report: &mut Report) {
    let plan = Plan::of(subject.definitions);
    let mut concept: Option<Value<'_>> = None;
    for value in nodes.iter().filter_map(|node| subject.document.at(*node)) {
        let element = value.node().element;
        let Some(shape) = plan.shape(element) else { continue };
        if plan.is_scanned(element) && value.kind() == Kind::Object {
            match shape {
                Shape::Code => absent::check(subject, value, report),
                _ => concept = Some(value),
            }
        }
        let is_coding = shape == Shape::Coding || shape == Shape::Quantity && value.member("system").is_some();
        if is_coding && value.kind() == Kind::Object {
            let is_reported = || concept.is_some_and(|concept| is_reported(subject, concept, value.index()));
            coding::check(subject, value, &is_reported, report);
        }
        if let Some(binding) = plan.binding(subject.definitions, element) {
            check_shape(subject, value, shape, &binding, report);
        }
    }
}

/// Whether the scan has said that nothing in `concept`, in which `coding` stands, is of the required value set.
fn is_reported(subject: &Subject<'_>, concept: Value<'_>, coding: u32) -> bool {
    let element = subject.definitions.element_of(concept.node());
    let Some(codes) = element.and_then(|element| element.required_codes()) else { return false };
    let is_in = |coding: Value<'_>| {
        let text = |name| coding.member(name).and_then(Value::text);
        let system = text("system").unwrap_or_default();
        text("code").is_some_and(|code| codes.has(&system, code.as_bytes()))
    };
    let inner = concept.member("concept").unwrap_or(concept);
    let mut codings = inner.member("coding").into_iter().flat_map(Value::children).chain([inner]);
    (concept.index()..concept.node().after).contains(&coding) && !codings.any(is_in)
}

fn check_shape(subject: &Subject<'_>, value: Value<'_>, shape: Shape, binding: &Binding<'_>, report: &mut Report) {
    let is_text = matches!(value.kind(), Kind::String | Kind::EscapedString);
    if (shape == Shape::Code) == is_text && (is_text || value.kind() == Kind::Object) {
        check_bound(subject, value, shape, binding, report);
    }
}
