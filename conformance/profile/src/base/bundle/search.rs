//! Search results (bundle.html#searchset, http.html#search).

use fhir::IssueType;
use fhir::json::Value;

use super::super::{datatype, read};
use crate::report::Report;
use crate::validator::Subject;

/// Matches have an id and the type that was searched; an outcome is an OperationOutcome.
pub(super) fn check(bundle: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let types = searched_types(bundle, subject);
    let has_modes = read::items(bundle, "entry").any(|entry| mode(entry).is_some());
    for entry in read::items(bundle, "entry") {
        let Some(resource) = entry.member("resource") else {
            report.missing(entry.index(), "resource", IssueType::Invalid, "expected a resource in each search result");
            continue;
        };
        let mode = mode(entry);
        let name = datatype::resource_type(resource);
        match mode.as_deref() {
            Some("outcome") if name != "OperationOutcome" => {
                let expected = format!("expected an OperationOutcome as the outcome of a search, found {name}");
                report.error(resource.index(), IssueType::Invalid, expected);
            }
            Some("match") => check_match(resource, &name, &types, report),
            Some("include") => check_id(resource, report),
            None if !has_modes && name != "OperationOutcome" => check_match(resource, &name, &types, report),
            _ => {}
        }
    }
}

fn mode(entry: Value<'_>) -> Option<String> {
    read::text(entry.member("search")?, "mode").map(|mode| mode.into_owned())
}

fn check_match(resource: Value<'_>, name: &str, types: &[String], report: &mut Report) {
    check_id(resource, report);
    if !types.is_empty() && !types.iter().any(|searched| searched == name) {
        let expected = format!("expected a match to be of the type that was searched ({})", types.join(", "));
        report.error(resource.index(), IssueType::Invalid, expected);
    }
}

fn check_id(resource: Value<'_>, report: &mut Report) {
    if resource.member("id").is_none() {
        report.missing(resource.index(), "id", IssueType::Invalid, "expected the id of a search result");
    }
}

/// The types that the `self` link says were searched: of its path, or of `_type`.
fn searched_types(bundle: Value<'_>, subject: &Subject<'_>) -> Vec<String> {
    let own = read::items(bundle, "link").find(|link| read::has_text(*link, "relation", "self"));
    let Some(url) = own.and_then(|link| read::text(link, "url")) else { return Vec::new() };
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let stated = query.split('&').find_map(|part| part.strip_prefix("_type="));
    let names: Vec<&str> = match stated {
        Some(names) => names.split(',').flat_map(|name| name.split("%2C")).collect(),
        None => path.rsplit('/').take(1).collect(),
    };
    let names: Vec<_> = names.into_iter().filter(|name| datatype::is_resource_type(name, subject)).collect();
    names.into_iter().map(str::to_owned).collect()
}
