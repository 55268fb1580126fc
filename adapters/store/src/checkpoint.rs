//! Moves the write-ahead log into the database, off the committing connection.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;

use crate::schema;

/// Commits between two looks at the log.
const COMMITS: u32 = 64;

/// A log of that many bytes is moved without disturbing anybody.
const WORTH: u64 = 4 << 20;

/// A log of that many bytes makes writers wait for it: readers or a steady stream of writes kept it from starting over.
const TOO_LONG: u64 = 64 << 20;

/// Wakes the checkpointing thread, which ends when this is dropped.
pub(crate) struct Checkpoints {
    wake: SyncSender<()>,
    commits: std::cell::Cell<u32>,
}

impl Checkpoints {
    /// Starts the thread.
    pub(crate) fn start(path: &Path) -> Result<Self, schema::OpenError> {
        let connection = schema::open_writer(path)?;
        let log = log_of(path);
        let (wake, woken) = sync_channel(1);
        std::thread::Builder::new().name("store-checkpoint".into()).spawn(move || run(&connection, &log, &woken))?;
        Ok(Self { wake, commits: std::cell::Cell::new(0) })
    }

    /// Counts a commit; now and then wakes the thread.
    pub(crate) fn committed(&self) {
        self.commits.set(self.commits.get() + 1);
        if self.commits.get() >= COMMITS {
            self.commits.set(0);
            // A full channel means that it is awake already.
            let _ = self.wake.try_send(());
        }
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn run(connection: &Connection, log: &Path, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let length = std::fs::metadata(log).map_or(0, |metadata| metadata.len());
        let sql = match length {
            TOO_LONG.. => "PRAGMA wal_checkpoint(TRUNCATE)",
            WORTH.. => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => continue,
        };
        if let Err(error) = connection.query_row(sql, [], |_| Ok(())) {
            tracing::warn!(cause = ?crate::failure::from_sqlite(&error).cause, "a checkpoint failed");
        }
    }
}
