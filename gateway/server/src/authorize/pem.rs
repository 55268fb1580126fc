//! Private keys of clients and of the gateway: PEM in and out (PKCS#8, SEC1, PKCS#1), and what is public of them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::jwk::thumbprint;

/// A private key that signs with one algorithm.
pub struct PrivateKey {
    /// What it signs with: ES256 for P-256, ES384 for P-384, RS384 for RSA.
    pub algorithm: Algorithm,
    /// The key as jsonwebtoken wants it.
    pub encoding: EncodingKey,
    /// The public key as a JWK with `kid` (its RFC 7638 thumbprint), `alg` and `use`.
    pub public: Value,
    /// The thumbprint.
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
            PrivateKeyDer::Pkcs1(key) => Self::rsa(&RsaKeyPair::from_der(key.secret_pkcs1_der()).map_err(|_| InvalidKey::Kind)?, Some(key.secret_pkcs1_der())),
            PrivateKeyDer::Sec1(key) => Self::from_ec_der(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(key) => match RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()) {
                Ok(pair) => Self::rsa(&pair, None),
                Err(_) => Self::from_ec_der(key.secret_pkcs8_der()),
            },
            _ => Err(InvalidKey::Kind),
        }
    }
}
