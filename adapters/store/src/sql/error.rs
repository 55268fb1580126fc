//! How a statement fails.

/// A failure of the database or of its driver. Its text is for whoever opens the database, never for a log or a client: it may
/// quote a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite's own.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A column holds another type than the program reads.
    #[error("a column has another type than expected")]
    Column,
    /// There is no row where one must be.
    #[error("a row is missing")]
    NoRow,
}

/// What statements return.
pub(crate) type Result<T> = std::result::Result<T, Error>;
