//! ValueSets (valueset.html): what is included, and by which filters.

use std::collections::HashSet;

use fhir::IssueType;
use fhir::json::Value;
use terminology::Lookup;

use super::{read, uri};
use crate::report::Report;
use crate::validator::Subject;

const EXPRESSION: &str = "http://hl7.org/fhir/StructureDefinition/cqf-expression";
const SNOMED: &str = "http://snomed.info/sct";

pub(super) fn check(value_set: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(compose) = value_set.member("compose") else { return };
    let own = read::text(value_set, "url");
    for include in read::items(compose, "include").chain(read::items(compose, "exclude")) {
        check_include(include, own.as_deref(), report);
        check_concepts(include, subject, report);
    }
}

fn check_include(include: Value<'_>, own: Option<&str>, report: &mut Report) {
    let system = read::text(include, "system");
    if system.as_deref().is_some_and(|system| !uri::is_absolute(system)) {
        let expected = "expected the absolute URL of a code system, also where it is contained";
        report.error(include.index(), IssueType::Invalid, expected);
    }
    if system.as_deref().is_some_and(|system| system.starts_with("http://hl7.org/fhir/ValueSet/")) {
        let expected = "expected the URL of a code system, found that of a value set: those are named by `valueSet`";
        report.error(include.index(), IssueType::Invalid, expected);
    }
    let imports = read::items(include, "valueSet").filter_map(|import| Some((import, import.text()?)));
    for (import, _) in imports.filter(|(_, url)| own == url.split('|').next()) {
        report.error(import.index(), IssueType::BusinessRule, "expected another value set than this one itself");
    }
    for filter in read::items(include, "filter") {
        check_filter(filter, system.as_deref(), report);
    }
}

/// Codes that a known code system does not have, or that are listed twice: doubtful, for the value set may be for another version.
fn check_concepts(include: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let (system, version) = (read::text(include, "system"), read::text(include, "version"));
    let mut seen = HashSet::new();
    for node in read::items(include, "concept").filter_map(|concept| concept.member("code")) {
        let Some(code) = node.text() else { continue };
        let is_there = |system: &str| subject.terminology().code(system, version.as_deref(), &code) != Lookup::NotThere;
        if !system.as_deref().is_none_or(is_there) {
            let expected = format!("expected a code of the system, found `{code}`");
            report.warning(node.index(), IssueType::CodeInvalid, expected);
        }
        if !seen.insert(code) {
            report.warning(node.index(), IssueType::BusinessRule, "expected each code once in an include");
        }
    }
}

fn check_filter(filter: Value<'_>, system: Option<&str>, report: &mut Report) {
    check_computed(filter, report);
    let (property, operation) = (read::text(filter, "property"), read::text(filter, "op"));
    let (Some(property), Some(operation)) = (property, operation) else { return };
    let value = read::text(filter, "value").unwrap_or_default();
    if operation == "="
        && matches!(&*property, "notSelectable" | "inactive")
        && has_value(filter)
        && !is_boolean(&value)
    {
        let expected = format!("expected `true` or `false` as the value of `{property}`, found `{value}`");
        report.error(filter.index(), IssueType::Invalid, expected);
    }
    if operation == "exists" && has_value(filter) && !is_boolean(&value) {
        report.error(filter.index(), IssueType::Invalid, format!("expected `true` or `false`, found `{value}`"));
    }
    if system == Some(SNOMED) {
        check_snomed(filter, &property, &operation, &value, report);
    }
}

/// A value that is computed is computed by FHIRPath.
fn check_computed(filter: Value<'_>, report: &mut Report) {
    let Some(expression) = filter.member("_value").and_then(|value| read::extension_value(value, EXPRESSION)) else {
        return;
    };
    if read::text(expression, "language").is_some_and(|language| language != "text/fhirpath") {
        let expected = "expected an expression of the language `text/fhirpath` in a value set";
        report.error(filter.index(), IssueType::Invalid, expected);
    }
}

/// The filters of SNOMED CT (terminologies-systems.html#sct): by concept, and by attributes, which are concepts themselves.
fn check_snomed(filter: Value<'_>, property: &str, operation: &str, value: &str, report: &mut Report) {
    let is_attribute = property.bytes().all(|byte| byte.is_ascii_digit());
    if is_attribute && !matches!(operation, "=" | "in") {
        let expected =
            format!("expected `=` or `in` as the operation on the attribute {property}, found `{operation}`");
        report.error(filter.index(), IssueType::Invalid, expected);
    }
    if property == "concept" && has_value(filter) && !value.split(',').all(|code| is_concept_id(code.trim())) {
        let expected = format!("expected a code of SNOMED CT, found `{value}`");
        report.error(filter.index(), IssueType::Invalid, expected);
    }
}

fn has_value(filter: Value<'_>) -> bool {
    filter.member("value").is_some()
}

fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "false")
}

fn is_concept_id(text: &str) -> bool {
    (6..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
