//! One page of a search, as it runs on a search thread.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use adapter::Error;
use fhir::ResourceType;
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::order::{Order, SortValue};
use super::walk::walked;
use crate::record::{self, Bodies};
use crate::scopes::Scope;
use crate::sql::{self, Connection, Row, Values};

/// A page ends early when its bodies have that many bytes.
const LARGEST: usize = 8 << 20;

/// Where a page begins: what its link carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The newest resource of each scope when the search began: what is created meanwhile does not shift the pages.
    #[serde(rename = "n")]
    pub(crate) newest: Vec<i64>,
    /// The number of matches then, when it was wanted.
    #[serde(rename = "t")]
    pub(crate) total: Option<u64>,
    /// What the last match of the page before is sorted by.
    #[serde(rename = "s")]
    pub(crate) last: Vec<SortValue>,
    /// And its key.
    #[serde(rename = "k")]
    pub(crate) last_key: i64,
}

/// A page to be found.
pub(crate) struct Page {
    /// What is searched in each scope, in the order of the scopes' keys.
    pub(crate) parts: Vec<Part>,
    /// Entries wanted.
    pub(crate) size: usize,
    /// Whether the number of all matches is wanted.
    pub(crate) with_total: bool,
    /// Where it begins; `None`: at the beginning.
    pub(crate) position: Option<Position>,
}

/// What is searched in one scope.
pub(crate) struct Part {
    pub(crate) scope: Arc<Scope>,
    pub(crate) filter: Filter,
    pub(crate) order: Order,
}

/// A resource that was found.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Its key.
    pub(crate) key: i64,
    /// Its type.
    pub(crate) resource_type: ResourceType,
    /// Its id.
    pub(crate) id: String,
    /// Its JSON.
    pub(crate) body: Vec<u8>,
}

/// A page that was found.
#[derive(Default)]
pub(crate) struct Found {
    /// The matches.
    pub(crate) entries: Vec<Entry>,
    /// Matches in all, when that was wanted.
    pub(crate) total: Option<u64>,
    /// Where the next page begins, when there is one.
    pub(crate) next: Option<Position>,
}

/// Which part of the matches.
pub(super) struct Wanted<'p> {
    /// The newest key.
    pub(super) newest: i64,
    /// What is behind that.
    pub(super) position: Option<&'p Position>,
    /// So many, and one more.
    pub(super) size: usize,
}

struct Match {
    key: i64,
    id: String,
    version: i64,
    resource_type: ResourceType,
    sorted_by: Vec<SortValue>,
}

impl Page {
    /// Finds it.
    pub(crate) fn run(&self, connection: &Connection) -> Result<Found, Error> {
        let parts = self.parts(connection)?;
        let total = match &self.position {
            Some(position) => position.total,
            None if self.with_total => Some(count(connection, &parts)?),
            None => None,
        };
        let mut found = Found { total, ..Found::default() };
        if self.size == 0 {
            return Ok(found);
        }
        let mut bytes = 0;
        let mut last: Option<Match> = None;
        let matches = self.matches(connection, &parts)?;
        let mut bodies = Bodies::new(connection, matches.iter().map(|one| one.version).collect());
        for one in matches {
            if let Some(last) = last.filter(|_| found.entries.len() == self.size || bytes > LARGEST) {
                let newest = parts.iter().map(|(_, newest)| *newest).collect();
                found.next = Some(Position { newest, total, last: last.sorted_by, last_key: last.key });
                break;
            }
            if let Some(body) = bodies.next()? {
                bytes += body.len();
                let Match { key, resource_type, .. } = one;
                found.entries.push(Entry { key, resource_type, id: one.id.clone(), body });
            }
            last = Some(one);
        }
        Ok(found)
    }

    /// How the database goes about it, in its own words, a line a step.
    pub(crate) fn explain(&self, connection: &Connection) -> Result<Vec<String>, Error> {
        let (explain, column) = connection.dialect().explain();
        let mut lines = Vec::new();
        for (part, newest) in self.parts(connection)? {
            let wanted = Wanted { newest, position: self.position.as_ref(), size: self.size };
            for (sql, values) in part.statements(connection, &wanted)? {
                lines.extend(connection.all(&format!("{explain}{sql}"), &values, |row| row.get::<String>(column))?);
            }
        }
        Ok(lines)
    }

    /// The scopes that the search began with, each with its newest resource then.
    fn parts(&self, connection: &Connection) -> Result<Vec<(&Part, i64)>, Error> {
        let mut parts = Vec::new();
        for part in &self.parts {
            let of_scope = part.scope.first()..=part.scope.last();
            match &self.position {
                None => parts.push((part, record::newest_key(connection, &part.scope)?)),
                Some(position) => {
                    parts.extend(position.newest.iter().find(|key| of_scope.contains(key)).map(|key| (part, *key)));
                }
            }
        }
        Ok(parts)
    }

    /// One match more than the page holds, if there is one.
    fn matches(&self, connection: &Connection, parts: &[(&Part, i64)]) -> Result<Vec<Match>, Error> {
        let mut matches = Vec::new();
        for (part, newest) in parts {
            // Without an order the scopes follow one another.
            if part.order.len() == 0 && matches.len() > self.size {
                break;
            }
            matches.extend(part.matches(connection, *newest, self.position.as_ref(), self.size)?);
        }
        if let ([(part, _), _, ..], 1..) = (parts, parts.first().map_or(0, |(part, _)| part.order.len())) {
            matches.sort_by(|one, other| {
                part.order.compare(&one.sorted_by, &other.sorted_by).then(one.key.cmp(&other.key))
            });
        }
        matches.truncate(self.size + 1);
        Ok(matches)
    }
}

fn count(connection: &Connection, parts: &[(&Part, i64)]) -> Result<u64, Error> {
    let mut count = 0;
    for (part, newest) in parts {
        count += part.count(connection, *newest)?;
    }
    Ok(count)
}

impl Part {
    fn count(&self, connection: &Connection, newest: i64) -> Result<u64, Error> {
        if let Some(count) = self.filter.count_by_index(connection)? {
            return Ok(count);
        }
        let mut values = Values::new(connection);
        let range = self.filter.sql((self.scope.first(), newest), &mut values);
        if self.filter.is_complete() {
            let sql = format!("SELECT count(*) FROM resource AS r WHERE {range}");
            return Ok(connection.number(&sql, &values)?.unsigned_abs());
        }
        let sql = format!("SELECT r.current FROM resource AS r WHERE {range}");
        let mut count = 0;
        connection.each(&sql, &values, |row| {
            count += u64::from(self.filter.admits(connection, row.get(0)?, &self.scope)?);
            Ok::<_, Error>(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    /// One match more than `size`, if there is one.
    fn matches(
        &self,
        connection: &Connection,
        newest: i64,
        position: Option<&Position>,
        size: usize,
    ) -> Result<Vec<Match>, Error> {
        let wanted = Wanted { newest, position, size };
        let mut matches = Vec::new();
        for (sql, values) in self.statements(connection, &wanted)? {
            if matches.len() <= size {
                self.read_all(connection, &sql, &values, size, &mut matches)?;
            }
        }
        Ok(matches)
    }

    fn read_all(
        &self,
        connection: &Connection,
        sql: &str,
        values: &Values,
        size: usize,
        matches: &mut Vec<Match>,
    ) -> Result<(), Error> {
        if self.filter.is_complete() {
            matches.extend(connection.all(sql, values, |row| self.read(row))?);
            return Ok(());
        }
        connection.each(sql, values, |row| {
            let one = self.read(row)?;
            if self.filter.admits(connection, one.version, &self.scope)? {
                matches.push(one);
            }
            Ok::<_, Error>(if matches.len() <= size { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn read(&self, row: &Row<'_>) -> sql::Result<Match> {
        let sorted_by = (0..self.order.len()).map(|index| Ok(SortValue::of(row.cell(index + 3)?)));
        Ok(Match {
            key: row.get(0)?,
            version: row.get(1)?,
            id: row.get(2)?,
            resource_type: self.scope.resource_type,
            sorted_by: sorted_by.collect::<sql::Result<_>>()?,
        })
    }

    /// What finds the matches, one after the other until there are enough: as a rule one statement.
    fn statements(&self, connection: &Connection, wanted: &Wanted<'_>) -> Result<Vec<(String, Values)>, Error> {
        match self.order.walk() {
            Some(walk) if !self.filter.is_driven() => walked(self, connection, walk, wanted),
            _ => {
                let mut values = Values::new(connection);
                let sql = self.sql(wanted, &mut values);
                Ok(vec![(sql, values)])
            }
        }
    }

    fn sql(&self, wanted: &Wanted<'_>, values: &mut Values) -> String {
        let is_sorted = self.order.len() > 0;
        let first = match wanted.position {
            Some(position) if !is_sorted => position.last_key.saturating_add(1).max(self.scope.first()),
            _ => self.scope.first(),
        };
        let with = self.order.with(values);
        let columns = self.order.columns(values);
        let joins = self.order.joins();
        let range = self.filter.sql((first, wanted.newest), values);
        let inner = format!(
            "SELECT r.key AS key, r.current AS current, r.id AS id{columns} FROM resource AS r{joins} WHERE {range}"
        );
        if is_sorted {
            let order = self.order.sql();
            format!("{with}SELECT * FROM ({inner}) AS matched{}", self.end(&order, wanted, values))
        } else {
            values.push(self.limit(wanted));
            format!("{inner} ORDER BY r.key LIMIT ?")
        }
    }

    /// Behind `… AS matched`: from where on, in which order, how many.
    pub(super) fn end(&self, order: &str, wanted: &Wanted<'_>, values: &mut Values) -> String {
        let behind = match wanted.position {
            Some(position) => format!(" WHERE {}", self.order.behind(&position.last, position.last_key, values)),
            None => String::new(),
        };
        values.push(self.limit(wanted));
        format!("{behind} ORDER BY {order} LIMIT ?")
    }

    /// What is decided in memory ends the reading by itself.
    fn limit(&self, wanted: &Wanted<'_>) -> i64 {
        if self.filter.is_complete() { wanted.size as i64 + 1 } else { i64::MAX }
    }
}

impl Order {
    /// How two matches stand to each other: as SQL would sort them.
    fn compare(&self, one: &[SortValue], other: &[SortValue]) -> Ordering {
        let mut keys = self.directions().zip(one.iter().zip(other));
        let decided = keys.find_map(|(descending, (one, other))| {
            let order = match (one == &SortValue::Missing, other == &SortValue::Missing) {
                (false, false) if descending => other.cmp(one),
                (false, false) => one.cmp(other),
                (is_missing, other_is_missing) => is_missing.cmp(&other_is_missing),
            };
            order.is_ne().then_some(order)
        });
        decided.unwrap_or(Ordering::Equal)
    }
}
