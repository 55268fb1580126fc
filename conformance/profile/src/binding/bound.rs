//! Codes under a binding.

use std::borrow::Cow;

use definitions::Strength;
use fhir::IssueType;
use fhir::json::Value;
use terminology::{Coding, Membership, Why};

use super::plan::Shape;
use crate::explain::shortened;
use crate::report::Report;
use crate::validator::Subject;

/// A binding of the base specification or of a profile.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'b> {
    pub(crate) strength: Strength,
    /// Its canonical, with a version or without.
    pub(crate) value_set: &'b str,
}

/// What is known of a coded value and a value set.
enum Verdict {
    In,
    /// The node to point at.
    NotIn(u32),
    /// Why, where anybody asks.
    Unknown(Cow<'static, str>),
    /// There is no code to ask for.
    NoCode,
}

/// Checks a coded value: a code, or the object of a Coding, CodeableConcept, CodeableReference or Quantity.
pub(crate) fn check_bound(
    subject: &Subject<'_>,
    value: Value<'_>,
    shape: Shape,
    binding: &Binding<'_>,
    report: &mut Report,
) {
    match verdict(subject, value, shape, binding) {
        Verdict::In => {}
        Verdict::NotIn(node) => report_outside(node, shape, binding, report),
        Verdict::NoCode => report_absent(value, shape, binding, report),
        Verdict::Unknown(why) => {
            if binding.strength == Strength::Required {
                let text = format!("{why}: whether the code is one of {} is not checked", binding.value_set);
                report.warning(value.index(), IssueType::NotFound, text);
            }
        }
    }
}

fn verdict(subject: &Subject<'_>, value: Value<'_>, shape: Shape, binding: &Binding<'_>) -> Verdict {
    match shape {
        Shape::Code => match value.text() {
            Some(code) => ask(subject, value, &Coding::of_code(&code), binding),
            None => Verdict::NoCode,
        },
        Shape::Coding => coding(subject, value, binding),
        Shape::Quantity => match value.member("code") {
            Some(_) => coding(subject, value, binding),
            None => Verdict::In,
        },
        Shape::Concept => concept(subject, value, binding),
        Shape::Reference => match value.member("concept") {
            Some(inner) => concept(subject, inner, binding),
            None => Verdict::In,
        },
    }
}

/// terminologies.html#required: one of the codings is of the value set.
fn concept(subject: &Subject<'_>, concept: Value<'_>, binding: &Binding<'_>) -> Verdict {
    let mut answer = Verdict::NoCode;
    for item in concept.member("coding").into_iter().flat_map(Value::children) {
        match (coding(subject, item, binding), &answer) {
            (Verdict::In, _) => return Verdict::In,
            (Verdict::Unknown(why), _) => answer = Verdict::Unknown(why),
            (Verdict::NotIn(_), Verdict::NoCode) => answer = Verdict::NotIn(concept.index()),
            _ => {}
        }
    }
    answer
}

fn coding(subject: &Subject<'_>, value: Value<'_>, binding: &Binding<'_>) -> Verdict {
    let text = |name| value.member(name).and_then(Value::text);
    let Some(code) = text("code") else { return Verdict::NoCode };
    let (system, version) = (text("system"), text("version"));
    let Some(system) = system.as_deref() else { return Verdict::NotIn(value.index()) };
    let asked = Coding { system: Some(system), version: version.as_deref(), ..Coding::of_code(&code) };
    ask(subject, value, &asked, binding)
}

fn ask(subject: &Subject<'_>, value: Value<'_>, coding: &Coding<'_>, binding: &Binding<'_>) -> Verdict {
    match subject.terminology().member(binding.value_set, *coding) {
        Membership::In => Verdict::In,
        Membership::NotIn => Verdict::NotIn(value.index()),
        Membership::Unknown(why) if binding.strength == Strength::Required => Verdict::Unknown(words(why)),
        Membership::Unknown(_) => Verdict::Unknown(Cow::Borrowed("")),
    }
}

fn words(why: Why<'_>) -> Cow<'static, str> {
    match why {
        Why::ValueSet(url) => format!("unknown value set {}", shortened(url)).into(),
        Why::System(url) => format!("unknown code system {}", shortened(url)).into(),
        Why::NoContent(url) => format!("the codes of {} are not known", shortened(url)).into(),
        Why::Filter(property) => format!("filters by `{}` cannot be evaluated", shortened(property)).into(),
        Why::TooDeep => "the value set imports others too deeply".into(),
    }
}

fn report_outside(node: u32, shape: Shape, binding: &Binding<'_>, report: &mut Report) {
    let what = match shape {
        Shape::Code => "a code",
        Shape::Coding => "a coding",
        Shape::Concept | Shape::Reference => "at least one coding",
        Shape::Quantity => "a unit",
    };
    match binding.strength {
        Strength::Required => {
            report.error(node, IssueType::CodeInvalid, format!("expected {what} of {}", binding.value_set));
        }
        Strength::Extensible => {
            let text = format!("expected {what} of {}, unless none of them fits", binding.value_set);
            report.warning(node, IssueType::CodeInvalid, text);
        }
        Strength::Preferred => {
            report.information(node, IssueType::CodeInvalid, format!("{what} of {} is preferred", binding.value_set));
        }
        Strength::Example => {}
    }
}

/// A concept of text alone follows no required binding; extensions may say why there is no code.
fn report_absent(value: Value<'_>, shape: Shape, binding: &Binding<'_>, report: &mut Report) {
    let has = |name| value.member(name).is_some();
    let is_text = matches!(shape, Shape::Concept) && (has("text") || has("coding")) || matches!(shape, Shape::Coding);
    if binding.strength == Strength::Required && is_text && !has("extension") {
        let text = format!("expected a code of {}", binding.value_set);
        report.error(value.index(), IssueType::CodeInvalid, text);
    }
}
