//! The operator's token: what signs somebody in to the pages.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Its file in the data folder.
const FILE: &str = "admin.token";
/// No file of ours is longer; another is not read to its end.
const LONGEST: u64 = 256;

/// The file with the token. It is read at each use, so that a new token counts at once, whoever wrote it.
#[derive(Clone, Debug)]
pub struct Secret {
    path: PathBuf,
}

/// What stands for a token where it is compared and kept: its SHA-256.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl PartialEq for Digest {
    /// In a time that does not depend on the content.
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Secret {
    /// The token of a data folder; it is made when it is not there.
    ///
    /// # Errors
    /// The file cannot be read or made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let secret = Self { path: data.join(FILE) };
        match secret.path.try_exists()? {
            true => secret.reveal().map(drop)?,
            false => secret.renew()?,
        }
        Ok(secret)
    }

    /// A new token of a data folder, whatever was there before; sessions of that end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn renewed(data: &Path) -> io::Result<Self> {
        let secret = Self { path: data.join(FILE) };
        secret.renew()?;
        Ok(secret)
    }

    /// The token.
    ///
    /// # Errors
    /// The file cannot be read, or holds none.
    pub fn reveal(&self) -> io::Result<String> {
        if fs::metadata(&self.path)?.len() > LONGEST {
            return Err(self.broken());
        }
        let text = fs::read_to_string(&self.path)?;
        // A file that somebody emptied must not let everybody in.
        Some(text.trim().to_owned()).filter(|token| token.len() >= 32).ok_or_else(|| self.broken())
    }

    fn renew(&self) -> io::Result<()> {
        let bytes: [u8; 32] = rand::random();
        let draft = self.path.with_extension("token-draft");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", URL_SAFE_NO_PAD.encode(bytes))?;
        file.sync_all()?;
        fs::rename(draft, &self.path)
    }

    /// The digest of the token as it is now; none when there is none to compare with, and then nobody gets in.
    pub(super) fn digest(&self) -> Option<Digest> {
        let token = self.reveal();
        if let Err(error) = &token {
            tracing::error!(%error, "the operator's token cannot be read, so nobody can sign in to the admin port");
        }
        token.ok().map(|token| Digest::of(&token))
    }

    fn broken(&self) -> io::Error {
        let text = format!("expected a token in {}: `frontdesk admin token --new` makes one", self.path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_token_is_made_once_for_its_owner_alone_and_replaced_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secret::open(folder.path()).unwrap().reveal().unwrap();
        let again = Secret::open(folder.path()).unwrap();
        assert_eq!((first.len(), again.reveal().unwrap()), (43, first.clone()));
        assert_eq!(fs::metadata(&again.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(again.digest() == Some(Digest::of(&first)));
        again.renew().unwrap();
        assert_ne!(again.reveal().unwrap(), first);
        assert!(again.digest() != Some(Digest::of(&first)));
    }

    #[test]
    fn a_file_without_a_token_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::open(folder.path()).unwrap();
        for content in ["", "\n", "short", &"x".repeat(300)] {
            fs::write(&secret.path, content).unwrap();
            assert!(secret.digest().is_none() && Secret::open(folder.path()).is_err(), "{content}");
        }
    }
}
