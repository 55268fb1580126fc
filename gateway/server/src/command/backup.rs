//! `frontdesk backup`: a copy of the data folder while the gateway runs.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::Done;
use super::check::load;

/// Copies the data folder to a new folder while the gateway runs
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk backup --config config/frontdesk.toml --to /backup/2027-02-26\n\n\
                  Each SQLite database is copied as of one moment; a store on PostgreSQL is backed up by pg_dump. To restore, stop the gateway and let `gateway.data` name\n\
                  the copy. The copy holds patient data and the signing keys: keep it as safe as the original.")]
pub(crate) struct Backup {
    /// The configuration, whose `gateway.data` is copied
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    config: Option<PathBuf>,
    /// The data folder itself, such as that of `frontdesk demo`
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The folder to be made
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
enum BackupError {
    #[error("{} exists already; expected the name of a folder to be made", .0.display())]
    Exists(PathBuf),
    #[error("cannot copy {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot copy the database {}: {source}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
}

impl Backup {
    pub(crate) fn run(self) -> Done {
        let data = match (self.data, self.config) {
            (Some(data), _) => data,
            (None, Some(config)) => match load(&config)? {
                Some(config) => config.gateway.data,
                None => return Ok(ExitCode::FAILURE),
            },
            (None, None) => return Err("expected --config or --data".into()),
        };
        let files = backup(&data, &self.to)?;
        println!("{files} files copied to {}", self.to.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// Copies a data folder; gives the number of files. The copy appears under its name when it is whole.
fn backup(data: &Path, to: &Path) -> Result<usize, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = to.with_extension("partial");
    let files = copy_folder(data, &partial)?;
    fs::rename(&partial, to).and_then(|()| sync(to)).map_err(|source| at(to, source))?;
    Ok(files)
}

fn copy_folder(from: &Path, to: &Path) -> Result<usize, BackupError> {
    private_folder(to).map_err(|source| at(to, source))?;
    let mut files = 0;
    for entry in fs::read_dir(from).map_err(|source| at(from, source))? {
        let entry = entry.map_err(|source| at(from, source))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|source| at(&path, source))?;
        if kind.is_dir() {
            files += copy_folder(&path, &target)?;
        } else if kind.is_file() && !belongs_to_database(&path) {
            copy_file(&path, &target)?;
            files += 1;
        }
    }
    sync(to).map_err(|source| at(to, source))?;
    Ok(files)
}

/// What SQLite keeps beside a database is in the copy of the database.
fn belongs_to_database(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["-wal", "-shm", "-journal"].iter().any(|end| name.ends_with(end))
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    match is_database(from) {
        Ok(true) => {
            copy_database(from, to).map_err(|source| BackupError::Database { path: from.to_owned(), source })?
        }
        // A file that is being appended to, such as an audit segment, ends where it ended when it was read.
        Ok(false) => drop(fs::copy(from, to).map_err(|source| at(from, source))?),
        // A file that a running gateway removed meanwhile is not part of its data any more.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(at(from, source)),
    }
    sync(to).map_err(|source| at(to, source))
}

fn is_database(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start == b"SQLite format 3\0")
}

/// All pages in one step: the copy is the database of one moment, however much is written meanwhile.
fn copy_database(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(Duration::from_secs(10))?;
    let mut target = Connection::open(to)?;
    let copying = Copying::new(&source, &mut target)?;
    while copying.step(-1)? != StepResult::Done {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(copying);
    target.pragma_update(None, "journal_mode", "DELETE")
}

fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn at(path: &Path, source: io::Error) -> BackupError {
    BackupError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER)").unwrap();
        connection
    }

    #[test]
    fn a_database_that_is_written_to_and_plain_files_are_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("audit")).unwrap();
        fs::write(data.join("audit/1.segment"), b"records").unwrap();
        let writer = database(&data.join("store.sqlite"));
        writer.execute_batch("INSERT INTO t VALUES (1), (2)").unwrap();
        assert!(data.join("store.sqlite-wal").exists());

        let to = folder.path().join("copy");
        assert_eq!(backup(&data, &to).unwrap(), 2);
        writer.execute_batch("INSERT INTO t VALUES (3)").unwrap();
        let copy = Connection::open(to.join("store.sqlite")).unwrap();
        assert_eq!(copy.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
        assert_eq!(fs::read(to.join("audit/1.segment")).unwrap(), b"records");
        assert!(!to.join("store.sqlite-wal").exists());
    }

    #[test]
    fn a_backup_never_writes_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(&data).unwrap();
        assert!(matches!(backup(&data, folder.path()), Err(BackupError::Exists(_))));
    }
}
