//! What the database's errors mean to the gateway.

use adapter::{Error, ErrorKind};
use rusqlite::ffi::{self, ErrorCode};

use crate::sql;

/// What only the log may read: SQLite's own code and name. Never its message, which may quote a value.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("sqlite: {} (extended code {extended})", ffi::code_to_str(*.extended))]
pub(crate) struct Cause {
    extended: i32,
}

/// The failure that a client meets when the database refuses.
pub(crate) fn failure(error: &sql::Error) -> Error {
    match error {
        sql::Error::Sqlite(error) => from_sqlite(error),
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
    Error::new(kind, text).because(Cause { extended: code.extended_code })
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
    /// An error that says so, where SQLite's own is gone.
    pub(crate) fn as_error(self) -> sql::Error {
        let code = match self {
            Self::Well => ffi::SQLITE_ABORT,
            Self::Full => ffi::SQLITE_FULL,
            Self::Broken => ffi::SQLITE_IOERR,
        };
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }
}

/// What SQLite's own failure says about the disk.
pub(crate) fn disk(error: &sql::Error) -> Disk {
    let sql::Error::Sqlite(error) = error else { return Disk::Well };
    error.sqlite_error().map_or(Disk::Well, |error| disk_of(error.extended_code))
}

/// What a failed write says about the disk.
pub(crate) fn disk_behind(error: &Error) -> Disk {
    let cause = error.cause.as_ref().and_then(|cause| cause.downcast_ref::<Cause>());
    cause.map_or(Disk::Well, |cause| disk_of(cause.extended))
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
