//! The table of jobs: what is asked, where the work stands, which files there are. Files and table are written together, so that after
//! a crash the work goes on behind the last page that both have.

mod parts;

use std::collections::HashSet;
use std::path::Path;

use fhir::Id;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::folder::{FileError, Folder};
use super::job::{Asker, Closed, Job, JobId, Kind, Part};
use super::table::{NewJob, RawJob, SCHEMA, TABLES, VERSION, begin, closed, forget, insert_file, part, raw_job};
use crate::authorize::database::{self, DatabaseError};

/// Bytes of all files, those that are open too.
const USED: &str = "SELECT coalesce((SELECT sum(bytes) FROM file), 0) + coalesce((SELECT sum(bytes) FROM part), 0)";

/// The jobs and their files.
pub struct Jobs {
    connection: Mutex<Connection>,
    folder: Folder,
    most: u64,
}

/// Why a step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The job was removed.
    #[error("the export was removed")]
    Removed,
    /// All files together are as large as they may be.
    #[error("the space for exports is used up")]
    Full,
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The table.
    #[error("the table of exports cannot be used")]
    Table(#[from] rusqlite::Error),
    /// What is kept is not what was written.
    #[error("the table of exports holds what cannot be read")]
    Content(#[from] serde_json::Error),
}

/// Why a client gets no further job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// It has as many open ones as it may.
    Open,
    /// It has too many that it never removed.
    Kept,
    /// All files together are as large as they may be.
    Space,
}

/// How many jobs a client may have.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// That are open.
    pub open: u32,
    /// In all.
    pub kept: u32,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Parts that are finished.
    pub finished: u64,
    /// Parts in all.
    pub parts: u64,
    /// Lines that were written.
    pub lines: u64,
}

impl Jobs {
    /// Opens the table in a folder, with the files beside it; removes what no job knows.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(path: &Path, most: u64) -> Result<Self, DatabaseError> {
        let file = |source| DatabaseError::File { path: path.into(), source };
        let folder = Folder::open(path).map_err(file)?;
        let connection = database::open(&path.join("jobs.sqlite"), SCHEMA, VERSION)?;
        let jobs = Self { connection: Mutex::new(connection), folder, most };
        let sqlite = |source| DatabaseError::Sqlite { path: path.into(), source };
        let known = jobs.names().map_err(sqlite)?;
        jobs.folder.sweep(&known).map_err(file)?;
        Ok(jobs)
    }

    /// The files.
    #[must_use]
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    fn names(&self) -> rusqlite::Result<HashSet<String>> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare("SELECT id FROM job")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// Keeps a new job, unless its client has too many.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn create(&self, job: &NewJob<'_>, most: Most) -> Result<Result<(), Crowded>, JobError> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(crowded) = self.crowded(&transaction, job.asker, most)? {
            return Ok(Err(crowded));
        }
        job.insert(&transaction)?;
        transaction.commit()?;
        Ok(Ok(()))
    }

    fn crowded(&self, transaction: &Transaction<'_>, asker: &Asker, most: Most) -> Result<Option<Crowded>, JobError> {
        let count =
            "SELECT count(*), coalesce(sum(state = 0), 0) FROM job WHERE practice = ? AND issuer = ? AND client = ?";
        let (kept, open): (u32, u32) =
            transaction.query_row(count, params![asker.practice, asker.issuer, asker.client], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let used: i64 = transaction.query_row(USED, [], |row| row.get(0))?;
        Ok(match () {
            () if open >= most.open => Some(Crowded::Open),
            () if kept >= most.kept => Some(Crowded::Kept),
            () if used.unsigned_abs() >= self.most => Some(Crowded::Space),
            () => None,
        })
    }

    /// A job by its name.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn find(&self, id: &JobId) -> Result<Option<Job>, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT key, id, asker, wish, began, state, expires, status, outcome FROM job WHERE id = ?";
        let found = connection.prepare_cached(sql)?.query_row([id.as_str()], raw_job).optional()?;
        found.map(Job::try_from).transpose()
    }

    /// The jobs that are to be worked on, the oldest first.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn open_jobs(&self) -> Result<Vec<Job>, JobError> {
        let connection = self.connection.lock();
        let sql =
            "SELECT key, id, asker, wish, began, state, expires, status, outcome FROM job WHERE state = 0 ORDER BY key";
        let mut statement = connection.prepare_cached(sql)?;
        let rows: Vec<RawJob> = statement.query_map([], raw_job)?.collect::<Result<_, _>>()?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// The jobs whose time is over.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn expired(&self, now: i64) -> Result<Vec<JobId>, JobError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT id FROM job WHERE state <> 0 AND expires <= ?")?;
        let names: Vec<String> = statement.query_map([now], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names.iter().filter_map(|name| JobId::read(name)).collect())
    }

    /// The parts of a job that are left to do.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn open_parts(&self, job: &Job) -> Result<Vec<Part>, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT number, kind, type, pass, next, page, file, bytes, lines FROM part WHERE job = ? AND state = 0 ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let parts: Vec<Option<Part>> = statement.query_map([job.key], part)?.collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The patients that a job lists.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn patients(&self, job: &Job) -> Result<Vec<Id>, JobError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT id FROM patient WHERE job = ? ORDER BY number")?;
        let ids: Vec<String> = statement.query_map([job.key], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// The files of a job, in order.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn files(&self, job: &Job) -> Result<Vec<Closed>, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT name, kind, type, lines, bytes FROM file WHERE job = ? ORDER BY part, length(name), name";
        let mut statement = connection.prepare_cached(sql)?;
        let files: Result<_, _> = statement.query_map([job.key], closed)?.collect();
        Ok(files?)
    }

    /// A file by its name.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn file(&self, job: &Job, name: &str) -> Result<Option<Closed>, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT name, kind, type, lines, bytes FROM file WHERE job = ? AND name = ?";
        Ok(connection.prepare_cached(sql)?.query_row(params![job.key, name], closed).optional()?)
    }

    /// How far a job is.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn progress(&self, job: &Job) -> Result<Progress, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT count(*), coalesce(sum(state <> 0), 0), coalesce(sum(lines), 0) FROM part WHERE job = ?";
        let (parts, finished, open): (i64, i64, i64) =
            connection.prepare_cached(sql)?.query_row([job.key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let sql = "SELECT coalesce(sum(lines), 0) FROM file WHERE job = ?";
        let closed: i64 = connection.prepare_cached(sql)?.query_row([job.key], |row| row.get(0))?;
        let count = i64::unsigned_abs;
        Ok(Progress { finished: count(finished), parts: count(parts), lines: count(open) + count(closed) })
    }

    /// Writes down what went wrong, once: an OperationOutcome in one line.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn note_problem(&self, job: &Job, outcome: &str) -> Result<(), JobError> {
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        let sql = "INSERT OR IGNORE INTO problem (job, line) VALUES (?, ?)";
        transaction.execute(sql, params![job.key, outcome])?;
        Ok(transaction.commit()?)
    }

    /// Whether there is something wrong and nothing to show: every part was given up, and none has a line.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn came_to_nothing(&self, job: &Job) -> Result<bool, JobError> {
        let connection = self.connection.lock();
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM part WHERE job = ?1 AND state = 1)
            AND NOT EXISTS (SELECT 1 FROM file WHERE job = ?1) AND EXISTS (SELECT 1 FROM problem WHERE job = ?1)";
        Ok(connection.query_row(sql, [job.key], |row| row.get(0))?)
    }

    /// The problems of a job, each an OperationOutcome.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub fn problems(&self, job: &Job) -> Result<Vec<String>, JobError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare("SELECT line FROM problem WHERE job = ?")?;
        let lines: Result<_, _> = statement.query_map([job.key], |row| row.get(0))?.collect();
        Ok(lines?)
    }

    /// Finishes a job: its problems become a file, and what only its work needed goes.
    ///
    /// # Errors
    /// As [`Jobs::take`].
    pub fn finish(&self, job: &Job, expires: i64) -> Result<(), JobError> {
        let problems = self.problems(job)?;
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        if !problems.is_empty() {
            let (name, text) = ("errors.ndjson", problems.join("\n") + "\n");
            self.folder.write(&job.id, name, text.as_bytes()).map_err(FileError::Io)?;
            let file = Closed {
                name: name.to_owned(),
                kind: Kind::Error,
                resource_type: "OperationOutcome".to_owned(),
                lines: problems.len() as u64,
                bytes: text.len() as u64,
            };
            insert_file(&transaction, job, i64::MAX, &file)?;
        }
        forget(&transaction, job.key, &["patient", "seen", "problem"])?;
        transaction.execute("UPDATE job SET state = 1, expires = ? WHERE key = ?", params![expires, job.key])?;
        Ok(transaction.commit()?)
    }

    /// Ends a job that came to nothing; its files go.
    ///
    /// # Errors
    /// As [`Jobs::take`].
    pub fn fail(&self, job: &Job, status: u16, outcome: &str, expires: i64) -> Result<(), JobError> {
        {
            let mut connection = self.connection.lock();
            let transaction = begin(&mut connection, job)?;
            forget(&transaction, job.key, &TABLES)?;
            let sql = "UPDATE job SET state = 2, status = ?, outcome = ?, expires = ? WHERE key = ?";
            transaction.execute(sql, params![status, outcome, expires, job.key])?;
            transaction.commit()?;
        }
        Ok(self.folder.remove(&job.id).map_err(FileError::Io)?)
    }

    /// Removes a job and its files. Says whether it was there.
    ///
    /// # Errors
    /// When table or files cannot be used; a folder that stays goes at the next start.
    pub fn remove(&self, id: &JobId) -> Result<bool, JobError> {
        {
            let mut connection = self.connection.lock();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let key: Option<i64> = transaction
                .query_row("SELECT key FROM job WHERE id = ?", [id.as_str()], |row| row.get(0))
                .optional()?;
            let Some(key) = key else { return Ok(false) };
            forget(&transaction, key, &TABLES)?;
            transaction.execute("DELETE FROM job WHERE key = ?", [key])?;
            transaction.commit()?;
        }
        self.folder.remove(id).map_err(FileError::Io)?;
        Ok(true)
    }
}
