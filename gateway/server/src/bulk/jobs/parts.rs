//! The steps of one part: its file and its place in the table go on together.

use rusqlite::{Transaction, params};

use super::super::job::{Closed, Job, Kind, Line, Part, Place};
use super::super::table::{begin, fresh, insert_file, put};
use super::{JobError, Jobs, USED};

/// The state of a part that is not open any more.
const DONE: i64 = 1;
const GIVEN_UP: i64 = 2;

impl Jobs {
    /// Writes what a page has and was not seen, and where the work then stands: both or neither. Says how many lines it was.
    ///
    /// # Errors
    /// [`JobError::Removed`] when the job is no more, [`JobError::Full`] when the lines do not fit; the part stays as it was.
    pub fn take(&self, job: &Job, part: &mut Part, lines: &[Line], then: Place) -> Result<u64, JobError> {
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        let (bytes, count) = fresh(&transaction, job, part, lines)?;
        if count > 0 {
            let used: i64 = transaction.query_row(USED, [], |row| row.get(0))?;
            if used.unsigned_abs() + bytes.len() as u64 > self.most {
                return Err(JobError::Full);
            }
            self.folder.append(&job.id, part.number, part.at.bytes, &bytes)?;
        }
        let (length, lines) = (part.at.bytes + bytes.len() as u64, part.at.lines + count);
        let at = Place { bytes: length, lines, ..then };
        put(&transaction, job, part.number, &at)?;
        transaction.commit()?;
        part.at = at;
        Ok(count)
    }

    /// Closes the open file of a part, when it has one.
    ///
    /// # Errors
    /// As [`Jobs::take`].
    pub fn close_file(&self, job: &Job, part: &mut Part) -> Result<(), JobError> {
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        let at = self.close_in(&transaction, job, part)?;
        transaction.commit()?;
        part.at = at;
        Ok(())
    }

    /// Finishes a part; `gave_up` when it is not whole.
    ///
    /// # Errors
    /// As [`Jobs::take`].
    pub fn finish_part(&self, job: &Job, part: &mut Part, gave_up: bool) -> Result<(), JobError> {
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        let at = self.close_in(&transaction, job, part)?;
        let state = if gave_up { GIVEN_UP } else { DONE };
        let sql = "UPDATE part SET state = ? WHERE job = ? AND number = ?";
        transaction.execute(sql, params![state, job.key, part.number])?;
        transaction.execute("DELETE FROM seen WHERE job = ? AND part = ?", params![job.key, part.number])?;
        transaction.commit()?;
        part.at = at;
        Ok(())
    }

    fn close_in(&self, transaction: &Transaction<'_>, job: &Job, part: &Part) -> Result<Place, JobError> {
        if part.at.lines == 0 {
            return Ok(part.at.clone());
        }
        let (of, mark) = (part.resource_type, if part.kind == Kind::Deleted { "deleted." } else { "" });
        let name = format!("{}-{}.{mark}{of}.ndjson", part.number, part.at.file);
        self.folder.close(&job.id, part.number, &name, part.at.bytes)?;
        insert_file(
            transaction,
            job,
            part.number,
            &Closed {
                name,
                kind: part.kind,
                resource_type: of.as_str().to_owned(),
                lines: part.at.lines,
                bytes: part.at.bytes,
            },
        )?;
        let at = Place { file: part.at.file + 1, bytes: 0, lines: 0, ..part.at.clone() };
        put(transaction, job, part.number, &at)?;
        Ok(at)
    }

    /// Begins a part anew: what was written of it is not on the disk.
    ///
    /// # Errors
    /// As [`Jobs::take`].
    pub fn restart_part(&self, job: &Job, part: &mut Part) -> Result<(), JobError> {
        let mut connection = self.connection.lock();
        let transaction = begin(&mut connection, job)?;
        let names: Vec<String> = {
            let mut statement = transaction.prepare("SELECT name FROM file WHERE job = ? AND part = ?")?;
            statement.query_map(params![job.key, part.number], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for table in ["seen", "file"] {
            let sql = format!("DELETE FROM {table} WHERE job = ? AND part = ?");
            transaction.execute(&sql, params![job.key, part.number])?;
        }
        let at = Place { page: part.at.page, ..Place::default() };
        put(&transaction, job, part.number, &at)?;
        transaction.commit()?;
        names.iter().for_each(|name| self.folder.drop_file(&job.id, name));
        part.at = at;
        Ok(())
    }
}
