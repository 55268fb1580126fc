//! URIs (datatypes.html#uri, RFC 3986, RFC 4122, RFC 3061).

use std::borrow::Cow;

use fhir::IssueType;
use fhir::json::Value;

use super::narrative;
use crate::report::Report;

/// A URI that names an OID or a UUID has the form of one.
pub(super) fn check(value: Value<'_>, report: &mut Report) {
    let raw = value.raw();
    // Most start with `http`: decided by the first byte.
    if raw.get(1) == Some(&b'#') && value.name_bytes() == b"valueUrl" {
        return narrative::check_link(value, report);
    }
    if !matches!(raw.get(1), Some(b'u' | b'o' | b'U' | b'O' | b'\\')) {
        return;
    }
    if let Some(text) = value.text() {
        check_text(value, &text, report);
    }
}

#[cold]
fn check_text(value: Value<'_>, text: &str, report: &mut Report) {
    if let Some(fault) = fault(text) {
        report.error(value.index(), IssueType::Invalid, fault);
    }
}

/// What is wrong with the form of a URI.
pub(super) fn fault(text: &str) -> Option<Cow<'static, str>> {
    if text.starts_with("oid:") || text.starts_with("uuid:") {
        return Some(format!("expected `urn:{text}`: `oid` and `uuid` are no schemes of their own").into());
    }
    if let Some(oid) = text.strip_prefix("urn:oid:") {
        let oid = oid.split(['#', '|']).next().unwrap_or_default();
        return (!is_oid(oid)).then(|| format!("expected an OID behind `urn:oid:`, found `{oid}`").into());
    }
    let uuid = text.strip_prefix("urn:uuid:")?;
    let uuid = uuid.split(['#', '|']).next().unwrap_or_default();
    (!is_uuid(uuid)).then(|| format!("expected a UUID behind `urn:uuid:`, found `{uuid}`").into())
}

/// Whether a text is a URI with a scheme (RFC 3986 3.1).
pub(super) fn is_absolute(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    !rest.is_empty()
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Dotted numbers; the first one is 0, 1 or 2.
pub(super) fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    matches!(arcs.next(), Some("0" | "1" | "2"))
        && text.contains('.')
        && arcs.all(|arc| {
            arc == "0" || !arc.starts_with('0') && !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit())
        })
}

/// 8-4-4-4-12 hexadecimal digits, in either case (RFC 4122 3).
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_that_names_an_oid_or_a_uuid_has_the_form_of_one() {
        for right in ["urn:oid:1.2.840", "urn:uuid:C757873D-ec9a-4326-a141-556f43239520", "urn:x:y", "http://a"] {
            assert_eq!(fault(right), None, "{right}");
        }
        for wrong in ["urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:uuid:1", "oid:1.2", "uuid:1"] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn only_a_uri_with_a_scheme_is_absolute() {
        assert!(["http://a", "urn:oid:1.2", "mailto:x"].into_iter().all(is_absolute));
        assert!(!["", "a/b", "#x", "//a", "1:x", "a:"].into_iter().any(is_absolute));
    }
}
