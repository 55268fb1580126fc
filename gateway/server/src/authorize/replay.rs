//! Which `jti` was seen: an assertion is good once, also across restarts (RFC 7523 3, SMART Backend Services).

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::database::{self, DatabaseError};

const SCHEMA: &str = "CREATE TABLE seen (key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX seen_expires ON seen (expires);";

/// What is remembered at most. Entries live for minutes and only verified assertions make them.
const MOST: i64 = 1_000_000;

/// The `jti` of every assertion that was accepted and has not expired, on disk.
pub struct Replay {
    connection: Mutex<Connection>,
}

/// Why an assertion is not good.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It was used before.
    #[error("an assertion with this `jti` was used before")]
    Seen,
    /// Too many are alive.
    #[error("too many assertions are alive")]
    Full,
    /// It could not be written down, so it cannot be accepted.
    #[error("the assertion cannot be recorded")]
    Storage(#[from] rusqlite::Error),
}

impl Replay {
    /// Opens `replay.sqlite` in a folder.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(folder: &Path) -> Result<Self, DatabaseError> {
        let connection = database::open(&folder.join("replay.sqlite"), SCHEMA, 1)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Writes down that an issuer's `jti` was used; durable when it returns. Blocks for an fsync.
    ///
    /// # Errors
    /// When it was used before, or cannot be written down.
    pub fn record(&self, scope: &[&str], expires: SystemTime, now: SystemTime) -> Result<(), ReplayError> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.prepare_cached("DELETE FROM seen WHERE expires < ?")?.execute([seconds(now)])?;
        let count: i64 = transaction.prepare_cached("SELECT count(*) FROM seen")?.query_row([], |row| row.get(0))?;
        if count >= MOST {
            return Err(ReplayError::Full);
        }
        let new = transaction
            .prepare_cached("INSERT OR IGNORE INTO seen (key, expires) VALUES (?, ?)")?
            .execute(params![key(scope), seconds(expires) + 1])?;
        if new == 0 {
            return Err(ReplayError::Seen);
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Each part with its length, so that no two lists give one key.
fn key(scope: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in scope {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_jti_is_good_once_per_issuer_also_after_a_restart_and_until_it_expires() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let expires = now + Duration::from_secs(300);
        let replay = Replay::open(folder.path()).expect("opens");
        replay.record(&["default", "a", "1"], expires, now).expect("new");
        replay.record(&["default", "b", "1"], expires, now).expect("another issuer");
        replay.record(&["default", "a1", ""], expires, now).expect("another split of the same letters");
        assert!(matches!(replay.record(&["default", "a", "1"], expires, now), Err(ReplayError::Seen)));
        drop(replay);
        let replay = Replay::open(folder.path()).expect("opens again");
        assert!(matches!(replay.record(&["default", "a", "1"], expires, expires), Err(ReplayError::Seen)));
        replay.record(&["default", "a", "1"], expires, expires + Duration::from_secs(2)).expect("long expired");
    }

    #[test]
    fn a_file_of_a_later_release_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("replay.sqlite");
        Connection::open(&path).expect("opens").pragma_update(None, "user_version", 9).expect("set");
        assert!(matches!(Replay::open(folder.path()), Err(DatabaseError::Later { found: 9, known: 1, .. })));
    }
}
