//! Private keys of clients and of the gateway: PEM in and out (PKCS#8, SEC1, PKCS#1), and what is public of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::jwk::thumbprint;

/// A private key that signs with one algorithm. Its `Debug` shows its id only.
pub struct PrivateKey {
    /// What it signs with: ES256 for P-256, ES384 for P-384, RS384 for RSA.
    pub algorithm: Algorithm,
    /// The key as jsonwebtoken wants it.
    pub encoding: EncodingKey,
    /// The public key as a JWK with `kid`, `alg` and `use`.
    pub public: Value,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
}

/// Why a text is no private key that we can sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not PEM.
    #[error("expected a private key in PEM form (PKCS#8, SEC1 or PKCS#1, not encrypted)")]
    Form,
    /// Another kind of key.
    #[error("expected an EC key on P-384 or P-256, or an RSA key of 2048 bits or more")]
    Kind,
    /// The library did not make one.
    #[error("the key could not be made")]
    Generation,
}

impl PrivateKey {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// When there is no key in it that can sign.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidKey> {
        match PrivateKeyDer::from_pem_slice(pem).map_err(|_| InvalidKey::Form)? {
            PrivateKeyDer::Sec1(key) => Self::ec(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(key) if RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).is_err() => {
                Self::ec(key.secret_pkcs8_der())
            }
            // jsonwebtoken finds the PKCS#1 key in either form.
            _ => Self::new(Algorithm::RS384, EncodingKey::from_rsa_pem(pem).map_err(|_| InvalidKey::Kind)?),
        }
    }

    fn ec(der: &[u8]) -> Result<Self, InvalidKey> {
        let on = |curve: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_private_key_der(curve, der).ok();
        let (algorithm, pair) = on(&ECDSA_P384_SHA384_FIXED_SIGNING)
            .map(|pair| (Algorithm::ES384, pair))
            .or_else(|| on(&ECDSA_P256_SHA256_FIXED_SIGNING).map(|pair| (Algorithm::ES256, pair)))
            .ok_or(InvalidKey::Kind)?;
        // jsonwebtoken signs with PKCS#8 only.
        let document = pair.to_pkcs8v1().map_err(|_| InvalidKey::Kind)?;
        Self::new(algorithm, EncodingKey::from_ec_der(document.as_ref()))
    }

    fn new(algorithm: Algorithm, encoding: EncodingKey) -> Result<Self, InvalidKey> {
        let jwk = Jwk::from_encoding_key(&encoding, algorithm).map_err(|_| InvalidKey::Kind)?;
        let mut public = serde_json::to_value(jwk).map_err(|_| InvalidKey::Kind)?;
        let kid = thumbprint(&public).ok_or(InvalidKey::Kind)?;
        public["use"] = "sig".into();
        public["kid"] = kid.as_str().into();
        Ok(Self { algorithm, encoding, public, kid })
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({:?} {})", self.algorithm, self.kid)
    }
}

/// Makes a new private key and gives it as PKCS#8 PEM: P-256 for ES256, P-384 for ES384, RSA of 3072 bits for RS384.
///
/// # Errors
/// When the algorithm is another one.
pub fn generate(algorithm: Algorithm) -> Result<String, InvalidKey> {
    let der = match algorithm {
        Algorithm::ES256 => generate_ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        Algorithm::ES384 => generate_ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
        Algorithm::RS384 => generate_rsa()?,
        _ => return Err(InvalidKey::Kind),
    };
    Ok(to_pem(&der))
}

fn generate_ec(curve: &'static EcdsaSigningAlgorithm) -> Result<Vec<u8>, InvalidKey> {
    let pair = EcdsaKeyPair::generate(curve).map_err(|_| InvalidKey::Generation)?;
    Ok(pair.to_pkcs8v1().map_err(|_| InvalidKey::Generation)?.as_ref().to_vec())
}

fn generate_rsa() -> Result<Vec<u8>, InvalidKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| InvalidKey::Generation)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| InvalidKey::Generation)?;
    Ok(der.as_ref().to_vec())
}

/// RFC 7468: lines of 64 characters.
fn to_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// Writes a secret to a new file that only its owner reads, and makes it durable. The file is there with all of its content
/// or not at all, whenever the machine stops.
///
/// # Errors
/// When the file exists already, or cannot be written.
pub fn write_secret(path: &Path, secret: &[u8]) -> io::Result<()> {
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let draft = path.with_extension("draft");
    // What an earlier try left behind.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::authorize::jwk::KeySet;

    /// Made for this test with `openssl ecparam -name secp384r1 -genkey`.
    const SEC1: &str = include_str!("fixtures/sec1.pem");
    /// Made for this test with `openssl genrsa -traditional 2048`.
    const PKCS1: &str = include_str!("fixtures/pkcs1.pem");

    #[test]
    fn a_generated_key_reads_back_and_its_signature_verifies_with_its_public_half() {
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::RS384] {
            let key = PrivateKey::from_pem(generate(algorithm).expect("a key").as_bytes()).expect("reads back");
            assert_eq!(key.algorithm, algorithm);
            verifies(&key);
        }
    }

    #[test]
    fn keys_as_openssl_writes_them_are_read() {
        for pem in [SEC1, PKCS1] {
            verifies(&PrivateKey::from_pem(pem.as_bytes()).expect("a key"));
        }
    }

    fn verifies(key: &PrivateKey) {
        let set = serde_json::json!({ "keys": [key.public] }).to_string();
        let set = KeySet::parse_registration(set.as_bytes()).expect("a public set");
        let public = set.select(Some(&key.kid), key.algorithm).expect("the key");
        let signature = jsonwebtoken::crypto::sign(b"text", &key.encoding, key.algorithm).expect("a signature");
        assert_eq!(jsonwebtoken::crypto::verify(&signature, b"text", public, key.algorithm), Ok(true));
        assert_eq!(jsonwebtoken::crypto::verify(&signature, b"test", public, key.algorithm), Ok(false));
    }

    #[test]
    fn what_is_no_private_key_is_refused_in_plain_words() {
        assert_eq!(PrivateKey::from_pem(b"").err(), Some(InvalidKey::Form));
        assert_eq!(PrivateKey::from_pem(b"{}").err(), Some(InvalidKey::Form));
        let wrong = to_pem(b"not der");
        assert_eq!(PrivateKey::from_pem(wrong.as_bytes()).err(), Some(InvalidKey::Kind));
    }

    #[test]
    fn a_secret_is_its_owners_alone_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        write_secret(&path, b"secret").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(write_secret(&path, b"other").expect_err("exists").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("there"), b"secret");
    }

    #[test]
    fn a_draft_that_an_earlier_try_left_behind_is_no_secret_and_no_hindrance() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        std::fs::write(folder.path().join("key.draft"), "sec").expect("written");
        write_secret(&path, b"secret").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"secret");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
