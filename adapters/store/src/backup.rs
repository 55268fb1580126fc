//! A copy of a database in use.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::schema::{OpenError, open_reader, open_writer};

/// Pages copied in one step; the database is not locked between steps.
const PAGES: i32 = 1_000;

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is overwritten.
    #[error("the destination exists already; expected a path where nothing is")]
    Exists,
    /// The copy is not a sound database.
    #[error("the copy is not sound: {0}")]
    Unsound(String),
    /// The copy cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite or the file system refused.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Copies the store at `path`, in use or not, to `destination`, as it stands at one moment. The copy is checked; it can be opened
/// as a store, and holds everything that was acknowledged before the call.
///
/// # Errors
/// When something is at the destination, the store cannot be read, or the copy cannot be written or is not sound.
pub fn backup(path: &Path, destination: &Path) -> Result<(), BackupError> {
    if destination.exists() {
        return Err(BackupError::Exists);
    }
    let source = open_reader(path)?;
    // Inside one read transaction the copy is not started over when somebody writes.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM fact", [], |_| Ok(()))?;
    let mut copy = Connection::open(destination)?;
    Backup::new(&source, &mut copy)?.run_to_completion(PAGES, Duration::ZERO, None)?;
    drop(copy);
    check(destination)
}

fn check(destination: &Path) -> Result<(), BackupError> {
    let copy = open_writer(destination)?;
    let verdict: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(BackupError::Unsound(verdict));
    }
    // The copy is one file, without a log beside it.
    copy.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
