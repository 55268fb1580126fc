//! Properties and attributes of mappings in R5 (conceptmap-definitions.html): each is declared, and has the type of its
//! declaration.

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;

pub(super) fn check(map: Value<'_>, report: &mut Report) {
    for element in read::items(map, "group").flat_map(|group| read::items(group, "element")) {
        for target in read::items(element, "target") {
            for property in read::items(target, "property") {
                check_use(map, property, ("property", "code"), report);
            }
            for attribute in read::items(target, "dependsOn").chain(read::items(target, "product")) {
                check_use(map, attribute, ("additionalAttribute", "attribute"), report);
            }
        }
    }
}

/// `declared` names the list of declarations, and the member of a use that has the code.
fn check_use(map: Value<'_>, given: Value<'_>, declared: (&str, &str), report: &mut Report) {
    let (list, member) = declared;
    // Before R5 what a mapping depends on is an element, named by a URI.
    let Some(code) = given.member(member) else { return };
    let Some(text) = code.text() else { return };
    let Some(declaration) = read::items(map, list).find(|known| read::has_text(*known, "code", &text)) else {
        let expected = format!("expected a code of `{list}`, found `{text}`");
        return report.error(code.index(), IssueType::Invalid, expected);
    };
    let (Some(expected), Some((kind, value))) = (read::text(declaration, "type"), read::choice(given, "value")) else {
        return;
    };
    if !kind.eq_ignore_ascii_case(&expected) {
        let expected = format!("expected a value of type {expected}, as `{text}` is declared");
        report.error(value.index(), IssueType::Invalid, expected);
    }
}
