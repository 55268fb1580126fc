//! What SQLite's errors mean to the gateway.

use adapter::{Error, ErrorKind};
use rusqlite::ffi::{self, ErrorCode};

/// What only the log may read: SQLite's own code and name. Never its message, which may quote a value.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("sqlite: {} (extended code {extended})", ffi::code_to_str(*.extended))]
pub(crate) struct Cause {
    extended: i32,
}

/// The failure that a client meets when SQLite refuses.
pub(crate) fn from_sqlite(error: &rusqlite::Error) -> Error {
    let Some(code) = error.sqlite_error() else {
        return Error::new(ErrorKind::Internal, "the store holds a row that it cannot read").because(kind_of(error));
    };
    let (kind, text) = match code.code {
        ErrorCode::DiskFull => (ErrorKind::Storage, "the store is full; nothing was written"),
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied => (ErrorKind::Storage, "the store cannot be read or written"),
        ErrorCode::OperationInterrupted => (ErrorKind::Timeout, "the store did not finish within the deadline"),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (ErrorKind::Unavailable, "the store is locked"),
        ErrorCode::TooBig => (ErrorKind::TooCostly, "the resource is larger than the store can hold"),
        _ => (ErrorKind::Internal, "the store failed"),
    };
    Error::new(kind, text).because(Cause { extended: code.extended_code })
}

fn kind_of(error: &rusqlite::Error) -> &'static str {
    match error {
        rusqlite::Error::QueryReturnedNoRows => "a row is missing",
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => {
            "a column has another type"
        }
        rusqlite::Error::IntegralValueOutOfRange(..) => "an integer is out of range",
        _ => "a statement and its parameters do not fit",
    }
}

/// Whether nothing more can be trusted to reach the disk: after such a failure the writer stops.
pub(crate) fn is_fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether there is no room.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// SQLite's errors in functions that fail as an adapter does.
pub(crate) trait OrFail<T> {
    /// The value, or what a client meets.
    fn or_fail(self) -> Result<T, Error>;
}

impl<T> OrFail<T> for rusqlite::Result<T> {
    fn or_fail(self) -> Result<T, Error> {
        self.map_err(|error| from_sqlite(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_broken_one_are_storage_failures_and_only_the_latter_stops_the_writer() {
        let of = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("Everywoman".into()));
        let full = of(ffi::SQLITE_FULL);
        let broken = of(ffi::SQLITE_IOERR_FSYNC);
        assert_eq!(from_sqlite(&full).kind, ErrorKind::Storage);
        assert_eq!(from_sqlite(&broken).kind, ErrorKind::Storage);
        assert!(!is_fatal(&full) && is_fatal(&broken));
        assert!(!format!("{:?}", from_sqlite(&full)).contains("Everywoman"), "SQLite's message stays out of logs");
    }
}
