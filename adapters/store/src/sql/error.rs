//! How a statement fails.

/// A failure of the database or of its driver. Its text is for whoever opens the database, never for a log or a client: it may
/// quote a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite's own.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL's own.
    #[error("{}", with_cause(.0))]
    Postgres(tokio_postgres::Error),
    /// The connection cannot be made, or was lost before anything was committed.
    #[error("the database cannot be reached{}", .0.as_ref().map(|error| format!(": {}", with_cause(error))).unwrap_or_default())]
    Lost(Option<tokio_postgres::Error>),
    /// The connection was lost while a transaction was being committed: nobody knows whether it is.
    #[error("the connection was lost during a commit")]
    Unknown,
    /// A statement failed, and whoever ran it went on as if it had not.
    #[error("a transaction went on after a failed statement")]
    Failed,
    /// The deadline has passed.
    #[error("the deadline has passed")]
    Late,
    /// A column holds another type than the program reads.
    #[error("a column has another type than expected")]
    Column,
    /// There is no row where one must be.
    #[error("a row is missing")]
    NoRow,
}

/// What statements return.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        match error.code() {
            // What the server says before it hangs up, and what it says instead of letting us in.
            Some(code) if code.code().starts_with("08") || code.code().starts_with("57P") => Self::Lost(Some(error)),
            Some(code) if *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Lost(Some(error)),
            Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => Self::Lost(Some(error)),
            // A standby that was the primary: the next connection finds the new one.
            Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::Lost(Some(error)),
            Some(_) => Self::Postgres(error),
            // A failure that no statement caused is the connection's.
            None if is_ours(&error) => Self::Postgres(error),
            None => Self::Lost(Some(error)),
        }
    }
}

/// Whether the driver refused a value or a row by itself.
fn is_ours(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing", "error deserializing", "invalid column", "query returned", "invalid configuration"]
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

/// The server's message, which the driver's own text leaves out.
fn with_cause(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}
