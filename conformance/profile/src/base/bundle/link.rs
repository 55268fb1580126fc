//! Links of a Bundle (bundle.html, http.html#paging).

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;

/// Each link of a page of results occurs once; a document has no pages.
pub(super) fn check(bundle: Value<'_>, kind: &str, report: &mut Report) {
    let mut seen = 0_u8;
    for link in read::items(bundle, "link") {
        let Some(relation) = read::text(link, "relation") else { continue };
        let Some(number) = page_number(&relation) else { continue };
        if matches!(kind, "searchset" | "history") && seen & (1 << number) != 0 {
            let expected = format!("expected the link `{relation}` once");
            report.error(link.index(), IssueType::Invalid, expected);
        }
        if kind == "document" && number > 0 {
            let expected = format!("expected no link `{relation}` in a document: it has no pages");
            report.error(link.index(), IssueType::Invalid, expected);
        }
        seen |= 1 << number;
    }
}

/// Relations of pages, numbered; `self` is 0.
fn page_number(relation: &str) -> Option<u8> {
    Some(match relation {
        "self" => 0,
        "first" => 1,
        "previous" | "prev" => 2,
        "next" => 3,
        "last" => 4,
        _ => return None,
    })
}
