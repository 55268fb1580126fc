//! Bundles (bundle.html): identities of entries, links, documents, messages and search results.

mod document;
mod entry;
mod link;
mod reach;
mod request;
mod resolve;
mod search;
mod urn;

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;
use crate::validator::Subject;
use resolve::Entries;

/// Everything about a Bundle and its entries.
pub(super) fn check(bundle: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let kind = read::text(bundle, "type").unwrap_or_default();
    link::check(bundle, &kind, report);
    for entry in read::items(bundle, "entry") {
        entry::check(entry, &kind, subject, report);
    }
    if !matches!(&*kind, "searchset" | "history") {
        urn::check(bundle, report);
    }
    match &*kind {
        "document" | "message" => check_first(bundle, &kind, subject, report),
        "searchset" => search::check(bundle, subject, report),
        "transaction" | "batch" => request::check(bundle, subject, report),
        _ => {}
    }
}

/// bundle.html: a document begins with its Composition, a message with its MessageHeader.
fn check_first(bundle: Value<'_>, kind: &str, subject: &Subject<'_>, report: &mut Report) {
    let expected = if kind == "document" { "Composition" } else { "MessageHeader" };
    let Some(first) = read::items(bundle, "entry").next() else {
        let text = format!("expected a {kind} to begin with an entry with a {expected}");
        return report.error(bundle.index(), IssueType::Invalid, text);
    };
    let Some(resource) = first.member("resource") else {
        return report.missing(first.index(), "resource", IssueType::Invalid, format!("expected a {expected}"));
    };
    if !read::has_text(resource, "resourceType", expected) {
        let text = format!("expected the first resource of a {kind} to be a {expected}");
        return report.error(resource.index(), IssueType::Invalid, text);
    }
    let entries = Entries::new(bundle, subject);
    if kind == "document" {
        document::check_composition(resource, &entries, report);
        reach::check(&entries, report);
    } else {
        document::check_header(resource, &entries, report);
    }
}
