//! What a Composition or a MessageHeader refers to is in the Bundle (documents.html#content, messaging.html).

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use super::resolve::{Entries, Found};
use crate::report::Report;

/// Members of a Composition, and members of members, whose resources belong to the document.
const OF_COMPOSITION: [(&str, Option<&str>); 6] = [
    ("subject", None),
    ("encounter", None),
    ("author", None),
    ("custodian", None),
    ("attester", Some("party")),
    ("event", Some("detail")),
];

pub(super) fn check_composition(composition: Value<'_>, entries: &Entries<'_, '_>, report: &mut Report) {
    for (name, below) in OF_COMPOSITION {
        for member in read::items(composition, name) {
            match below {
                None => check_reference(member, entries, report),
                Some(below) => read::items(member, below).for_each(|inner| check_reference(inner, entries, report)),
            }
        }
    }
    check_sections(composition, entries, report);
}

/// Sections within sections are as deep as the scan allows.
fn check_sections(holder: Value<'_>, entries: &Entries<'_, '_>, report: &mut Report) {
    for section in read::items(holder, "section") {
        for name in ["author", "focus", "entry"] {
            read::items(section, name).for_each(|reference| check_reference(reference, entries, report));
        }
        check_sections(section, entries, report);
    }
}

pub(super) fn check_header(header: Value<'_>, entries: &Entries<'_, '_>, report: &mut Report) {
    read::items(header, "focus").for_each(|focus| check_reference(focus, entries, report));
}

/// The Composition or the MessageHeader is the first entry.
fn check_reference(object: Value<'_>, entries: &Entries<'_, '_>, report: &mut Report) {
    // In R5 the target of a CodeableReference is one deeper.
    let Some(literal) = object.member("reference") else { return };
    if literal.member("reference").is_some() {
        return check_reference(literal, entries, report);
    }
    let Some(text) = literal.text().filter(|text| !text.is_empty() && !text.starts_with('#')) else { return };
    let expected = match entries.resolve(&text, 0) {
        Found::One(_) => return,
        Found::Many(count) => format!("expected one entry to be `{text}`, found {count}"),
        Found::Nothing { is_near: false } => format!("expected `{text}` to be in the bundle"),
        Found::Nothing { is_near: true } => {
            format!("expected `{text}` to be the `fullUrl` of an entry, seen from the `fullUrl` of the first one")
        }
    };
    report.error(object.index(), IssueType::Invalid, expected);
}
