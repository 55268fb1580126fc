//! Moves the write-ahead log into the database, off the committing connection.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::Connection;

use crate::schema;

/// Commits between two checkpoints.
const COMMITS: u32 = 128;

/// A log of that many pages starts over, for which writers wait a moment: a steady stream of writes keeps it from doing so by
/// itself. A log that starts over is overwritten, which costs the file system less than one that grows.
const LONG: i64 = 4_096;

/// How long writers may wait for readers of the old log, before it is left to grow until the next time.
const PATIENCE: Duration = Duration::from_millis(50);

/// Wakes the checkpointing thread, which ends when this is dropped.
pub(crate) struct Checkpoints {
    wake: SyncSender<()>,
    commits: std::cell::Cell<u32>,
}

impl Checkpoints {
    /// Starts the thread.
    pub(crate) fn start(path: &Path) -> Result<Self, schema::OpenError> {
        let connection = schema::open_writer(path)?;
        connection.busy_timeout(PATIENCE)?;
        let (wake, woken) = sync_channel(1);
        std::thread::Builder::new().name("store-checkpoint".into()).spawn(move || run(&connection, &woken))?;
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

fn run(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let moved = checkpoint(connection, "PASSIVE").and_then(|log| match log {
            LONG.. => checkpoint(connection, "RESTART"),
            _ => Ok(log),
        });
        if let Err(error) = moved {
            tracing::warn!(cause = ?crate::failure::failure(&error.into()).cause, "a checkpoint failed");
        }
    }
}

/// Moves what can be moved; the pages in the log.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(1))
}
