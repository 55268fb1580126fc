//! `history-type` and `history-system` (http.html#history): the versions of all resources of a type or of the practice, newest
//! first. They have no total: it would mean reading all of them.

use std::ops::ControlFlow;
use std::time::SystemTime;

use adapter::reply::{Reply, Status};
use adapter::{Call, Error, ErrorKind};
use fhir::{Query, ResourceType};
use serde::{Deserialize, Serialize};

use super::{Asked, circumstances};
use crate::query::{Bundle, Pages, Sight, json_text};
use crate::record::Version;
use crate::sql::{Connection, Values};

/// Bytes of bodies after which a page ends.
const LARGEST: usize = 8 << 20;

/// Where a page begins: what its link carries.
#[derive(Serialize, Deserialize)]
struct Link {
    /// The key of the version before it.
    before: i64,
    asked: Asked,
}

/// A page to be found.
pub(crate) struct Planned {
    sight: Sight,
    resource_type: Option<ResourceType>,
    link: Link,
    query: Query,
}

/// A page that was found.
pub(crate) struct Answered {
    planned: Planned,
    versions: Vec<Change>,
    has_more: bool,
}

/// A version, and of what it is one.
struct Change {
    key: i64,
    resource_type: String,
    id: String,
    version: Version,
}

/// Reads the query: `_count`, `_since`, `_at`, or the page of an earlier answer.
///
/// # Errors
/// `Forbidden` for a call that is confined: what was deleted says of nobody whose it was. `Invalid` for a value that is none and for
/// another parameter.
pub(crate) fn plan(
    call: &Call,
    pages: &Pages,
    sight: Sight,
    resource_type: Option<ResourceType>,
    query: &Query,
    now: SystemTime,
) -> Result<Planned, Error> {
    if call.confinement().is_some() {
        let text = "a history of more than one resource cannot be confined to a compartment";
        return Err(Error::new(ErrorKind::Forbidden, text));
    }
    let link = match query.first("_page") {
        Some(token) => pages.open(call, token, now)?,
        None => Link { before: i64::MAX, asked: Asked::read(query, pages)? },
    };
    Ok(Planned { sight, resource_type, link, query: query.clone() })
}

impl Planned {
    /// Finds the page.
    pub(crate) fn run(self, connection: &Connection) -> Result<Answered, Error> {
        let size = self.link.asked.size as usize;
        let mut versions = Vec::new();
        let mut has_more = false;
        // A type of which nothing was ever stored has no history.
        let scope = match self.resource_type {
            Some(resource_type) => match self.sight.scope(connection, resource_type)? {
                Some(scope) => Some(scope.key),
                None => return Ok(Answered { planned: self, versions, has_more }),
            },
            None => None,
        };
        let mut values = Values::new(connection);
        let sql = self.sql(scope, &mut values);
        let mut bytes = 0;
        connection.each(&sql, &values, |row| {
            has_more = versions.len() == size || bytes > LARGEST;
            if has_more {
                return Ok::<_, Error>(ControlFlow::Break(()));
            }
            let change = Change {
                version: Version::from_row(row)?,
                key: row.get(4)?,
                resource_type: row.get(5)?,
                id: row.get(6)?,
            };
            bytes += change.version.body.as_ref().map_or(0, Vec::len);
            versions.push(change);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Answered { planned: self, versions, has_more })
    }

    /// From the newest version on: the order in which they were written is that of their keys.
    fn sql(&self, scope: Option<i64>, values: &mut Values) -> String {
        let mut tests = vec!["v.key < ?".to_owned()];
        values.push(self.link.before);
        match scope {
            Some(scope) => {
                tests.push("s.key = ?".to_owned());
                values.push(scope);
            }
            None => {
                tests.push("s.practice = ?".to_owned());
                values.push(self.sight.practice().to_owned());
            }
        }
        tests.extend(self.link.asked.tests(values));
        values.push(i64::from(self.link.asked.size) + 1);
        format!(
            "SELECT v.number, v.updated, v.method, v.body, v.key, s.type, r.id FROM version AS v \
             JOIN resource AS r ON r.key = v.resource JOIN scope AS s ON s.key = r.scope \
             WHERE {} ORDER BY v.key DESC LIMIT ?",
            tests.join(" AND ")
        )
    }
}

/// The Bundle.
pub(crate) fn reply(call: &Call, pages: &Pages, answered: Answered, now: SystemTime) -> Reply {
    let Answered { planned, versions, has_more } = answered;
    let place = planned.resource_type.map(|kind| format!("/{kind}")).unwrap_or_default();
    let url = format!("{}{place}/_history", call.base);
    let query = planned.query.encode();
    let own = if query.is_empty() { url.clone() } else { format!("{url}?{query}") };
    let mut links = vec![("self", own)];
    if let Some(last) = versions.last().filter(|_| has_more) {
        let next = Link { before: last.key, asked: planned.link.asked };
        links.push(("next", format!("{url}?_page={}", pages.seal(call, &next, now))));
    }
    let capacity = versions.iter().map(|change| change.version.body.as_ref().map_or(0, Vec::len) + 400).sum();
    let mut bundle = Bundle::new("history", None, &links, capacity);
    for Change { resource_type, id, version, .. } in &versions {
        let before = format!(r#""fullUrl":{}"#, json_text(&format!("{}/{resource_type}/{id}", call.base)));
        bundle.entry(&before, version.body.as_deref(), &circumstances(version, resource_type, id));
    }
    Reply::new(Status::Ok).with_body(bundle.into_bytes())
}
