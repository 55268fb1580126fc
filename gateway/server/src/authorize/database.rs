//! The SQLite files of this stage: opened alike, owned by us alone, durable at each commit.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

/// Why a file of this stage cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be made or opened.
    #[error("cannot open `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite says no.
    #[error("cannot use `{}`: {source}", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// It was written by a later release.
    #[error("`{}` has schema {found}, expected at most {known}: it was written by a later release", path.display())]
    Later {
        /// Which.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest that we know.
        known: i64,
    },
}

/// Opens a file, makes it (mode 0600) and its schema when it is not there.
///
/// # Errors
/// When it cannot be used, or is of a later release.
pub(crate) fn open(path: &Path, schema: &str, version: i64) -> Result<Connection, DatabaseError> {
    let file = |source| DatabaseError::File { path: path.into(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(file)?;
    connect(path, schema, version)
        .map_err(|source| DatabaseError::Sqlite { path: path.into(), source })?
        .map_err(|found| DatabaseError::Later { path: path.into(), found, known: version })
}

fn connect(path: &Path, schema: &str, version: i64) -> rusqlite::Result<Result<Connection, i64>> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > version {
        return Ok(Err(found));
    }
    if found == 0 {
        transaction.execute_batch(schema)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(Ok(connection))
}
