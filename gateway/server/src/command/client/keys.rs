//! The keys that a command names: a JWK Set in a file or at a URL, or a new private key.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jsonwebtoken::Algorithm;
use serde_json::json;
use url::Url;

use super::ClientFailure;
use crate::authorize::clients::Keys;
use crate::authorize::fetch::may_fetch;
use crate::authorize::jwk::KeySet;
use crate::authorize::pem::{PrivateKey, generate, write_secret};

#[derive(Args, Debug)]
pub(super) struct NewKeys {
    /// Its public keys: a file or an https URL of a JWK Set
    #[arg(long, value_name = "FILE|URL", conflicts_with = "generate_key")]
    jwks: Option<String>,
    /// Make a private key, write it to this new file and register its public half
    #[arg(long, value_name = "FILE")]
    generate_key: Option<PathBuf>,
    /// What the new key signs with
    #[arg(long, value_enum, default_value_t = KeyAlgorithm::Es384, requires = "generate_key")]
    alg: KeyAlgorithm,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAlgorithm {
    #[value(name = "ES384")]
    Es384,
    #[value(name = "RS384")]
    Rs384,
}

impl NewKeys {
    pub(super) fn read(&self) -> Result<Option<Keys>, ClientFailure> {
        if let Some(path) = &self.generate_key {
            let algorithm = match self.alg {
                KeyAlgorithm::Es384 => Algorithm::ES384,
                KeyAlgorithm::Rs384 => Algorithm::RS384,
            };
            return make_key(path, algorithm).map(|keys| Some(Keys::Inline(keys)));
        }
        self.jwks.as_deref().map(read_keys).transpose()
    }
}

fn read_keys(place: &str) -> Result<Keys, ClientFailure> {
    if place.contains("://") {
        let url = Url::parse(place).ok().filter(may_fetch);
        return url.map(Keys::Url).ok_or_else(|| ClientFailure::Url(place.to_owned()));
    }
    let bytes = std::fs::read(place).map_err(|error| ClientFailure::File("read", place.into(), error))?;
    let keys = KeySet::parse_registration(&bytes).map_err(|error| ClientFailure::KeySet(place.to_owned(), error))?;
    Ok(Keys::Inline(keys))
}

/// Makes a private key in a new file, for its owner alone; gives its public half.
pub(super) fn make_key(path: &Path, algorithm: Algorithm) -> Result<KeySet, ClientFailure> {
    let pem = generate(algorithm).map_err(|error| ClientFailure::Key(path.into(), error))?;
    write_secret(path, pem.as_bytes()).map_err(|error| ClientFailure::File("write", path.into(), error))?;
    public_half(path, &pem)
}

pub(super) fn public_half(path: &Path, pem: &str) -> Result<KeySet, ClientFailure> {
    let key = PrivateKey::from_pem(pem.as_bytes()).map_err(|error| ClientFailure::Key(path.into(), error))?;
    let set = json!({ "keys": [key.public] }).to_string();
    KeySet::parse_registration(set.as_bytes()).map_err(|error| ClientFailure::KeySet(path.display().to_string(), error))
}
