//! Moves a store to another database: everything as it is, keys included, in one transaction, and verified before it is committed.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;

use fhir::Version;
use sha2::{Digest as _, Sha256};

use crate::place::Place;
use crate::reindex;
use crate::schema::{self, OpenError};
use crate::scopes::Scopes;
use crate::settings::DatabaseUrl;
use crate::sql::{self, Connection, Row, Source, Value, values};

/// Bytes of rows that are held at once.
const PART: usize = 4 << 20;

/// Most rows that are held at once.
const ROWS: usize = 1_000;

/// Tables that are copied, with their columns. Index rows are made anew; facts are copied one by one.
const TABLES: [(&str, &str); 4] = [
    ("scope", "key, practice, type"),
    ("parameter", "key, scope, code"),
    ("resource", "key, scope, id, current, number, updated, deleted"),
    ("version", "key, resource, number, updated, method, body"),
];

/// Where a store lies, from outside of a gateway.
#[derive(Debug)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Database {
        /// Where it is.
        url: DatabaseUrl,
        /// The file or variable that holds the password.
        password: Option<adapter::setting::Secret>,
        /// PEM file of the authorities that are trusted.
        ca: Option<PathBuf>,
    },
}

/// What was moved of one type in one practice, and found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The practice.
    pub practice: String,
    /// The resource type.
    pub resource_type: String,
    /// Its resources, deleted ones included.
    pub resources: u64,
    /// Their versions.
    pub versions: u64,
    /// SHA-256 over all of them, in order: ids, numbers, times, methods and bodies.
    pub digest: [u8; 32],
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { practice, resource_type, resources, versions, digest } = self;
        write!(f, "{practice} {resource_type}: {resources} resources, {versions} versions, sha256 ")?;
        digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a store was not moved. The target is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is nothing to move.
    #[error("there is no store at the source")]
    NoSource,
    /// The target has something in it.
    #[error("the target holds a store with resources; expected an empty one, or nothing")]
    NotEmpty,
    /// A release that this program does not know.
    #[error("the source does not say which FHIR release it holds")]
    Release,
    /// The copy is not the original.
    #[error("the copy of {0} is not the same as the original; nothing was moved")]
    Different(String),
    /// One of them cannot be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// One of them failed.
    #[error("{0}")]
    Database(#[from] sql::Error),
}

/// Copies the store at `from` to `to`, which must be empty, or not be there: every resource and version byte for byte under the same
/// keys; index rows are made anew. What was copied is read again from both and compared, then all of it is committed at once: a
/// move that is interrupted leaves the target empty, and is started anew. Nobody should write to `from` meanwhile: what is written
/// after the start is not moved.
///
/// # Errors
/// When one of them cannot be opened, the target is not empty, or the copy differs.
pub fn migrate(from: &Location, to: &Location) -> Result<Vec<Moved>, MoveError> {
    // A server's connections are not for threads that run async tasks, as this one may.
    std::thread::scope(|threads| threads.spawn(|| run(from, to)).join())
        .unwrap_or_else(|_| Err(OpenError::Index("moving the store failed".into()).into()))
}

fn run(from: &Location, to: &Location) -> Result<Vec<Moved>, MoveError> {
    let from = from.open_source()?;
    from.begin_reading()?;
    let to = to.open_target()?;
    to.begin_writing()?;
    let moved = copy(&from, &to).and_then(|moved| {
        to.commit()?;
        Ok(moved)
    });
    if moved.is_err() {
        to.roll_back();
    }
    from.roll_back();
    moved
}

impl Location {
    fn open_source(&self) -> Result<Connection, MoveError> {
        let connection = match self {
            Self::File(path) if !path.exists() => return Err(MoveError::NoSource),
            _ => self.place()?.writer()?,
        };
        if matches!(connection, Connection::Postgres(_)) {
            if !schema::exists(&connection)? {
                return Err(MoveError::NoSource);
            }
            schema::migrate(&connection)?;
        }
        Ok(connection)
    }

    fn open_target(&self) -> Result<Connection, MoveError> {
        let connection = self.place()?.writer()?;
        if matches!(connection, Connection::Postgres(_)) {
            schema::migrate(&connection)?;
        }
        Ok(connection)
    }

    fn place(&self) -> Result<Place, OpenError> {
        Ok(match self {
            Self::File(path) => Place::File { path: path.clone(), max_size: None },
            Self::Database { url, password, ca } => {
                Place::Server(Source::new(url.as_str(), password.as_ref(), ca.as_deref())?.into())
            }
        })
    }
}

fn copy(from: &Connection, to: &Connection) -> Result<Vec<Moved>, MoveError> {
    if to.number("SELECT (SELECT count(*) FROM resource) + (SELECT count(*) FROM version)", &[])? > 0 {
        return Err(MoveError::NotEmpty);
    }
    let release = reindex::fact(from, "release")?.and_then(|release| release.parse::<Version>().ok());
    let release = release.ok_or(MoveError::Release)?;
    // What an empty store has learnt by being opened.
    to.batch("DELETE FROM parameter; DELETE FROM scope; DELETE FROM fact WHERE name IN ('release', 'index')")?;
    for (table, columns) in TABLES {
        copy_table(from, to, table, columns)?;
        to.number_on(table)?;
    }
    reindex::set_fact(to, "release", &release.to_string())?;
    let scopes = Scopes::default();
    reindex::make(to, release, &scopes)?;
    to.take_stock()?;
    compare(from, to)
}

fn copy_table(from: &Connection, to: &Connection, table: &str, columns: &str) -> Result<(), MoveError> {
    let marks: Vec<&str> = columns.split(',').map(|_| "?").collect();
    let insert = format!("INSERT INTO {table} ({columns}) VALUES ({})", marks.join(", "));
    let (mut rows, mut size) = (Vec::new(), 0);
    from.each(&format!("SELECT {columns} FROM {table} ORDER BY key"), &[], |row| {
        let row: Vec<Value<'static>> = owned(row, marks.len())?;
        size += row.iter().map(Value::size).sum::<usize>();
        rows.push(row);
        if rows.len() >= ROWS || size >= PART {
            to.execute_each(&insert, rows.drain(..))?;
            size = 0;
        }
        Ok::<_, sql::Error>(ControlFlow::Continue(()))
    })?;
    to.execute_each(&insert, rows.into_iter())?;
    Ok(())
}

fn owned(row: &Row<'_>, width: usize) -> sql::Result<Vec<Value<'static>>> {
    (0..width).map(|index| Ok(row.cell(index)?.to_value())).collect()
}

fn compare(from: &Connection, to: &Connection) -> Result<Vec<Moved>, MoveError> {
    let (original, moved) = (all(from)?, all(to)?);
    match original.iter().zip(&moved).find(|(original, copy)| original != copy) {
        Some((original, _)) => Err(MoveError::Different(format!("{} {}", original.practice, original.resource_type))),
        None if original.len() != moved.len() => Err(MoveError::Different("the types".to_owned())),
        None => Ok(moved),
    }
}

fn all(connection: &Connection) -> sql::Result<Vec<Moved>> {
    let scopes = connection.all("SELECT key, practice, type FROM scope ORDER BY practice, type", &[], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
    })?;
    scopes.into_iter().map(|(key, practice, kind)| one(connection, key, practice, kind)).collect()
}

fn one(connection: &Connection, scope: i64, practice: String, resource_type: String) -> sql::Result<Moved> {
    let mut digest = Sha256::new();
    let resources = add(
        connection,
        "SELECT key, id, current, number, updated, deleted FROM resource WHERE scope = ?1 ORDER BY key",
        scope,
        6,
        &mut digest,
    )?;
    let versions = add(
        connection,
        "SELECT v.key, v.resource, v.number, v.updated, v.method, v.body \
         FROM resource AS r JOIN version AS v ON v.resource = r.key WHERE r.scope = ?1 ORDER BY v.resource, v.number",
        scope,
        6,
        &mut digest,
    )?;
    Ok(Moved { practice, resource_type, resources, versions, digest: digest.finalize().into() })
}

/// Adds all rows to a digest: each cell with its kind and its length; how many rows there are.
fn add(connection: &Connection, sql: &str, scope: i64, width: usize, digest: &mut Sha256) -> sql::Result<u64> {
    let mut count = 0;
    connection.each(sql, &values![scope], |row| {
        count += 1;
        for index in 0..width {
            row.cell(index)?.write(&mut |bytes| digest.update(bytes));
        }
        Ok::<_, sql::Error>(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_schema_is_copied_or_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File { path: folder.path().join("store.sqlite"), max_size: None };
        let connection = place.writer().unwrap();
        let names = connection.all(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            &[],
            |row| row.get::<String>(0),
        );
        let made = ["token", "text", "date", "link", "amount", "fact"];
        for name in names.unwrap() {
            let is_copied = TABLES.iter().any(|(table, _)| *table == name);
            assert!(is_copied || made.contains(&name.as_str()), "`{name}` is missing in TABLES");
        }
    }
}
