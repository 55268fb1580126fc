//! The schema in a PostgreSQL database: which version it has, and how it comes to today's.

use super::OpenError;
use crate::sql::{self, Connection, values};

/// Migrations in order: the schema of version N is what the first N make. Never edited, only appended to.
const MIGRATIONS: &[&str] = &[include_str!("1.sql"), include_str!("2.sql")];

/// The table of facts comes first: it says of which version the others are.
const FACTS: &str =
    "CREATE TABLE IF NOT EXISTS fact (name TEXT COLLATE \"C\" PRIMARY KEY, value TEXT COLLATE \"C\" NOT NULL)";

/// Tables of ours, by which a database without facts is known to be another program's.
const TABLES: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() \
                      AND tablename IN ('scope', 'parameter', 'resource', 'version', 'token', 'text', 'date', 'link')";

/// Brings the schema to today's version, creating it as needed. Takes the lock of all who write: of several gateways that start
/// at once, one migrates.
///
/// # Errors
/// When the database is a later release's or another program's, or refuses.
pub(crate) fn migrate(connection: &Connection) -> Result<(), OpenError> {
    connection.begin_writing()?;
    let migrated = migrate_inside(connection).and_then(|()| Ok(connection.commit()?));
    if migrated.is_err() {
        connection.roll_back();
    }
    migrated
}

fn migrate_inside(connection: &Connection) -> Result<(), OpenError> {
    let encoding: Option<String> =
        connection.one("SELECT current_setting('server_encoding')", &[], |row| row.get(0))?;
    if encoding.is_none_or(|encoding| encoding != "UTF8") {
        return Err(OpenError::Settings("the encoding of the database is another than UTF8: create one with that"));
    }
    connection.batch(FACTS)?;
    let found = version(connection)?;
    if found == 0 && connection.number(TABLES, &[])? > 0 {
        return Err(OpenError::Foreign);
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        connection.batch(migration)?;
    }
    let sql =
        "INSERT INTO fact (name, value) VALUES ('schema', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, &values![known.to_string()])?;
    Ok(())
}

/// Whether there is a store.
pub(crate) fn exists(connection: &Connection) -> sql::Result<bool> {
    let facts = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'fact'";
    Ok(connection.number(facts, &[])? > 0 && version(connection)? > 0)
}

/// 0 where there is none.
fn version(connection: &Connection) -> sql::Result<i64> {
    let version: Option<String> =
        connection.one("SELECT value FROM fact WHERE name = 'schema'", &[], |row| row.get(0))?;
    Ok(version.and_then(|version| version.parse().ok()).unwrap_or(0))
}
