//! The seam to the database: everything else in this crate writes SQL and values, and names no driver's type. README.md says how a
//! query is written.

mod dialect;
mod error;
mod postgres;
mod sqlite;
mod value;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use dialect::Dialect;
pub use error::Error;
pub(crate) use error::Result;
pub use postgres::SourceError;
pub(crate) use postgres::{Source, check_url};
pub(crate) use sqlite::heed_deadlines;
pub(crate) use value::{Cell, Row, Value, Values};

/// The values of a statement: `&values![scope, id]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// A connection of one thread to the database. Statements are text with `?`, or with `?1`, `?2`, where a value stands twice; they
/// are prepared once and kept.
pub(crate) enum Connection {
    /// A file.
    Sqlite(rusqlite::Connection),
    /// A server.
    Postgres(Box<postgres::Connection>),
}

impl Connection {
    /// A connection to a server, made when it is first needed.
    pub(crate) fn to_server(source: &Arc<Source>) -> std::io::Result<Self> {
        Ok(Self::Postgres(Box::new(postgres::Connection::new(Arc::clone(source))?)))
    }

    /// What the other side speaks.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether others than this gateway may write to the database.
    pub(crate) const fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Self::Postgres(connection) => connection.execute(sql, values),
        }
    }

    /// Runs one statement for each of many rows of values. Inside a transaction a server may be told later, with others; it is told
    /// before anything is asked, and before a job ends.
    pub(crate) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::execute_each(connection, sql, rows),
            Self::Postgres(connection) => connection.execute_each(sql, rows),
        }
    }

    /// Inserts a row into a table that numbers its rows in a column `key`; the key it got.
    pub(crate) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        match self {
            Self::Sqlite(connection) => sqlite::insert(connection, sql, values),
            Self::Postgres(connection) => connection.insert(sql, values),
        }
    }

    /// The number behind the one number of the one row, and at the next call the one behind that, until the transaction ends: only for
    /// numbers that nobody else gives away meanwhile.
    pub(crate) fn next(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        match self {
            Self::Sqlite(_) => Ok(self.number(sql, values)? + 1),
            Self::Postgres(connection) => connection.next(sql, values),
        }
    }

    /// The first row, read by `read`; `None` when there is none.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self {
            Self::Sqlite(connection) => sqlite::one(connection, sql, values, read),
            Self::Postgres(connection) => connection.one(sql, values, read),
        }
    }

    /// The first row for each of a few rows of values.
    pub(crate) fn one_each<'v, T, R: AsRef<[Value<'v>]>>(
        &self,
        sql: &str,
        rows: &[R],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        match self {
            Self::Sqlite(connection) => {
                rows.iter().map(|row| sqlite::one(connection, sql, row.as_ref(), &mut read)).collect()
            }
            Self::Postgres(connection) => connection.one_each(sql, rows, read),
        }
    }

    /// The one number of the one row: a count, a highest key.
    pub(crate) fn number(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        self.one(sql, values, |row| row.get(0))?.ok_or(Error::NoRow)
    }

    /// All rows of a result that is known to be small: its SQL has a `LIMIT`, or the table is small.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Sqlite(connection) => {
                let mut all = Vec::new();
                sqlite::each(connection, sql, values, |row| {
                    all.push(read(row)?);
                    Ok::<_, Error>(ControlFlow::Continue(()))
                })?;
                Ok(all)
            }
            Self::Postgres(connection) => connection.all(sql, values, read),
        }
    }

    /// Shows the rows of a result of any size to `visit`, one after the other, until it breaks off. `visit` may run statements of
    /// its own on this connection. Only inside a transaction.
    pub(crate) fn each<E: From<Error>>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: impl FnMut(&Row<'_>) -> std::result::Result<ControlFlow<()>, E>,
    ) -> std::result::Result<(), E> {
        match self {
            Self::Sqlite(connection) => sqlite::each(connection, sql, values, visit),
            Self::Postgres(connection) => connection.each(sql, values, visit),
        }
    }

    /// Runs several statements without values, which are not kept prepared.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(connection) => connection.batch(sql),
        }
    }

    /// Lets the keys of a table go on behind the highest, when rows were inserted with theirs.
    pub(crate) fn number_on(&self, table: &str) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.batch(&dialect::postgres_number_on(table)),
        }
    }

    /// Lets a server count what many new rows hold, which it does by itself only a minute later: until then its plans are guesses.
    pub(crate) fn take_stock(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.batch(dialect::POSTGRES_TAKE_STOCK),
        }
    }

    /// Begins a transaction in which nobody else writes until it ends.
    pub(crate) fn begin_writing(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "BEGIN IMMEDIATE"),
            Self::Postgres(connection) => connection.begin_writing(),
        }
    }

    /// Begins a transaction that sees one state of the database.
    pub(crate) fn begin_reading(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "BEGIN"),
            Self::Postgres(connection) => connection.begin_reading(),
        }
    }

    /// Begins what [`Connection::undo_job`] takes back.
    pub(crate) fn begin_job(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "SAVEPOINT job"),
            Self::Postgres(connection) => {
                connection.begin_job();
                Ok(())
            }
        }
    }

    /// Takes back what was done since [`Connection::begin_job`].
    pub(crate) fn undo_job(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "ROLLBACK TO job"),
            Self::Postgres(connection) => {
                connection.undo_job();
                Ok(())
            }
        }
    }

    /// Does what was put off: what it comes to belongs to the job that runs.
    pub(crate) fn settle(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.settle(),
        }
    }

    /// Keeps what was done since [`Connection::begin_job`], when the transaction is committed.
    pub(crate) fn end_job(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "RELEASE job"),
            Self::Postgres(connection) => connection.end_job(),
        }
    }

    /// Commits: when this returns, what was written is on the disk.
    ///
    /// # Errors
    /// `Unknown` when the connection was lost meanwhile; after any other nothing was written.
    pub(crate) fn commit(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::step(connection, "COMMIT"),
            Self::Postgres(connection) => connection.commit(),
        }
    }

    /// Rolls back, or does nothing when there is no transaction any more.
    pub(crate) fn roll_back(&self) {
        match self {
            Self::Sqlite(connection) if connection.is_autocommit() => {}
            Self::Sqlite(connection) => drop(sqlite::step(connection, "ROLLBACK")),
            Self::Postgres(connection) => connection.roll_back(),
        }
    }

    /// Whether a transaction is open: a failed statement or a lost connection can have ended it.
    pub(crate) fn is_in_transaction(&self) -> bool {
        match self {
            Self::Sqlite(connection) => !connection.is_autocommit(),
            Self::Postgres(connection) => connection.is_in_transaction(),
        }
    }

    /// Runs `work`; what it still executes at the deadline is interrupted.
    ///
    /// # Errors
    /// `Timeout` when the deadline has passed; else those of `work`.
    pub(crate) fn until<T>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> std::result::Result<T, adapter::Error>,
    ) -> std::result::Result<T, adapter::Error> {
        if Instant::now() >= deadline {
            return Err(Error::Late.into());
        }
        match self {
            Self::Sqlite(_) => sqlite::until(deadline, work),
            Self::Postgres(connection) => connection.until(deadline, work),
        }
    }
}
