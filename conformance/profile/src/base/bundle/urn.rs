//! References by `urn:uuid:` and `urn:oid:` (bundle.html#references): only an entry of the same Bundle can be meant.

use std::collections::HashSet;

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;

/// A warning: a server may know the resource by that URL all the same.
pub(super) fn check(bundle: Value<'_>, report: &mut Report) {
    let document = bundle.document();
    let nodes = (bundle.index()..bundle.node().after).filter_map(|index| document.at(index));
    let is_urn = |value: &Value<'_>| value.name_bytes() == b"reference" && value.raw().starts_with(b"\"urn:");
    let mut known: Option<HashSet<_>> = None;
    for reference in nodes.filter(is_urn) {
        let Some(text) = reference.text() else { continue };
        let known = known.get_or_insert_with(|| {
            read::items(bundle, "entry").filter_map(|entry| read::text(entry, "fullUrl")).collect()
        });
        if !known.contains(&text) {
            let expected = "expected the `fullUrl` of an entry of this bundle: nobody else can resolve it";
            report.warning(reference.index(), IssueType::NotFound, expected);
        }
    }
}
