//! The form of a literal reference (references.html#literal).

use fhir::IssueType;
use fhir::json::Value;

use super::{datatype, uri};
use crate::reference::{Literal, literal};
use crate::report::Report;
use crate::validator::Subject;

/// A relative reference is `Type/id`, `Type/id/_history/version` or, to be resolved by the server that takes the transaction,
/// `Type?search`.
pub(super) fn check(reference: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(value) = reference.member("reference") else { return };
    let raw = value.raw();
    if matches!(raw.get(1), Some(b'#')) || memchr::memchr(b':', raw).is_some() {
        return;
    }
    let Some(text) = value.text() else { return };
    if let Some(fault) = fault(&text, subject) {
        report.error(value.index(), IssueType::Invalid, fault);
    }
}

fn fault(text: &str, subject: &Subject<'_>) -> Option<String> {
    // Of `Name/id` the scan has judged the name.
    if matches!(literal(text), Literal::Relative(_)) {
        return None;
    }
    if let Some((before, query)) = text.split_once('?') {
        let is_typed = datatype::is_resource_type(before, subject);
        let expected = "expected a search URL of the form `Type?name=value&name=value`";
        return (!is_typed || !is_query(query)).then(|| format!("{expected}, found `{}`", short(text)));
    }
    (!is_address(text.trim_end_matches('/'), subject) && !uri::is_absolute(text))
        .then(|| format!("expected `Type/id`, `#id` or an absolute URL, found `{}`", short(text)))
}

/// `Type/id` or `Type/id/_history/version`.
fn is_address(text: &str, subject: &Subject<'_>) -> bool {
    let Some((name, rest)) = text.split_once('/') else { return false };
    let (id, version) = rest.split_once("/_history/").map_or((rest, None), |(id, version)| (id, Some(version)));
    datatype::is_resource_type(name, subject) && is_id(id) && version.is_none_or(is_id)
}

fn is_id(text: &str) -> bool {
    fhir::id::is_id(text.as_bytes())
}

/// Whether a text is a query of named values, `a=1&b:c=2`.
fn is_query(query: &str) -> bool {
    query.split('&').all(|part| {
        let Some((name, value)) = part.split_once('=') else { return false };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
        !name.is_empty() && name.bytes().all(is_name) && !value.contains(['?', '='])
    })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
