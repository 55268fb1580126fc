//! The keys that sign our own tokens: ES256, in the data folder, several at a time so that they can rotate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, Header};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

use super::jwk::KeySet;
use super::pem::{InvalidKey, PrivateKey, generate, write_secret};

/// RFC 9068 2.1
pub const TOKEN_TYPE: &str = "at+jwt";

/// The folder in the data folder.
const FOLDER: &str = "signing";

/// How long before a key signs the last token that another part of the system could still be slow to learn of the next.
const OVERLAP: Duration = Duration::from_secs(600);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A file.
    #[error("cannot use signing keys in `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that holds no key of ours.
    #[error("signing key `{}`: {source}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: InvalidKey,
    },
    /// The library refused to sign.
    #[error("cannot sign a token")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// Our signing keys: the newest signs, older ones still verify until their last token has expired.
pub struct Signing {
    folder: PathBuf,
    lifetime: Duration,
    ring: ArcSwap<Ring>,
    rotation: Mutex<()>,
}

/// The keys at one moment.
struct Ring {
    signer: PrivateKey,
    made: SystemTime,
    public: KeySet,
    json: Bytes,
}

impl Signing {
    /// Reads the keys of the data folder, makes one when there is none or the newest is too old.
    ///
    /// # Errors
    /// When the folder cannot be used or a file in it is no key.
    pub fn open(data: &Path, lifetime: Duration, now: SystemTime) -> Result<Self, SigningError> {
        let folder = data.join(FOLDER);
        let file = |source| SigningError::File { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(file)?;
        let ring = Ring::read(&folder, lifetime, now)?;
        Ok(Self { folder, lifetime, ring: ArcSwap::from_pointee(ring), rotation: Mutex::new(()) })
    }

    /// Signs claims with the newest key; makes the next one when it is time.
    ///
    /// # Errors
    /// When the next key cannot be made or the library refuses.
    pub fn sign(&self, claims: &impl Serialize, now: SystemTime) -> Result<String, SigningError> {
        let ring = self.current(now)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TOKEN_TYPE.into());
        header.kid = Some(ring.signer.kid.clone());
        jsonwebtoken::encode(&header, claims, &ring.signer.encoding).map_err(SigningError::Sign)
    }

    /// The public keys that verify our tokens.
    #[must_use]
    pub fn public(&self) -> KeySet {
        self.ring.load().public.clone()
    }

    /// Verifies with the public keys without copying them.
    pub(super) fn with_public<T>(&self, verify: impl FnOnce(&KeySet) -> T) -> T {
        verify(&self.ring.load().public)
    }

    /// The public keys as a JWK Set.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.ring.load().json.clone()
    }

    fn current(&self, now: SystemTime) -> Result<Arc<Ring>, SigningError> {
        let ring = self.ring.load_full();
        if !is_old(ring.made, self.lifetime, now) {
            return Ok(ring);
        }
        let _rotation = self.rotation.lock();
        if is_old(self.ring.load().made, self.lifetime, now) {
            self.ring.store(Arc::new(Ring::read(&self.folder, self.lifetime, now)?));
        }
        Ok(self.ring.load_full())
    }
}

fn is_old(made: SystemTime, lifetime: Duration, now: SystemTime) -> bool {
    now.duration_since(made).is_ok_and(|age| age >= lifetime)
}

impl Ring {
    fn read(folder: &Path, lifetime: Duration, now: SystemTime) -> Result<Self, SigningError> {
        let mut keys = read_keys(folder, lifetime, now)?;
        if keys.last().is_none_or(|(made, _)| is_old(*made, lifetime, now)) {
            keys.push((now, make(folder, now)?));
        }
        let json = json!({ "keys": keys.iter().map(|(_, key)| &key.public).collect::<Vec<_>>() }).to_string();
        let public = KeySet::parse(json.as_bytes()).unwrap_or_default();
        let Some((made, signer)) = keys.pop() else {
            return Err(SigningError::Key { path: folder.into(), source: InvalidKey::Generation });
        };
        Ok(Self { signer, made, public, json: json.into() })
    }
}

/// The keys that still count, oldest first. Files of keys that are long out of use are removed.
fn read_keys(
    folder: &Path,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Vec<(SystemTime, PrivateKey)>, SigningError> {
    let file = |source| SigningError::File { path: folder.into(), source };
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file)? {
        let path = entry.map_err(file)?.path();
        let Some(made) = made_at(&path) else { continue };
        if is_old(made, lifetime + OVERLAP, now) {
            let _ = std::fs::remove_file(&path);
            continue;
        }
        let pem = std::fs::read(&path).map_err(file)?;
        let key = PrivateKey::from_pem(&pem).and_then(|key| match key.algorithm {
            Algorithm::ES256 => Ok(key),
            _ => Err(InvalidKey::Kind),
        });
        keys.push((made, key.map_err(|source| SigningError::Key { path: path.clone(), source })?));
    }
    keys.sort_by_key(|(made, _)| *made);
    Ok(keys)
}

/// A key's file is named by when it was made: `1763960000.pem`.
fn made_at(path: &Path) -> Option<SystemTime> {
    let seconds = path.file_name()?.to_str()?.strip_suffix(".pem")?.parse().ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn make(folder: &Path, now: SystemTime) -> Result<PrivateKey, SigningError> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let path = folder.join(format!("{seconds}.pem"));
    let key = |source| SigningError::Key { path: path.clone(), source };
    let pem = generate(Algorithm::ES256).map_err(key)?;
    write_secret(&path, pem.as_bytes()).map_err(|source| SigningError::File { path: path.clone(), source })?;
    PrivateKey::from_pem(pem.as_bytes()).map_err(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::jose::Unverified;

    const DAY: Duration = Duration::from_secs(86_400);

    fn verifies(signing: &Signing, token: &str) -> bool {
        Unverified::parse(token).and_then(|token| token.verify(&signing.public(), &[Algorithm::ES256])).is_ok()
    }

    #[test]
    fn a_restart_keeps_the_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let signing = Signing::open(folder.path(), DAY, now).expect("opens");
        let token = signing.sign(&json!({ "sub": "a" }), now).expect("signed");
        let again = Signing::open(folder.path(), DAY, now).expect("opens again");
        assert!(verifies(&again, &token));
        assert_eq!(signing.json(), again.json());
    }

    #[test]
    fn a_new_key_takes_over_while_the_old_one_still_verifies_and_then_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let signing = Signing::open(folder.path(), DAY, now).expect("opens");
        let old = signing.sign(&json!({}), now).expect("signed");
        let new = signing.sign(&json!({}), now + DAY).expect("signed");
        let kid = |token: &str| Unverified::parse(token).expect("a token").header.kid;
        assert_ne!(kid(&old), kid(&new));
        assert!(verifies(&signing, &old) && verifies(&signing, &new));
        let later = Signing::open(folder.path(), DAY, now + DAY + OVERLAP).expect("opens");
        assert!(!verifies(&later, &old) && verifies(&later, &new));
    }

    #[test]
    fn the_published_set_holds_no_private_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let signing = Signing::open(folder.path(), DAY, SystemTime::now()).expect("opens");
        assert!(KeySet::parse_registration(&signing.json()).is_ok());
    }
}
