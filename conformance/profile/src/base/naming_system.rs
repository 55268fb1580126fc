//! NamingSystems (namingsystem.html): an identifier has the form of its type.

use fhir::IssueType;
use fhir::json::Value;

use super::{read, uri};
use crate::report::Report;

/// A warning only: published systems write OIDs and UUIDs with and without `urn:`.
pub(super) fn check(system: Value<'_>, report: &mut Report) {
    for id in read::items(system, "uniqueId") {
        let (Some(kind), Some(node)) = (read::text(id, "type"), id.member("value")) else { continue };
        let Some(value) = node.text() else { continue };
        let (is_right, expected) = match &*kind {
            "oid" => (uri::is_oid(value.strip_prefix("urn:oid:").unwrap_or(&value)), "an OID"),
            "uuid" => (uri::is_uuid(value.strip_prefix("urn:uuid:").unwrap_or(&value)), "a UUID"),
            "uri" => (uri::is_absolute(&value), "an absolute URI"),
            _ => continue,
        };
        if !is_right {
            report.warning(node.index(), IssueType::Invalid, format!("expected {expected}, as the type says"));
        }
    }
}
