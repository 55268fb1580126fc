//! Keeps the index rows true to this release: when the way they are made has changed, they are made anew at the start.

use std::ops::ControlFlow;

use fhir::json::Document;
use fhir::{ResourceType, Version};

use crate::index::{self, REVISION};
use crate::schema::OpenError;
use crate::scopes::{Scope, Scopes};
use crate::sql::{self, Connection, values};
use crate::write::scanned;

/// Reads the scopes, and brings the database's index up to date.
pub(crate) fn load(connection: &Connection, version: Version, scopes: &Scopes) -> Result<(), OpenError> {
    connection.begin_writing()?;
    let loaded = load_inside(connection, version, scopes).and_then(|()| Ok(connection.commit()?));
    if loaded.is_err() {
        connection.roll_back();
    }
    loaded
}

/// Reads the scopes and makes the whole index, inside a transaction that is open.
pub(crate) fn make(connection: &Connection, version: Version, scopes: &Scopes) -> Result<(), OpenError> {
    scopes.load(connection, version).map_err(unreadable)?;
    rebuild(connection, version, scopes)?;
    Ok(set_fact(connection, "index", &fingerprint(version, scopes))?)
}

fn load_inside(connection: &Connection, version: Version, scopes: &Scopes) -> Result<(), OpenError> {
    check_release(connection, version)?;
    scopes.load(connection, version).map_err(unreadable)?;
    let wanted = fingerprint(version, scopes);
    if fact(connection, "index")?.is_some_and(|found| found != wanted) {
        tracing::info!("the index is made anew for this release");
        rebuild(connection, version, scopes)?;
    }
    Ok(set_fact(connection, "index", &wanted)?)
}

/// A database holds one FHIR release.
fn check_release(connection: &Connection, version: Version) -> Result<(), OpenError> {
    let expected = version.to_string();
    match fact(connection, "release")? {
        Some(found) if found != expected => Err(OpenError::Release { found, expected }),
        Some(_) => Ok(()),
        None => Ok(set_fact(connection, "release", &expected)?),
    }
}

fn unreadable(error: adapter::Error) -> OpenError {
    OpenError::Index(error.cause.map_or_else(|| error.kind.status().to_string(), |cause| cause.to_string()))
}

/// What index rows follow from: how they are made, and which parameters there are, for everybody and for each practice (FNV-1a over
/// all of it).
fn fingerprint(version: Version, scopes: &Scopes) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(&REVISION.to_be_bytes());
    for resource_type in ResourceType::all() {
        for parameter in search::parameters(version, resource_type) {
            add(resource_type.as_str().as_bytes());
            add(parameter.code.as_bytes());
            add(parameter.kind.code().as_bytes());
            add(parameter.expression.as_bytes());
        }
    }
    scopes.additions_as_text(version).for_each(|text| add(text.as_bytes()));
    format!("{hash:016x}")
}

fn rebuild(connection: &Connection, version: Version, scopes: &Scopes) -> Result<(), OpenError> {
    connection.batch("DELETE FROM token; DELETE FROM text; DELETE FROM date; DELETE FROM link; DELETE FROM amount;")?;
    for scope in scopes.all() {
        index_scope(connection, version, &scope)?;
    }
    Ok(())
}

fn index_scope(connection: &Connection, version: Version, scope: &Scope) -> Result<(), OpenError> {
    let sql = "SELECT r.key, v.body FROM resource AS r JOIN version AS v ON v.key = r.current \
               WHERE r.key BETWEEN ?1 AND ?2 AND r.deleted = 0";
    connection.each(sql, &values![scope.first(), scope.last()], |row| {
        let (key, body): (i64, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        let body = body.unwrap_or_default();
        // What does not scan is damaged: it stays, and is found by its id only.
        if let Ok(nodes) = scanned(&body) {
            index::insert(connection, key, &index::rows(Document::new(&body, &nodes), scope, version))?;
        }
        Ok::<_, OpenError>(ControlFlow::Continue(()))
    })
}

/// What the database says of itself.
pub(crate) fn fact(connection: &Connection, name: &str) -> sql::Result<Option<String>> {
    connection.one("SELECT value FROM fact WHERE name = ?1", &values![name], |row| row.get(0))
}

/// Writes that down.
pub(crate) fn set_fact(connection: &Connection, name: &str, value: &str) -> sql::Result<()> {
    let sql = "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, &values![name, value]).map(|_| ())
}
