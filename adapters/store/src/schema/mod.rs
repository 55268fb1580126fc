//! Opening a database.

mod postgres;
mod sqlite;

pub(crate) use postgres::{exists, migrate};
pub(crate) use sqlite::{limit, open_reader, open_writer};

use crate::sql::{self, SourceError};

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is newer than this program.
    #[error(
        "the database has schema version {found}, this release knows versions up to {known}: start the release that \
         wrote it, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Its `user_version`.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It is something else.
    #[error(
        "the database is another program's; expected a Frontdesk store, or a file that does not exist, or an empty database"
    )]
    Foreign,
    /// It holds another FHIR release.
    #[error("the database holds FHIR {found}, the settings say {expected}")]
    Release {
        /// What it holds.
        found: String,
        /// What the settings say.
        expected: String,
    },
    /// The database or the file system refused.
    #[error("{0}")]
    Database(#[from] sql::Error),
    /// Where the database is said to be, there can be none.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Two settings do not go together.
    #[error("{0}")]
    Settings(&'static str),
    /// A stored resource could not be read while the index was made anew.
    #[error("the index cannot be made anew: {0}")]
    Index(String),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}
