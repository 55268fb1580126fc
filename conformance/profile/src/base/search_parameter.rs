//! SearchParameters (searchparameter.html).

use definitions::ParameterKind;
use fhir::IssueType;
use fhir::json::Value;
use fhirpath::{CompileError, Program};

use super::read;
use super::structure::path::{self, Place};
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(parameter: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let kind = read::text(parameter, "type").unwrap_or_default();
    if kind == "composite" && read::items(parameter, "component").count() < 2 {
        let expected = "expected two components or more in a composite search parameter";
        report.error(parameter.index(), IssueType::BusinessRule, expected);
    }
    check_derived(parameter, &kind, subject, report);
    if let Some(expression) = parameter.member("expression") {
        check_expression(expression, subject, report);
        check_base(parameter, expression, subject, report);
    }
    for expression in read::items(parameter, "component").filter_map(|component| component.member("expression")) {
        let Some(text) = expression.text() else { continue };
        if let Err(error) = compiled(&text, subject) {
            report.error(expression.index(), IssueType::Invalid, format!("expected FHIRPath: {error}"));
        }
    }
}

/// An expression that starts at other types than the bases finds nothing in them. A warning: what it starts with may be a type of
/// which only others know.
fn check_base(parameter: Value<'_>, expression: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(text) = expression.text() else { return };
    let bases: Vec<_> = read::items(parameter, "base").filter_map(Value::text).collect();
    let roots: Vec<_> = text.split('|').filter_map(root).collect();
    let is_base = |root: &&str| bases.iter().any(|base| is_near(root, base, subject));
    if !bases.is_empty() && roots.len() == text.split('|').count() && !roots.iter().any(is_base) {
        let expected = format!("expected an expression that starts at a base ({})", bases.join(", "));
        report.warning(expression.index(), IssueType::BusinessRule, expected);
    }
}

/// The type that a part of an expression starts with.
fn root(part: &str) -> Option<&str> {
    let part = part.trim().trim_start_matches('(');
    let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
    part.get(..end).filter(|root| root.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// Whether one type is the other or a specialization of it.
fn is_near(one: &str, other: &str, subject: &Subject<'_>) -> bool {
    let is_a = |one: &str, other: &str| subject.definitions.type_named(one).is_none_or(|known| known.is_a(other));
    is_a(one, other) || is_a(other, one)
}

/// A parameter that derives from one of the specification has its type, and no bases beyond its.
fn check_derived(parameter: Value<'_>, kind: &str, subject: &Subject<'_>, report: &mut Report) {
    let Some(from) = read::text(parameter, "derivedFrom") else { return };
    let url = from.split('|').next().unwrap_or_default();
    let Some(known) = subject.definitions.search_parameter_by_url(url) else { return };
    if kind_name(known.kind) != kind {
        let expected = format!("expected the type `{}`, which is that of {url}", kind_name(known.kind));
        report.error(parameter.index(), IssueType::BusinessRule, expected);
    }
    for base in read::items(parameter, "base") {
        let Some(name) = base.text() else { continue };
        let is_covered = |of: &&str| subject.definitions.type_named(&name).is_none_or(|known| known.is_a(of));
        if !known.bases.iter().any(is_covered) {
            let expected = format!("expected a base of {url} ({}), found {name}", known.bases.join(", "));
            report.error(parameter.index(), IssueType::BusinessRule, expected);
        }
    }
}

/// It compiles, and where it is a plain path of a type, the type has these elements.
fn check_expression(expression: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(text) = expression.text() else { return };
    if let Err(error) = compiled(&text, subject) {
        return report.error(expression.index(), IssueType::Invalid, format!("expected FHIRPath: {error}"));
    }
    for part in text.split('|').map(str::trim).filter(|part| is_plain_path(part)) {
        if matches!(path::resolve(part, subject.definitions), Place::Unknown) {
            report.error(expression.index(), IssueType::Invalid, format!("expected elements, found `{part}`"));
        }
    }
}

/// Compiles an expression. What only another version of the engine might know is no error.
pub(super) fn compiled(text: &str, subject: &Subject<'_>) -> Result<(), CompileError> {
    match Program::compile(text, subject.definitions.version()) {
        Err(
            error @ (CompileError::Syntax(_)
            | CompileError::UnknownFunction { .. }
            | CompileError::ArgumentCount { .. }),
        ) => Err(error),
        _ => Ok(()),
    }
}

/// `Type.name.name`, without functions, operators and indexes.
fn is_plain_path(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// The code of a type of search parameter.
pub(super) const fn kind_name(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Number => "number",
        ParameterKind::Date => "date",
        ParameterKind::String => "string",
        ParameterKind::Token => "token",
        ParameterKind::Reference => "reference",
        ParameterKind::Composite => "composite",
        ParameterKind::Quantity => "quantity",
        ParameterKind::Uri => "uri",
        ParameterKind::Special => "special",
    }
}
