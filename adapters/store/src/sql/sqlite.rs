//! The seam on SQLite: prepared statements, values bound without a copy, statements that end at a deadline.

use std::cell::Cell as Slot;
use std::ops::ControlFlow;
use std::time::Instant;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::{Cell, Error, Result, Row, Value};

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

/// A cell of a row.
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Cell<'r>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Integer(value),
        ValueRef::Text(value) => Cell::Text(std::str::from_utf8(value).map_err(|_| Error::Column)?),
        ValueRef::Blob(value) => Cell::Blob(value),
        ValueRef::Real(_) => return Err(Error::Column),
    })
}

/// Runs a statement without values.
pub(super) fn step(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<u64> {
    Ok(connection.prepare_cached(sql)?.execute(params_from_iter(values))? as u64)
}

pub(super) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
    connection: &Connection,
    sql: &str,
    rows: impl Iterator<Item = R>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.as_ref()))?;
    }
    Ok(())
}

pub(super) fn insert(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<i64> {
    execute(connection, sql, values)?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
}

pub(super) fn each<E: From<Error>>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut visit: impl FnMut(&Row<'_>) -> std::result::Result<ControlFlow<()>, E>,
) -> std::result::Result<(), E> {
    let mut statement = connection.prepare_cached(sql).map_err(Error::from)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        if visit(&Row::Sqlite(row))?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Virtual machine steps between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 2_000;

thread_local! {
    /// When the statement that runs on this thread must end. A thread runs one at a time.
    static DEADLINE: Slot<Option<Instant>> = const { Slot::new(None) };
}

/// Makes statements of a connection heed [`until`].
pub(crate) fn heed_deadlines(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(|| DEADLINE.get().is_some_and(|deadline| Instant::now() >= deadline)))
}

/// Runs `work`; what it still executes at the deadline is interrupted.
pub(super) fn until<T>(deadline: Instant, work: impl FnOnce() -> T) -> T {
    let _reset = Reset(DEADLINE.replace(Some(deadline)));
    work()
}

/// Puts the deadline before it back, after a panic too.
struct Reset(Option<Instant>);

impl Drop for Reset {
    fn drop(&mut self) {
        DEADLINE.set(self.0);
    }
}
