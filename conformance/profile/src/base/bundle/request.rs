//! Requests of a transaction or a batch (http.html#transaction-interactions): what a server would refuse each of them for.

use fhir::IssueType;
use fhir::json::Value;

use super::super::{datatype, read};
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(bundle: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for entry in read::items(bundle, "entry") {
        let Some(request) = entry.member("request") else { continue };
        let (Some(method), Some(url)) = (read::text(request, "method"), read::text(request, "url")) else { continue };
        let Some(resource) = entry.member("resource") else {
            if matches!(&*method, "POST" | "PUT") && !url.contains('$') {
                let expected = format!("expected a resource with the method {method}");
                report.say_missing(fhir::Severity::Warning, entry.index(), "resource", IssueType::Invalid, expected);
            }
            continue;
        };
        match &*method {
            "POST" => check_create(request, resource, &url, subject, report),
            "PUT" => check_update(request, resource, &url, subject, report),
            "DELETE" | "GET" | "HEAD" => {
                let expected = format!("expected no resource with the method {method}");
                report.warning(resource.index(), IssueType::Invalid, expected);
            }
            _ => {}
        }
    }
}

/// http.html#create: the URL has the type of the resource.
fn check_create(request: Value<'_>, resource: Value<'_>, url: &str, subject: &Subject<'_>, report: &mut Report) {
    let address = url.split('?').next().unwrap_or_default();
    check_type(request, resource, address, subject, report);
}

/// http.html#update: type and id of the URL are those of the resource.
fn check_update(request: Value<'_>, resource: Value<'_>, url: &str, subject: &Subject<'_>, report: &mut Report) {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let mut steps = address.rsplit('/');
    let (last, before) = (steps.next().unwrap_or_default(), steps.next());
    let Some(name) = before.filter(|name| query.is_none() && datatype::is_resource_type(name, subject)) else {
        return check_type(request, resource, address, subject, report);
    };
    check_type(request, resource, name, subject, report);
    if read::text(resource, "id").is_some_and(|id| id != last) {
        let expected = format!("expected the id of the resource in the URL of an update, found `{last}`");
        report.error(request.index(), IssueType::Invalid, expected);
    }
}

/// Only what names a type can be of the wrong one.
fn check_type(request: Value<'_>, resource: Value<'_>, name: &str, subject: &Subject<'_>, report: &mut Report) {
    let of = datatype::resource_type(resource);
    if datatype::is_resource_type(name, subject) && name != of {
        let expected = format!("expected a URL of the type {of}, which is that of the resource, found {name}");
        report.error(request.index(), IssueType::Invalid, expected);
    }
}
