//! Data types with a rule of their own (datatypes.html).

use definitions::Family;
use fhir::IssueType;
use fhir::json::Value;

use super::{read, uri};
use crate::report::Report;
use crate::validator::Subject;

/// The system that says that the value is a URI itself.
const URI_SYSTEM: &[u8] = b"\"urn:ietf:rfc:3986\"";

/// datatypes.html#identifier: the system is absolute, and a value that is said to be a URI is one.
pub(super) fn check_identifier(identifier: Value<'_>, report: &mut Report) {
    let Some(system) = identifier.member("system") else { return };
    check_system(system, "an identifier", report);
    if system.raw() != URI_SYSTEM {
        return;
    }
    let Some(value) = identifier.member("value") else { return };
    let Some(text) = value.text() else { return };
    if !uri::is_absolute(&text) {
        let expected = "expected a full URI such as `urn:uuid:…` or `urn:oid:…`, as the system says";
        report.error(value.index(), IssueType::CodeInvalid, expected);
    } else if let Some(fault) = uri::fault(&text) {
        // Published identifiers have faulty OIDs: doubtful, and no reason to refuse.
        if text.starts_with("urn:oid:") {
            report.warning(value.index(), IssueType::Invalid, fault);
        } else {
            report.error(value.index(), IssueType::Invalid, fault);
        }
    }
}

/// datatypes.html#coding: the system is absolute, and is a code system.
pub(super) fn check_coding(coding: Value<'_>, report: &mut Report) {
    let Some(system) = coding.member("system") else { return };
    check_system(system, "a coding", report);
    if !system.raw().starts_with(b"\"http://hl7.org/fhir/ValueSet/") {
        return;
    }
    report.error(system.index(), IssueType::Invalid, "expected the URL of a code system, found that of a value set");
}

fn check_system(system: Value<'_>, of: &str, report: &mut Report) {
    if memchr::memchr(b':', system.raw()).is_some() {
        return;
    }
    if system.text().is_some_and(|text| !uri::is_absolute(&text)) {
        report.error(system.index(), IssueType::CodeInvalid, format!("expected an absolute URI as the system of {of}"));
    }
}

/// R5 bounds the digits of a decimal: 18 before the point, 17 behind it (datatypes.html#decimal).
pub(super) fn check_decimal(decimal: Value<'_>, report: &mut Report) {
    let Some(text) = decimal.number() else { return };
    if text.len() <= 17 {
        return;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_bounded = whole.trim_start_matches('-').len() <= 18
        && fraction.len() <= 17
        && exponent.trim_start_matches(['+', '-']).len() <= 10;
    if !is_bounded {
        let expected = "expected a decimal of at most 18 digits before the point and 17 behind it";
        report.error(decimal.index(), IssueType::Invalid, expected);
    }
}

/// datatypes.html#sampleddata: decimals, and `E`, `U`, `L` for what could not be measured, each apart by one space.
pub(super) fn check_sampled(sampled: Value<'_>, report: &mut Report) {
    let Some(data) = sampled.member("data") else { return };
    let Some(text) = data.text() else { return };
    let is_sample = |sample: &str| matches!(sample, "E" | "U" | "L") || sample.parse::<f64>().is_ok_and(f64::is_finite);
    if let Some(wrong) = text.split_whitespace().find(|sample| !is_sample(sample)) {
        let wrong: String = wrong.chars().take(32).collect();
        report.error(data.index(), IssueType::Value, format!("expected decimals, `E`, `U` or `L`, found `{wrong}`"));
    }
}

/// Whether a name is that of a resource type of the release.
pub(super) fn is_resource_type(name: &str, subject: &Subject<'_>) -> bool {
    subject.definitions.type_named(name).is_some_and(|known| known.family() == Family::Resource)
}

/// The type that `resourceType` of a resource names.
pub(super) fn resource_type(resource: Value<'_>) -> String {
    read::text(resource, "resourceType").unwrap_or_default().into_owned()
}
