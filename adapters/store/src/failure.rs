//! What the database's errors mean to the gateway.

use adapter::{Error, ErrorKind};
use rusqlite::ffi::{self, ErrorCode};
use tokio_postgres::error::SqlState;

use crate::sql;

/// What only the log may read: the database's own code and name. Never its message, which may quote a value.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// SQLite's extended code.
    #[error("sqlite: {} (extended code {_0})", ffi::code_to_str(*_0))]
    Sqlite(i32),
    /// PostgreSQL's SQLSTATE.
    #[error("postgresql: SQLSTATE {}", .0.code())]
    Postgres(SqlState),
    /// What the driver says of a connection.
    #[error("postgresql: {0}")]
    Connection(String),
}

/// The failure that a client meets when the database refuses.
pub(crate) fn failure(error: &sql::Error) -> Error {
    match error {
        sql::Error::Sqlite(error) => from_sqlite(error),
        sql::Error::Postgres(error) => from_postgres(error),
        sql::Error::Lost(error) => lost(error.as_ref()),
        sql::Error::Unknown => Error::new(
            ErrorKind::Broken,
            "the connection to the database broke while the write was committed; it may or may not have been written",
        ),
        sql::Error::Failed => Error::new(ErrorKind::Internal, "the store failed; nothing was written"),
        sql::Error::Late => Error::new(ErrorKind::Timeout, "the store did not finish within the deadline"),
        sql::Error::Column => unreadable("a column has another type"),
        sql::Error::NoRow => unreadable("a row is missing"),
    }
}

impl From<sql::Error> for Error {
    fn from(error: sql::Error) -> Self {
        failure(&error)
    }
}

fn unreadable(why: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "the store holds a row that it cannot read").because(why)
}

fn from_sqlite(error: &rusqlite::Error) -> Error {
    let Some(code) = error.sqlite_error() else { return unreadable("a statement and its values do not fit") };
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
    Error::new(kind, text).because(Cause::Sqlite(code.extended_code))
}

fn from_postgres(error: &tokio_postgres::Error) -> Error {
    let Some(state) = error.code() else { return unreadable("a statement and its values do not fit") };
    let (kind, text) = match state.code() {
        "53100" => (ErrorKind::Storage, "the store is full; nothing was written"),
        "57014" => (ErrorKind::Timeout, "the store did not finish within the deadline"),
        "55P03" | "40P01" | "40001" => (ErrorKind::Unavailable, "the store is locked"),
        "54000" => (ErrorKind::TooCostly, "the resource is larger than the store can hold"),
        "42501" | "58030" | "XX001" | "XX002" => (ErrorKind::Storage, "the store cannot be read or written"),
        code if code.starts_with("28") || code.starts_with("3D") => {
            (ErrorKind::Credentials, "the database refuses the store")
        }
        code if code.starts_with("53") => (ErrorKind::Unavailable, "the database has no resources left"),
        _ => (ErrorKind::Internal, "the store failed"),
    };
    Error::new(kind, text).because(Cause::Postgres(state.clone()))
}

/// Nothing was committed: the interaction may be tried again.
fn lost(error: Option<&tokio_postgres::Error>) -> Error {
    let lost = Error::new(ErrorKind::Unreachable, "the database cannot be reached; nothing was written");
    match error {
        Some(error) => match error.code() {
            Some(state) => lost.because(Cause::Postgres(state.clone())),
            // Its text names the step that failed and the operating system's reason, never a value.
            None => lost.because(Cause::Connection(error.to_string())),
        },
        None => lost,
    }
}

/// What a failure says about the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Nothing.
    Well,
    /// There is no room.
    Full,
    /// Nothing more can be trusted to reach it: the writer must stop.
    Broken,
}

impl Disk {
    /// SQLite's error that says so, where its own is gone.
    pub(crate) fn as_error(self) -> sql::Error {
        let code = match self {
            Self::Well => ffi::SQLITE_ABORT,
            Self::Full => ffi::SQLITE_FULL,
            Self::Broken => ffi::SQLITE_IOERR,
        };
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }
}

/// What a failed statement says about the disk.
pub(crate) fn disk(error: &sql::Error) -> Disk {
    match error {
        sql::Error::Sqlite(error) => error.sqlite_error().map_or(Disk::Well, |error| disk_of(error.extended_code)),
        // A server whose disk is broken stops by itself.
        sql::Error::Postgres(error) if error.code() == Some(&SqlState::DISK_FULL) => Disk::Full,
        _ => Disk::Well,
    }
}

/// What a failed write says about the disk.
pub(crate) fn disk_behind(error: &Error) -> Disk {
    let cause = error.cause.as_ref().and_then(|cause| cause.downcast_ref::<Cause>());
    match cause {
        Some(Cause::Sqlite(extended)) => disk_of(*extended),
        Some(Cause::Postgres(state)) if *state == SqlState::DISK_FULL => Disk::Full,
        _ => Disk::Well,
    }
}

fn disk_of(extended_code: i32) -> Disk {
    match ffi::Error::new(extended_code).code {
        ErrorCode::DiskFull => Disk::Full,
        ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Disk::Broken,
        _ => Disk::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_broken_one_are_storage_failures_and_only_the_latter_stops_the_writer() {
        let of =
            |code| sql::Error::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("Everywoman".into())));
        let full = of(ffi::SQLITE_FULL);
        let broken = of(ffi::SQLITE_IOERR_FSYNC);
        assert_eq!(failure(&full).kind, ErrorKind::Storage);
        assert_eq!(failure(&broken).kind, ErrorKind::Storage);
        assert_eq!((disk(&full), disk(&broken)), (Disk::Full, Disk::Broken));
        assert_eq!(disk_behind(&failure(&broken)), Disk::Broken);
        assert!(!format!("{:?}", failure(&full)).contains("Everywoman"), "SQLite's message stays out of logs");
    }
}
