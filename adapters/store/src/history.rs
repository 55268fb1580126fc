//! `history-instance` (http.html#history): the versions of a resource, newest first.

use std::sync::Arc;
use std::time::SystemTime;

use adapter::reply::{Reply, Status};
use adapter::{Call, Error, ErrorKind};
use fhir::{Id, Query};
use serde::{Deserialize, Serialize};

use crate::instant::instant;
use crate::query::alternative::not_supported;
use crate::query::{Bundle, Pages, json_text};
use crate::record::{self, Method, Version};
use crate::scopes::Scope;
use crate::sql::{Connection, values};

/// Where a page begins: what its link carries, bound to the resource.
#[derive(Serialize, Deserialize)]
struct Link {
    id: Id,
    before: i64,
    since: i64,
    size: u32,
}

/// A page to be found.
pub(crate) struct Planned {
    scope: Arc<Scope>,
    link: Link,
    query: Query,
}

/// A page that was found.
pub(crate) struct Answered {
    planned: Planned,
    total: u64,
    versions: Vec<Version>,
    has_more: bool,
}

/// Reads the query: `_count`, `_since`, or the page of an earlier answer.
///
/// # Errors
/// `Invalid` for a value that is none and for another parameter.
pub(crate) fn plan(
    call: &Call,
    pages: &Pages,
    scope: Arc<Scope>,
    id: &Id,
    query: &Query,
    now: SystemTime,
) -> Result<Planned, Error> {
    if let Some(token) = query.first("_page") {
        let link: Link = pages.open(call, token, now)?;
        if link.id != *id {
            return Err(Error::new(ErrorKind::Invalid, "the page link is not for this resource"));
        }
        return Ok(Planned { scope, link, query: query.clone() });
    }
    let mut link = Link { id: id.clone(), before: i64::MAX, since: i64::MIN, size: pages.size(None) };
    for (name, value) in query.iter() {
        match name {
            "_count" => link.size = pages.size(Some(whole_number(value)?)),
            "_since" => link.since = since(value)?,
            // Formats are the gateway's.
            "_format" | "_pretty" => {}
            _ => {
                let text = "unknown parameter of a history (known: _count, _since)";
                return Err(not_supported(text));
            }
        }
    }
    Ok(Planned { scope, link, query: query.clone() })
}

fn whole_number(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| Error::new(ErrorKind::Invalid, "expected `_count` to be a whole number"))
}

fn since(text: &str) -> Result<i64, Error> {
    let time = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .map_err(|_| Error::new(ErrorKind::Invalid, "expected `_since` to be an instant"))?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000)
        .map_err(|_| Error::new(ErrorKind::Invalid, "expected `_since` to be an instant"))
}

impl Planned {
    /// Finds the page.
    ///
    /// # Errors
    /// `NotFound` when there never was such a resource.
    pub(crate) fn run(self, connection: &Connection) -> Result<Answered, Error> {
        let kind = self.scope.resource_type;
        let current = record::current(connection, self.scope.key, self.link.id.as_str())?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no {kind} with that id")))?;
        let (size, since) = (self.link.size, self.link.since);
        let total = count(connection, current.key, i64::MAX, since)?;
        let versions = record::versions(connection, current.key, self.link.before, since, size)?;
        // The list also ends when the versions are large.
        let has_more = match versions.last() {
            Some(last) => count(connection, current.key, last.number, since)? > 0,
            None => false,
        };
        Ok(Answered { planned: self, total, versions, has_more })
    }
}

/// How many versions are older than `before` and not older than `since`.
fn count(connection: &Connection, resource: i64, before: i64, since: i64) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM version WHERE resource = ?1 AND number < ?2 AND updated >= ?3";
    Ok(connection.number(sql, &values![resource, before, since])?.unsigned_abs())
}

/// The Bundle.
pub(crate) fn reply(call: &Call, pages: &Pages, answered: Answered, now: SystemTime) -> Reply {
    let Answered { planned, total, versions, has_more } = answered;
    let (kind, id) = (planned.scope.resource_type, &planned.link.id);
    let url = format!("{}/{kind}/{}", call.base, id.as_str());
    let query = planned.query.encode();
    let own = if query.is_empty() { format!("{url}/_history") } else { format!("{url}/_history?{query}") };
    let mut links = vec![("self", own)];
    if let Some(last) = versions.last().filter(|_| has_more) {
        let next = Link { id: id.clone(), before: last.number, since: planned.link.since, size: planned.link.size };
        links.push(("next", format!("{url}/_history?_page={}", pages.seal(call, &next, now))));
    }
    let capacity = versions.iter().map(|version| version.body.as_ref().map_or(0, Vec::len) + 400).sum();
    let mut bundle = Bundle::new("history", Some(total), &links, capacity);
    for version in &versions {
        let before = format!(r#""fullUrl":{}"#, json_text(&url));
        bundle.entry(&before, version.body.as_deref(), &circumstances(version, kind.as_str(), id.as_str()));
    }
    Reply::new(Status::Ok).with_body(bundle.into_bytes())
}

/// `request` and `response` of an entry: what made the version.
fn circumstances(version: &Version, kind: &str, id: &str) -> String {
    let (method, path, status) = match version.method {
        Method::Create if version.number == 1 => ("POST", kind.to_owned(), "201"),
        Method::Create => ("PUT", format!("{kind}/{id}"), "201"),
        Method::Update => ("PUT", format!("{kind}/{id}"), "200"),
        Method::Delete => ("DELETE", format!("{kind}/{id}"), "204"),
    };
    format!(
        r#","request":{{"method":"{method}","url":"{path}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}"#,
        version.number,
        instant(version.updated)
    )
}
