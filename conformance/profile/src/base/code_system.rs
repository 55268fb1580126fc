//! CodeSystems (codesystem.html): properties are declared once, and concepts use them as declared.

use std::collections::{HashMap, HashSet};

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;

/// Properties that the specification defines (codesystem-concept-properties), with their types.
const DEFINED: [(&str, &str); 8] = [
    ("inactive", "boolean"),
    ("notSelectable", "boolean"),
    ("parent", "code"),
    ("child", "code"),
    ("status", "code"),
    ("deprecationDate", "dateTime"),
    ("retirementDate", "dateTime"),
    ("effectiveDate", "dateTime"),
];
const PROPERTIES: &str = "http://hl7.org/fhir/concept-properties#";

pub(super) fn check(system: Value<'_>, report: &mut Report) {
    let declared = declared(system, report);
    let mut concepts = Vec::new();
    gather(system, &mut concepts);
    for concept in &concepts {
        for property in read::items(*concept, "property") {
            check_property(property, &declared, report);
        }
    }
    if read::has_text(system, "content", "complete") {
        check_complete(system, &concepts, report);
    }
}

/// The declared properties with their types; each code and URI is declared once.
fn declared(system: Value<'_>, report: &mut Report) -> HashMap<String, String> {
    let mut declared = HashMap::new();
    let mut uris = HashSet::new();
    for property in read::items(system, "property") {
        let kind = read::text(property, "type").unwrap_or_default().into_owned();
        if let Some(uri) = read::text(property, "uri") {
            check_defined(property, &uri, &kind, report);
            if !is_placeholder(&uri) && !uris.insert(uri.into_owned()) {
                report.error(property.index(), IssueType::BusinessRule, "expected each property uri once");
            }
        }
        let Some(code) = read::text(property, "code") else { continue };
        if declared.insert(code.into_owned(), kind).is_some() {
            report.error(property.index(), IssueType::BusinessRule, "expected each property code once");
        }
    }
    declared
}

/// `http://.........?` names nothing: published code systems write such where nobody has defined the property yet.
fn is_placeholder(uri: &str) -> bool {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    !rest.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

fn check_defined(property: Value<'_>, uri: &str, kind: &str, report: &mut Report) {
    let Some(name) = uri.strip_prefix(PROPERTIES) else { return };
    let defined = DEFINED.iter().find(|(defined, _)| *defined == name);
    if let Some((_, expected)) = defined.filter(|(_, expected)| *expected != kind) {
        let expected = format!("expected the type `{expected}` of the property {uri}, found `{kind}`");
        report.error(property.index(), IssueType::BusinessRule, expected);
    }
}

/// Every concept, at whatever depth.
fn gather<'a>(holder: Value<'a>, concepts: &mut Vec<Value<'a>>) {
    for concept in read::items(holder, "concept") {
        concepts.push(concept);
        gather(concept, concepts);
    }
}

fn check_property(property: Value<'_>, declared: &HashMap<String, String>, report: &mut Report) {
    let Some(code) = read::text(property, "code") else { return };
    let Some(expected) = declared.get(&*code) else {
        if !DEFINED.iter().any(|(defined, _)| *defined == code) {
            let text = format!("expected the property `{code}` to be declared in the code system");
            report.warning(property.index(), IssueType::BusinessRule, text);
        }
        return;
    };
    let Some((kind, _)) = read::choice(property, "value") else { return };
    if !expected.is_empty() && !kind.eq_ignore_ascii_case(expected) {
        let text = format!("expected a value of type `{expected}`, as the property `{code}` is declared");
        report.error(property.index(), IssueType::BusinessRule, text);
    }
}

/// Of a complete code system: the stated number of concepts, and parents and children among them.
fn check_complete(system: Value<'_>, concepts: &[Value<'_>], report: &mut Report) {
    let stated = system.member("count").and_then(Value::number).and_then(|count| count.parse::<usize>().ok());
    if stated.is_some_and(|stated| stated != concepts.len()) {
        let text = format!("expected a count of {}, which is that of the concepts", concepts.len());
        report.warning(system.index(), IssueType::BusinessRule, text);
    }
    let codes: HashSet<_> = concepts.iter().filter_map(|concept| read::text(*concept, "code")).collect();
    for property in concepts.iter().flat_map(|concept| read::items(*concept, "property")) {
        let is_relation = matches!(read::text(property, "code").as_deref(), Some("parent" | "child"));
        let Some(code) = read::text(property, "valueCode").filter(|_| is_relation) else { continue };
        if !codes.contains(&code) {
            let text = format!("expected a code of the code system, found `{code}`");
            report.error(property.index(), IssueType::CodeInvalid, text);
        }
    }
}
