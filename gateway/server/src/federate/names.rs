//! Ids that a prefix would make longer than 64 characters: a table of what stands for them.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a short id: 96 bits, so that two ids never meet by chance.
const DIGITS: usize = 24;

/// The table of one practice, in `ids.db` of `gateway.data`.
pub struct Names {
    practice: Box<str>,
    connection: Mutex<Connection>,
}

/// The table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the table of long ids cannot be used")]
pub struct NamesError(#[from] rusqlite::Error);

impl Names {
    /// Opens the table, or makes it.
    ///
    /// # Errors
    /// The file is no database, or cannot be written.
    pub fn open(path: &Path, practice: &str) -> Result<Self, NamesError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS long_id (practice TEXT, short TEXT, own TEXT NOT NULL, PRIMARY KEY (practice, short))",
        )?;
        Ok(Self { practice: practice.into(), connection: Mutex::new(connection) })
    }

    /// What stands for an adapter's own id: always the same. A dot follows the prefix, where other ids have a hyphen.
    #[must_use]
    pub fn short(&self, prefix: &str, adapter: &str, own: &str) -> String {
        let mut digest = Sha256::new();
        for part in [&*self.practice, adapter, own] {
            digest.update(part);
            digest.update([0]);
        }
        let digits: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{prefix}.{}", digits.get(..DIGITS).unwrap_or_default())
    }

    /// Whether a short id is written down.
    #[must_use]
    pub fn knows(&self, short: &str) -> bool {
        self.long(short).is_some()
    }

    /// What a short id stands for.
    #[must_use]
    pub fn long(&self, short: &str) -> Option<String> {
        let connection = self.connection.lock();
        let mut query = connection.prepare_cached("SELECT own FROM long_id WHERE practice = ?1 AND short = ?2").ok()?;
        query.query_row(params![&*self.practice, short], |row| row.get(0)).optional().ok().flatten()
    }

    /// Writes several down, durably, in one transaction.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn keep(&self, long: &[(String, String)]) -> Result<(), NamesError> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        for (short, own) in long {
            transaction.execute(
                "INSERT INTO long_id (practice, short, own) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![&*self.practice, short, own],
            )?;
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_survives_and_is_its_practices_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.db");
        let north = Names::open(&path, "north").unwrap();
        let short = north.short("ehr", "ehr", "a long one");
        north.keep(&[(short.clone(), "a long one".into())]).unwrap();
        drop(north);
        let again = Names::open(&path, "north").unwrap();
        assert_eq!(again.long(&short).as_deref(), Some("a long one"));
        let south = Names::open(&path, "south").unwrap();
        assert_eq!(south.long(&short), None);
        assert_ne!(south.short("ehr", "ehr", "a long one"), short);
    }
}
