//! Histories (http.html#history). Here `history-instance`: the versions of a resource, newest first; in `all.rs` those of a type and of
//! the practice.

pub(crate) mod all;

use std::sync::Arc;
use std::time::SystemTime;

use adapter::reply::{Reply, Status};
use adapter::{Call, Error, ErrorKind};
use fhir::{Id, Query, ResourceType};
use serde::{Deserialize, Serialize};

use crate::instant::instant;
use crate::query::alternative::not_supported;
use crate::query::{Bundle, Pages, json_text};
use crate::record::{self, Method, Version};
use crate::scopes::Scope;
use crate::sql::{Connection, Values};
use crate::store::absent;

/// Where a page begins: what its link carries, bound to the resource.
#[derive(Serialize, Deserialize)]
struct Link {
    id: Id,
    before: i64,
    asked: Asked,
}

/// Which versions are wanted, and how many on a page.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Asked {
    /// `_since`: those made at that time or later.
    since: i64,
    /// `_at`: those that were current at some time of that period, from `.0` up to `.1`.
    at: Option<(i64, i64)>,
    size: u32,
}

impl Asked {
    /// Reads `_count`, `_since` and `_at`.
    fn read(query: &Query, pages: &Pages) -> Result<Self, Error> {
        let mut asked = Self { since: i64::MIN, at: None, size: pages.size(None) };
        for (name, value) in query.iter() {
            match name {
                "_count" => asked.size = pages.size(Some(whole_number(value)?)),
                "_since" => asked.since = since(value)?,
                "_at" => asked.at = Some(period(value)?),
                // Newest first is the only order.
                "_sort" if value == "-_lastUpdated" => {}
                // Formats are the gateway's.
                "_format" | "_pretty" => {}
                _ => {
                    let text = "unknown parameter of a history (known: _count, _since, _at, _sort=-_lastUpdated)";
                    return Err(not_supported(text));
                }
            }
        }
        Ok(asked)
    }

    /// The tests on `version AS v`.
    fn tests(&self, values: &mut Values) -> Vec<String> {
        let mut tests = vec!["v.updated >= ?".to_owned()];
        values.push(self.since);
        if let Some((low, high)) = self.at {
            tests.push("v.updated < ?".to_owned());
            tests.push(
                "NOT EXISTS (SELECT 1 FROM version AS n \
                 WHERE n.resource = v.resource AND n.number = v.number + 1 AND n.updated <= ?)"
                    .to_owned(),
            );
            values.extend([high, low]);
        }
        tests
    }
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

/// Reads the query: `_count`, `_since`, or the page of an earlier answer. Without a scope nothing of the type was ever stored; that is
/// told last, because what is wrong with the query must not depend on it.
///
/// # Errors
/// `Invalid` for a value that is none and for another parameter; `NotFound` without a scope.
pub(crate) fn plan(
    call: &Call,
    pages: &Pages,
    (resource_type, scope): (ResourceType, Option<Arc<Scope>>),
    id: &Id,
    query: &Query,
    now: SystemTime,
) -> Result<Planned, Error> {
    if let Some(token) = query.first("_page") {
        let link: Link = pages.open(call, token, now)?;
        if link.id != *id {
            return Err(Error::new(ErrorKind::Invalid, "the page link is not for this resource"));
        }
        let scope = scope.ok_or_else(|| absent(resource_type))?;
        return Ok(Planned { scope, link, query: query.clone() });
    }
    let link = Link { id: id.clone(), before: i64::MAX, asked: Asked::read(query, pages)? };
    let scope = scope.ok_or_else(|| absent(resource_type))?;
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

/// A date or a time, as wide as its precision.
fn period(text: &str) -> Result<(i64, i64), Error> {
    let time = fhirpath::Temporal::parse_date(text)
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "expected `_at` to be a date or a time"))?;
    Ok(time.span())
}

impl Planned {
    /// Finds the page.
    ///
    /// # Errors
    /// `NotFound` when there never was such a resource.
    pub(crate) fn run(self, connection: &Connection) -> Result<Answered, Error> {
        let kind = self.scope.resource_type;
        let current =
            record::current(connection, self.scope.key, self.link.id.as_str())?.ok_or_else(|| absent(kind))?;
        let total = count(connection, current.key, i64::MAX, &self.link.asked)?;
        let versions = self.versions(connection, current.key)?;
        // The list also ends when the versions are large.
        let has_more = match versions.last() {
            Some(last) => count(connection, current.key, last.number, &self.link.asked)? > 0,
            None => false,
        };
        Ok(Answered { planned: self, total, versions, has_more })
    }

    fn versions(&self, connection: &Connection, resource: i64) -> Result<Vec<Version>, Error> {
        let mut values = Values::new(connection);
        values.extend([resource, self.link.before]);
        let tests = self.link.asked.tests(&mut values).join(" AND ");
        values.push(i64::from(self.link.asked.size));
        let sql = format!(
            "SELECT v.number, v.updated, v.method, v.body FROM version AS v \
             WHERE v.resource = ? AND v.number < ? AND {tests} ORDER BY v.number DESC LIMIT ?"
        );
        record::versions(connection, &sql, &values)
    }
}

/// How many of the versions that are wanted are older than `before`.
fn count(connection: &Connection, resource: i64, before: i64, asked: &Asked) -> Result<u64, Error> {
    let mut values = Values::new(connection);
    values.extend([resource, before]);
    let tests = asked.tests(&mut values).join(" AND ");
    let sql = format!("SELECT count(*) FROM version AS v WHERE v.resource = ? AND v.number < ? AND {tests}");
    Ok(connection.number(&sql, &values)?.unsigned_abs())
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
        let next = Link { id: id.clone(), before: last.number, asked: planned.link.asked };
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
        Method::Create | Method::Put => ("PUT", format!("{kind}/{id}"), "201"),
        Method::Update => ("PUT", format!("{kind}/{id}"), "200"),
        Method::Delete => ("DELETE", format!("{kind}/{id}"), "204"),
    };
    format!(
        r#","request":{{"method":"{method}","url":"{path}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}"#,
        version.number,
        instant(version.updated)
    )
}
