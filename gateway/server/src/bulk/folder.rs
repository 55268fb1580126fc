//! The files of exports: a folder for each job, a file under another name until it is whole.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::job::JobId;

/// Where the folders of jobs are.
pub struct Folder(PathBuf);

/// Why a file cannot be written on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not as long as it was written down to be: what follows would have a hole before it.
    #[error("a file of an export is shorter than what was written of it")]
    Lost,
    /// The disk says no.
    #[error("a file of an export cannot be written")]
    Io(#[from] io::Error),
}

impl Folder {
    /// The folder, made unless it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        private_folder(path)?;
        Ok(Self(path.to_owned()))
    }

    fn of(&self, job: &JobId) -> PathBuf {
        self.0.join(job.as_str())
    }

    fn open_part(&self, job: &JobId, part: i64) -> PathBuf {
        self.of(job).join(format!("{part}.part"))
    }

    /// Where a closed file is. The name must be one that was written down.
    #[must_use]
    pub fn path(&self, job: &JobId, name: &str) -> PathBuf {
        self.of(job).join(name)
    }

    /// Writes behind the first `at` bytes of a part, and has them on the disk. What stands there is of a page that was never
    /// written down, and goes.
    ///
    /// # Errors
    /// As [`FileError`] says.
    pub fn append(&self, job: &JobId, part: i64, at: u64, bytes: &[u8]) -> Result<(), FileError> {
        let folder = self.of(job);
        private_folder(&folder)?;
        let path = self.open_part(job, part);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        if length < at {
            return Err(FileError::Lost);
        }
        if length > at {
            file.set_len(at)?;
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        if at == 0 {
            sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Gives a part of so many bytes its name. Done once more, it changes nothing.
    ///
    /// # Errors
    /// As [`FileError`] says.
    pub fn close(&self, job: &JobId, part: i64, name: &str, bytes: u64) -> Result<(), FileError> {
        let (from, to) = (self.open_part(job, part), self.path(job, name));
        match OpenOptions::new().write(true).open(&from) {
            Ok(file) => {
                if file.metadata()?.len() < bytes {
                    return Err(FileError::Lost);
                }
                // A page that was never written down may stand at its end.
                file.set_len(bytes)?;
                file.sync_all()?;
                fs::rename(&from, &to)?;
                sync_folder(&self.of(job))?;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::metadata(&to) {
                Ok(found) if found.len() == bytes => Ok(()),
                _ => Err(FileError::Lost),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a whole file under its name.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&self, job: &JobId, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (folder, path) = (self.of(job), self.path(job, name));
        private_folder(&folder)?;
        let unfinished = path.with_extension("part");
        let mut options = OpenOptions::new();
        let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(&folder)
    }

    /// Removes a closed file, when it is there.
    pub fn drop_file(&self, job: &JobId, name: &str) {
        let _ = fs::remove_file(self.path(job, name));
    }

    /// Removes a job's folder, when it is there.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn remove(&self, job: &JobId) -> io::Result<()> {
        match fs::remove_dir_all(self.of(job)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_folder(&self.0),
        }
    }

    /// Removes the folders of jobs that are not known: a process was killed before it could.
    ///
    /// # Errors
    /// When the folder cannot be read, or one stays.
    pub fn sweep(&self, known: &HashSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let job = name.to_str().and_then(JobId::read);
            if let Some(job) = job.filter(|job| !known.contains(job.as_str())) {
                self.remove(&job)?;
            }
        }
        Ok(())
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A name is on the disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_after_the_last_page_that_counts_is_written_over() {
        let data = tempfile::tempdir().unwrap();
        let (folder, job) = (Folder::open(data.path()).unwrap(), JobId::random());
        folder.append(&job, 1, 0, b"a\nb\n").unwrap();
        folder.append(&job, 1, 2, b"c\n").unwrap();
        folder.append(&job, 1, 4, b"never written down\n").unwrap();
        folder.close(&job, 1, "1-0.Patient.ndjson", 4).unwrap();
        let path = folder.path(&job, "1-0.Patient.ndjson");
        assert_eq!(fs::read(&path).unwrap(), b"a\nc\n");
        folder.close(&job, 1, "1-0.Patient.ndjson", 4).unwrap();
        assert!(matches!(folder.close(&job, 1, "1-0.Patient.ndjson", 5), Err(FileError::Lost)));
    }

    #[test]
    fn a_file_that_lost_its_end_is_not_written_on() {
        let data = tempfile::tempdir().unwrap();
        let (folder, job) = (Folder::open(data.path()).unwrap(), JobId::random());
        assert!(matches!(folder.append(&job, 1, 4, b"c\n"), Err(FileError::Lost)));
    }

    #[test]
    fn a_folder_of_no_job_is_swept_and_nothing_else() {
        let data = tempfile::tempdir().unwrap();
        let (folder, kept, gone) = (Folder::open(data.path()).unwrap(), JobId::random(), JobId::random());
        fs::write(data.path().join("jobs.sqlite"), b"").unwrap();
        for job in [&kept, &gone] {
            folder.write(job, "errors.ndjson", b"{}\n").unwrap();
        }
        folder.sweep(&HashSet::from([kept.as_str().to_owned()])).unwrap();
        assert!(folder.path(&kept, "errors.ndjson").exists() && !folder.of(&gone).exists());
        assert!(data.path().join("jobs.sqlite").exists());
    }
}
