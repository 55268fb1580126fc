//! A mark beside the registry that changes with it: so that a request learns of a change by reading eight bytes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use uuid::Uuid;

/// The file `authority.mark` in the data folder. Its content means nothing; another content means that something changed.
pub(super) struct Mark(File);

impl Mark {
    /// Opens it, makes it when it is not there.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("authority.mark");
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map(Self)
    }

    /// Its content now; none when it was never changed or cannot be read.
    pub(super) fn read(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, 0).ok().map(|()| u64::from_le_bytes(bytes))
    }

    /// Says that something changed; whoever reads it after this returned knows.
    pub(super) fn change(&self) -> io::Result<()> {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        self.0.write_all_at(&random.to_le_bytes(), 0)
    }
}
