//! One page of a search, as it runs on a search thread.

use std::ops::ControlFlow;
use std::sync::Arc;

use adapter::Error;
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::order::{Order, SortValue};
use crate::record;
use crate::scopes::Scope;
use crate::sql::{self, Connection, Row, Values};

/// A page ends early when its bodies have that many bytes.
const LARGEST: usize = 8 << 20;

/// Where a page begins: what its link carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The newest resource when the search began: what is created meanwhile does not shift the pages.
    #[serde(rename = "n")]
    pub(crate) newest: i64,
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
    pub(crate) scope: Arc<Scope>,
    pub(crate) filter: Filter,
    pub(crate) order: Order,
    /// Entries wanted.
    pub(crate) size: usize,
    /// Whether the number of all matches is wanted.
    pub(crate) with_total: bool,
    /// Where it begins; `None`: at the beginning.
    pub(crate) position: Option<Position>,
}

/// A page that was found.
#[derive(Default)]
pub(crate) struct Found {
    /// Ids and bodies of the matches.
    pub(crate) entries: Vec<(String, Vec<u8>)>,
    /// Matches in all, when that was wanted.
    pub(crate) total: Option<u64>,
    /// Where the next page begins, when there is one.
    pub(crate) next: Option<Position>,
}

struct Match {
    key: i64,
    id: String,
    version: i64,
    sorted_by: Vec<SortValue>,
}

impl Page {
    /// Finds it.
    pub(crate) fn run(&self, connection: &Connection) -> Result<Found, Error> {
        let newest = match &self.position {
            Some(position) => position.newest,
            None => record::newest_key(connection, &self.scope)?,
        };
        let total = match &self.position {
            Some(position) => position.total,
            None if self.with_total => Some(self.count(connection, newest)?),
            None => None,
        };
        let mut found = Found { total, ..Found::default() };
        if self.size == 0 {
            return Ok(found);
        }
        let mut bytes = 0;
        let mut last: Option<Match> = None;
        for one in self.matches(connection, newest)? {
            if let Some(last) = last.filter(|_| found.entries.len() == self.size || bytes > LARGEST) {
                found.next = Some(Position { newest, total, last: last.sorted_by, last_key: last.key });
                break;
            }
            if let Some(body) = record::body(connection, one.version)? {
                bytes += body.len();
                found.entries.push((one.id.clone(), body));
            }
            last = Some(one);
        }
        Ok(found)
    }

    fn count(&self, connection: &Connection, newest: i64) -> Result<u64, Error> {
        if let Some(count) = self.filter.count_by_index(connection)? {
            return Ok(count);
        }
        let mut values = Values::new(connection);
        let range = self.filter.sql(connection, (self.scope.first(), newest), &mut values)?;
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

    /// One match more than the page holds, if there is one.
    fn matches(&self, connection: &Connection, newest: i64) -> Result<Vec<Match>, Error> {
        let mut values = Values::new(connection);
        let sql = self.sql(connection, newest, &mut values)?;
        if self.filter.is_complete() {
            return Ok(connection.all(&sql, &values, |row| self.read(row))?);
        }
        let mut matches = Vec::new();
        connection.each(&sql, &values, |row| {
            let one = self.read(row)?;
            if self.filter.admits(connection, one.version, &self.scope)? {
                matches.push(one);
            }
            Ok::<_, Error>(if matches.len() <= self.size { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(matches)
    }

    fn read(&self, row: &Row<'_>) -> sql::Result<Match> {
        let sorted_by = (0..self.order.len()).map(|index| Ok(SortValue::of(row.cell(index + 3)?)));
        Ok(Match {
            key: row.get(0)?,
            version: row.get(1)?,
            id: row.get(2)?,
            sorted_by: sorted_by.collect::<sql::Result<_>>()?,
        })
    }

    fn sql(&self, connection: &Connection, newest: i64, values: &mut Values) -> Result<String, Error> {
        let is_sorted = self.order.len() > 0;
        let first = match &self.position {
            Some(position) if !is_sorted => position.last_key.saturating_add(1),
            _ => self.scope.first(),
        };
        let with = self.order.with(values);
        let columns = self.order.columns(values);
        let joins = self.order.joins();
        let range = self.filter.sql(connection, (first, newest), values)?;
        let inner = format!(
            "SELECT r.key AS key, r.current AS current, r.id AS id{columns} FROM resource AS r{joins} WHERE {range}"
        );
        let order = self.order.sql();
        // What is decided in memory ends the reading by itself.
        let limit = if self.filter.is_complete() { self.size as i64 + 1 } else { i64::MAX };
        let behind = match &self.position {
            Some(position) if is_sorted => {
                format!(" WHERE {}", self.order.behind(&position.last, position.last_key, values))
            }
            _ => String::new(),
        };
        values.push(limit);
        if is_sorted {
            Ok(format!("{with}SELECT * FROM ({inner}) AS matched{behind} ORDER BY {order} LIMIT ?"))
        } else {
            Ok(format!("{inner} ORDER BY r.key LIMIT ?"))
        }
    }
}
