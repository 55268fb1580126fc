//! The rows of the table of jobs.

use std::sync::Arc;

use fhir::Id;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::job::{Asker, Closed, Job, JobId, Kind, Line, Part, Place, State, Wish};
use super::jobs::JobError;

pub(super) const VERSION: i64 = 1;

pub(super) const SCHEMA: &str = "
CREATE TABLE job (
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, practice TEXT NOT NULL, client TEXT NOT NULL,
    issuer TEXT NOT NULL, asker TEXT NOT NULL, wish TEXT NOT NULL, began INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, expires INTEGER, status INTEGER, outcome TEXT);
CREATE TABLE part (
    job INTEGER NOT NULL, number INTEGER NOT NULL, kind INTEGER NOT NULL, type TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,
    pass INTEGER NOT NULL DEFAULT 0, next TEXT, page INTEGER NOT NULL, file INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job, number)) WITHOUT ROWID;
CREATE TABLE patient (job INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (job, number)) WITHOUT ROWID;
CREATE TABLE seen (job INTEGER NOT NULL, part INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (job, part, id)) WITHOUT ROWID;
CREATE TABLE file (
    job INTEGER NOT NULL, name TEXT NOT NULL, part INTEGER NOT NULL, kind INTEGER NOT NULL, type TEXT NOT NULL,
    lines INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (job, name)) WITHOUT ROWID;
CREATE TABLE problem (job INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY (job, line)) WITHOUT ROWID;
";

/// Everything of a job beside its own row.
pub(super) const TABLES: [&str; 5] = ["part", "patient", "seen", "file", "problem"];

/// A job that is to be kept.
pub struct NewJob<'a> {
    /// Its name.
    pub id: &'a JobId,
    /// Who asks.
    pub asker: &'a Asker,
    /// For what.
    pub wish: &'a Wish,
    /// The patients that it lists.
    pub patients: &'a [Id],
    /// When, in milliseconds since 1970.
    pub began: i64,
    /// Its parts: what comes of each, and its type.
    pub parts: &'a [(Kind, fhir::ResourceType)],
    /// Resources that are asked for at a time.
    pub page: u32,
}

impl NewJob<'_> {
    pub(super) fn insert(&self, transaction: &Transaction<'_>) -> Result<(), JobError> {
        let (asker, wish) = (serde_json::to_string(self.asker)?, serde_json::to_string(self.wish)?);
        let Asker { practice, client, issuer, .. } = self.asker;
        let sql = "INSERT INTO job (id, practice, client, issuer, asker, wish, began) VALUES (?, ?, ?, ?, ?, ?, ?)";
        transaction.execute(sql, params![self.id.as_str(), practice, client, issuer, asker, wish, self.began])?;
        let key = transaction.last_insert_rowid();
        let mut insert =
            transaction.prepare("INSERT INTO part (job, number, kind, type, page) VALUES (?, ?, ?, ?, ?)")?;
        for (number, (kind, of)) in (1_i64..).zip(self.parts) {
            insert.execute(params![key, number, kind.code(), of.as_str(), self.page])?;
        }
        let mut insert = transaction.prepare("INSERT INTO patient (job, number, id) VALUES (?, ?, ?)")?;
        for (number, id) in (0_i64..).zip(self.patients) {
            insert.execute(params![key, number, id.as_str()])?;
        }
        Ok(())
    }
}

/// A transaction on a job that is open.
pub(super) fn begin<'c>(connection: &'c mut Connection, job: &Job) -> Result<Transaction<'c>, JobError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT 1 FROM job WHERE key = ? AND state = 0";
    let open = transaction.prepare_cached(sql)?.exists([job.key])?;
    if open { Ok(transaction) } else { Err(JobError::Removed) }
}

/// The lines that were not seen before, and how many.
pub(super) fn fresh(
    transaction: &Transaction<'_>,
    job: &Job,
    part: &Part,
    lines: &[Line],
) -> Result<(Vec<u8>, u64), JobError> {
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO seen (job, part, id) VALUES (?, ?, ?)")?;
    let (mut bytes, mut count) = (Vec::new(), 0);
    for line in lines {
        let is_new = insert.execute(params![job.key, part.number, line.id.as_str()])? > 0;
        if is_new && !line.json.is_empty() {
            bytes.extend_from_slice(&line.json);
            bytes.push(b'\n');
            count += 1;
        }
    }
    Ok((bytes, count))
}

pub(super) fn put(transaction: &Transaction<'_>, job: &Job, part: i64, at: &Place) -> Result<(), JobError> {
    let sql =
        "UPDATE part SET pass = ?, next = ?, page = ?, file = ?, bytes = ?, lines = ? WHERE job = ? AND number = ?";
    let (bytes, lines) = (at.bytes.cast_signed(), at.lines.cast_signed());
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![at.pass, at.next, at.page, at.file, bytes, lines, job.key, part])?;
    Ok(())
}

pub(super) fn insert_file(transaction: &Transaction<'_>, job: &Job, part: i64, file: &Closed) -> Result<(), JobError> {
    let sql = "INSERT OR REPLACE INTO file (job, name, part, kind, type, lines, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let (lines, bytes) = (file.lines.cast_signed(), file.bytes.cast_signed());
    transaction.execute(sql, params![job.key, file.name, part, file.kind.code(), file.resource_type, lines, bytes])?;
    Ok(())
}

pub(super) fn forget(transaction: &Transaction<'_>, key: i64, tables: &[&str]) -> rusqlite::Result<()> {
    tables
        .iter()
        .try_for_each(|table| transaction.execute(&format!("DELETE FROM {table} WHERE job = ?"), [key]).map(|_| ()))
}

pub(super) struct RawJob {
    key: i64,
    id: String,
    asker: String,
    wish: String,
    began: i64,
    state: i64,
    expires: Option<i64>,
    status: Option<u16>,
    outcome: Option<String>,
}

pub(super) fn raw_job(row: &Row<'_>) -> rusqlite::Result<RawJob> {
    Ok(RawJob {
        key: row.get(0)?,
        id: row.get(1)?,
        asker: row.get(2)?,
        wish: row.get(3)?,
        began: row.get(4)?,
        state: row.get(5)?,
        expires: row.get(6)?,
        status: row.get(7)?,
        outcome: row.get(8)?,
    })
}

impl TryFrom<RawJob> for Job {
    type Error = JobError;

    fn try_from(raw: RawJob) -> Result<Self, JobError> {
        let expires = raw.expires.unwrap_or_default();
        let state = match raw.state {
            0 => State::Open,
            1 => State::Done(expires),
            _ => State::Failed(raw.status.unwrap_or(500), raw.outcome.unwrap_or_default(), expires),
        };
        let (asker, wish) = (serde_json::from_str(&raw.asker)?, serde_json::from_str(&raw.wish)?);
        let id = JobId::read(&raw.id).ok_or(JobError::Removed)?;
        Ok(Self { key: raw.key, id, asker: Arc::new(asker), wish: Arc::new(wish), began: raw.began, state })
    }
}

pub(super) fn part(row: &Row<'_>) -> rusqlite::Result<Option<Part>> {
    let of: String = row.get(2)?;
    let at = Place {
        pass: row.get(3)?,
        next: row.get(4)?,
        page: row.get(5)?,
        file: row.get(6)?,
        bytes: row.get::<_, i64>(7)?.unsigned_abs(),
        lines: row.get::<_, i64>(8)?.unsigned_abs(),
    };
    let (number, kind) = (row.get(0)?, Kind::of_code(row.get(1)?));
    Ok(of.parse().ok().map(|resource_type| Part { number, kind, resource_type, at }))
}

pub(super) fn closed(row: &Row<'_>) -> rusqlite::Result<Closed> {
    Ok(Closed {
        name: row.get(0)?,
        kind: Kind::of_code(row.get(1)?),
        resource_type: row.get(2)?,
        lines: row.get::<_, i64>(3)?.unsigned_abs(),
        bytes: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}
