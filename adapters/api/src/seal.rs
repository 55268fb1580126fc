//! Opaque, authenticated, expiring tokens that a client carries for us: page links.

use std::time::{Duration, SystemTime};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Seals and opens tokens with one key (AES-256-GCM). A token is bound to a context that is not in it: the practice,
/// the resource type, the compartment. Whoever changes the context cannot open the token.
pub struct Seal {
    key: RandomizedNonceKey,
}

/// Why a token does not open. Says nothing more: the bearer may be anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not ours, or not for this context.
    #[error("the page link is not one of this server's, or not for this search")]
    Foreign,
    /// Too old.
    #[error("the page link has expired; search again")]
    Expired,
}

impl Seal {
    /// A seal with that key.
    ///
    /// # Panics
    /// Never: 32 bytes are a key of AES-256.
    #[must_use]
    #[allow(clippy::expect_used, reason = "the length is in the type")]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: RandomizedNonceKey::new(&AES_256_GCM, key).expect("32 bytes are a key") }
    }

    /// Seals a text until `expires`.
    #[must_use]
    pub fn seal(&self, context: &str, content: &[u8], expires: SystemTime) -> String {
        let seconds = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut plain = seconds.to_be_bytes().to_vec();
        plain.extend_from_slice(content);
        // Sealing fails for plaintexts beyond 64 GiB only.
        let Ok(nonce) = self.key.seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut plain) else {
            return String::new();
        };
        let mut token = nonce.as_ref().to_vec();
        token.extend_from_slice(&plain);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens a token.
    ///
    /// # Errors
    /// When it is not ours, was sealed for another context, or has expired.
    pub fn open(&self, context: &str, token: &str, now: SystemTime) -> Result<Vec<u8>, SealError> {
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Foreign)?;
        let (nonce, sealed) = token.split_at_checked(NONCE_LEN).ok_or(SealError::Foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Foreign)?;
        let mut sealed = sealed.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| SealError::Foreign)?;
        let (seconds, content) = plain.split_first_chunk::<8>().ok_or(SealError::Foreign)?;
        if SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from_be_bytes(*seconds)) < now {
            return Err(SealError::Expired);
        }
        Ok(content.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> (Seal, SystemTime) {
        (Seal::new(&[7; 32]), SystemTime::now())
    }

    #[test]
    fn a_token_opens_in_its_own_context_until_it_expires() {
        let (seal, now) = seal();
        let token = seal.seal("default Patient", b"offset=20", now + Duration::from_secs(60));
        assert_eq!(seal.open("default Patient", &token, now).unwrap(), b"offset=20");
        assert_eq!(seal.open("other Patient", &token, now), Err(SealError::Foreign));
        let later = now + Duration::from_secs(120);
        assert_eq!(seal.open("default Patient", &token, later), Err(SealError::Expired));
    }

    #[test]
    fn a_changed_token_or_any_other_text_is_foreign() {
        let (seal, now) = seal();
        let token = seal.seal("c", b"content", now + Duration::from_secs(60));
        let mut changed = token.into_bytes();
        changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        for text in [changed.as_str(), "", "?", "AAAA", &"A".repeat(10_000)] {
            assert_eq!(seal.open("c", text, now), Err(SealError::Foreign));
        }
    }
}
