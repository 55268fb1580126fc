//! Opening a SQLite file: what it is, which schema it has, and how it comes to today's.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;
use crate::sql;

/// `PRAGMA application_id`: "FRDS". Tells our database from any other SQLite file.
const APPLICATION: i32 = 0x4652_4453;

/// Migrations in order: the schema of version N is what the first N make. Never edited, only appended to.
const MIGRATIONS: &[&str] = &[include_str!("sqlite/1.sql"), include_str!("sqlite/2.sql")];

/// How long a connection waits for a lock of another one.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept prepared per connection.
const STATEMENTS: usize = 128;

/// Opens the one connection that writes, creating and migrating the database as needed.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    identify(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit is on the disk before it is answered.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints run on a connection of their own.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    // What a savepoint may have to undo is kept in memory, not in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    sql::heed_deadlines(&mut connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    sql::heed_deadlines(&mut connection)?;
    Ok(connection)
}

/// A plan does not depend on the values that are bound: otherwise SQLite prepares a statement anew for each new value that
/// its planner looked at, which costs a read by key more than the read.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Sets the largest size of the database, in bytes.
pub(crate) fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0)).map(u64::from)?;
    // Below what the database has already SQLite keeps what it has.
    let pages = i64::try_from(bytes / page.max(1)).unwrap_or(i64::MAX);
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}

fn identify(connection: &Connection) -> Result<(), OpenError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || found != 0 || tables != 0) {
        return Err(OpenError::Foreign);
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been faster.
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
    }
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_database_has_todays_schema_and_opens_again() {
        let folder = folder();
        let path = folder.path().join("store.sqlite");
        for _ in 0..2 {
            let connection = open_writer(&path).unwrap();
            let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(version, MIGRATIONS.len() as i64);
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    fn a_database_of_a_later_release_is_refused_and_left_as_it_is() {
        let folder = folder();
        let path = folder.path().join("store.sqlite");
        open_writer(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = open_writer(&path).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("schema version 99"));
        let version: i64 =
            Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn a_database_of_another_program_or_no_database_at_all_is_refused() {
        let folder = folder();
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
        assert!(matches!(open_writer(&other), Err(OpenError::Foreign)));
        let text = folder.path().join("text");
        std::fs::write(&text, "x".repeat(5000)).unwrap();
        assert!(matches!(open_writer(&text), Err(OpenError::Database(_))));
    }
}
