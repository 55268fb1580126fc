//! Filters of value sets by properties of a code system that is known (valueset.html#compositions).

use fhir::json::{Document, Limits, Value, scan};
use fhir::{IssueType, ResourceType};
use terminology::Lookup;

use super::read;
use crate::report::Report;
use crate::validator::Subject;

/// The value of each filter has the type of the property.
pub(super) fn check(value_set: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(compose) = value_set.member("compose") else { return };
    for include in read::items(compose, "include").chain(read::items(compose, "exclude")) {
        if include.member("filter").is_some() {
            check_include(include, subject, report);
        }
    }
}

fn check_include(include: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(system) = read::text(include, "system") else { return };
    let Ok(kind) = "CodeSystem".parse::<ResourceType>() else { return };
    let Some(json) = subject.validator.registry().json(kind, &system) else { return };
    let mut nodes = Vec::new();
    if scan(json, &mut nodes, Limits::default()).is_err() {
        return;
    }
    let Some(code_system) = Document::new(json, &nodes).root() else { return };
    for filter in read::items(include, "filter").filter(|filter| read::has_text(*filter, "op", "=")) {
        let (Some(name), Some(value)) = (read::text(filter, "property"), read::text(filter, "value")) else { continue };
        let property = read::items(code_system, "property").find(|property| read::has_text(*property, "code", &name));
        let Some(kind) = property.and_then(|property| read::text(property, "type")) else { continue };
        if let Some(expected) = fault(&kind, &value, subject) {
            report.error(filter.index(), IssueType::Invalid, format!("{expected} for `{name}`, found `{value}`"));
        }
    }
}

/// What was expected of a value of a type, where it is something else.
fn fault(kind: &str, value: &str, subject: &Subject<'_>) -> Option<&'static str> {
    match kind {
        "boolean" => (!matches!(value, "true" | "false")).then_some("expected `true` or `false`"),
        "integer" => value.parse::<i64>().is_err().then_some("expected a whole number"),
        "decimal" => value.parse::<f64>().is_err().then_some("expected a number"),
        "Coding" => coding_fault(value, subject),
        _ => None,
    }
}

fn coding_fault(value: &str, subject: &Subject<'_>) -> Option<&'static str> {
    let Some((system, code)) = value.split_once('#') else {
        return Some("expected `system#code` or `system|version#code`");
    };
    let (url, version) = system.split_once('|').map_or((system, None), |(url, version)| (url, Some(version)));
    let lookup = subject.terminology().code(url, version, code);
    (lookup == Lookup::NotThere).then_some("expected a code that the code system has")
}
