//! Public keys as JWK Sets (RFC 7517): only what may verify a signature gets in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// More keys than anyone rotates; a set beyond it is refused.
const MOST_KEYS: usize = 64;

/// Public keys by their id.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// One public key that may verify signatures.
#[derive(Clone)]
struct Key {
    kid: Option<String>,
    /// `alg`, when the set binds the key to one algorithm.
    algorithm: Option<String>,
    kind: Kind,
    decoding: DecodingKey,
    source: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Why a text is no JWK Set that we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySet {
    /// Not JSON of that form.
    #[error("expected a JWK Set: a JSON object with an array `keys`")]
    Form,
    /// Too many.
    #[error("expected at most 64 keys in a JWK Set")]
    TooMany,
    /// A private or symmetric key.
    #[error("expected public keys only: the set holds a private or a symmetric key")]
    Secret,
    /// Nothing of use.
    #[error("expected a signing key of type RSA (2048 bits or more) or EC (P-256, P-384) with a `kid`")]
    Empty,
}

/// Why no single key fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// No key of that id.
    #[error("no key of that `kid` is registered")]
    Unknown,
    /// A key of that id, but of another type, curve or algorithm.
    #[error("the key of that `kid` is of another type than `alg`")]
    Unfit,
    /// Two keys of that id and type.
    #[error("more than one key of that `kid` is registered")]
    Ambiguous,
}

#[derive(Deserialize)]
struct Wire {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys that cannot verify (other types, `use` other than `sig`, short) are passed over, as RFC 7517 5
    /// says of what is not understood.
    ///
    /// # Errors
    /// When it is no set, or too large.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKeySet> {
        let set: Value = serde_json::from_slice(bytes).map_err(|_| InvalidKeySet::Form)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(InvalidKeySet::Form)?;
        if keys.len() > MOST_KEYS {
            return Err(InvalidKeySet::TooMany);
        }
        Ok(Self { keys: keys.iter().filter_map(Key::read).collect() })
    }

    /// Reads a set that is to be registered: it must hold public keys only, and each usable one must have a `kid`.
    ///
    /// # Errors
    /// When it may not be registered.
    pub fn parse_registration(bytes: &[u8]) -> Result<Self, InvalidKeySet> {
        let set: Value = serde_json::from_slice(bytes).map_err(|_| InvalidKeySet::Form)?;
        // RFC 7518 6.2.2, 6.3.2, 6.4: `d` and `k` are the secrets.
        let secret = |key: &Value| key.get("d").is_some() || key.get("k").is_some();
        if set.get("keys").and_then(Value::as_array).is_some_and(|keys| keys.iter().any(secret)) {
            return Err(InvalidKeySet::Secret);
        }
        let mut parsed = Self::parse(bytes)?;
        parsed.keys.retain(|key| key.kid.is_some());
        if parsed.keys.is_empty() { Err(InvalidKeySet::Empty) } else { Ok(parsed) }
    }

    /// The one key of that id and of the algorithm's type (SMART Backend Services: exactly one, else fail).
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn select(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, NoKey> {
        let named = |key: &&Key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.decoding),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
            (None, _) if self.keys.iter().any(|key| named(&key)) => Err(NoKey::Unfit),
            (None, _) => Err(NoKey::Unknown),
        }
    }

    /// Whether a key of that id is in it.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Each key with its id, as JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.keys.iter().filter_map(|key| Some((key.kid.as_deref()?, &key.source)))
    }

    /// Whether it has no usable key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys of both.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySet({} keys)", self.keys.len())
    }
}

impl Key {
    fn read(source: &Value) -> Option<Self> {
        let wire = Wire::deserialize(source).ok()?;
        let signs = wire.usage.as_deref().is_none_or(|usage| usage == "sig")
            && wire.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|operation| operation == "verify"));
        if !signs {
            return None;
        }
        let (kind, decoding) = wire.material()?;
        Some(Self { kid: wire.kid, algorithm: wire.alg, kind, decoding, source: source.clone() })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::ES256 => Kind::P256,
            Algorithm::ES384 => Kind::P384,
            Algorithm::EdDSA => Kind::Ed25519,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return false,
            _ => Kind::Rsa,
        };
        self.kind == kind && self.algorithm.as_deref().is_none_or(|bound| bound == format!("{algorithm:?}"))
    }
}

impl Wire {
    fn material(&self) -> Option<(Kind, DecodingKey)> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (modulus, exponent) = (self.n.as_deref()?, self.e.as_deref()?);
                is_sound_rsa(&decoded(modulus)?, &decoded(exponent)?).then_some(())?;
                Some((Kind::Rsa, DecodingKey::from_rsa_components(modulus, exponent).ok()?))
            }
            ("EC", Some("P-256")) => Some((Kind::P256, self.point(32)?)),
            ("EC", Some("P-384")) => Some((Kind::P384, self.point(48)?)),
            ("OKP", Some("Ed25519")) => {
                let x = self.x.as_deref()?;
                (decoded(x)?.len() == 32).then_some(())?;
                Some((Kind::Ed25519, DecodingKey::from_ed_components(x).ok()?))
            }
            _ => None,
        }
    }

    fn point(&self, size: usize) -> Option<DecodingKey> {
        let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
        // RFC 7518 6.2.1.2: coordinates have the full length of the field.
        (decoded(x)?.len() == size && decoded(y)?.len() == size).then_some(())?;
        DecodingKey::from_ec_components(x, y).ok()
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// 2048 to 8192 bits (RFC 7518 3.3), an odd exponent of at least 3 in at most eight bytes, and not of the weak family that
/// CVE-2017-15361 names.
fn is_sound_rsa(modulus: &[u8], exponent: &[u8]) -> bool {
    let modulus = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &modulus[first..]);
    let Some(first) = modulus.first() else { return false };
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    let exponent = exponent.iter().try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add((*byte).into()));
    (2048..=8192).contains(&bits)
        && exponent.is_some_and(|exponent| exponent >= 3 && exponent % 2 == 1)
        && !is_of_weak_family(modulus)
}

/// CVE-2017-15361: such a modulus is a power of 65537 modulo each small prime. A sound one passes all of these tests
/// with a probability of about 2^-27.
fn is_of_weak_family(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == rest
        })
    })
}

/// The SHA-256 thumbprint of a public key (RFC 7638): the `kid` of keys that we make.
#[must_use]
pub fn thumbprint(key: &Value) -> Option<String> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    // RFC 7638 3.3: required members only, in lexicographic order, without spaces.
    let canonical = match text("kty")? {
        "EC" => format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, text("crv")?, text("x")?, text("y")?),
        "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e")?, text("n")?),
        _ => return None,
    };
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638 3.1.
    const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    fn set(keys: &[&str]) -> Result<KeySet, InvalidKeySet> {
        KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        let key = serde_json::from_str(RSA).expect("json");
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn a_key_is_selected_by_id_and_algorithm() {
        let set = set(&[RSA]).expect("a set");
        assert!(set.select(Some("2011-04-29"), Algorithm::RS256).is_ok());
        assert_eq!(set.select(Some("2011-04-29"), Algorithm::RS384).err(), Some(NoKey::Unfit), "bound to RS256");
        assert_eq!(set.select(Some("2011-04-29"), Algorithm::ES384).err(), Some(NoKey::Unfit));
        assert_eq!(set.select(Some("other"), Algorithm::RS256).err(), Some(NoKey::Unknown));
        assert_eq!(set.select(Some("2011-04-29"), Algorithm::HS256).err(), Some(NoKey::Unfit));
    }

    #[test]
    fn two_keys_of_one_id_fit_nobody() {
        let set = set(&[RSA, RSA]).expect("a set");
        assert_eq!(set.select(Some("2011-04-29"), Algorithm::RS256).err(), Some(NoKey::Ambiguous));
    }

    #[test]
    fn keys_that_cannot_verify_are_passed_over() {
        let encrypts = RSA.replace(r#""alg":"RS256""#, r#""use":"enc""#);
        let wraps = RSA.replace(r#""alg":"RS256""#, r#""key_ops":["wrapKey"]"#);
        let one = RSA.replace("AQAB", "AQ");
        let short =
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf","e":"AQAB","kid":"k"}"#;
        let symmetric = r#"{"kty":"oct","k":"AAAA","kid":"k"}"#;
        let curve = r#"{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA","kid":"k"}"#;
        for key in [&encrypts, &wraps, &one, short, symmetric, curve, "7", "{}"] {
            assert!(set(&[key]).expect("a set").is_empty(), "{key}");
        }
    }

    #[test]
    fn a_private_key_is_not_registered() {
        let private = RSA.replace(r#""kty""#, r#""d":"AAAA","kty""#);
        let set = format!(r#"{{"keys":[{private}]}}"#);
        assert_eq!(KeySet::parse_registration(set.as_bytes()).err(), Some(InvalidKeySet::Secret));
        assert_eq!(KeySet::parse_registration(br#"{"keys":[]}"#).err(), Some(InvalidKeySet::Empty));
        assert_eq!(KeySet::parse_registration(b"[]").err(), Some(InvalidKeySet::Form));
    }

    #[test]
    fn a_set_of_too_many_keys_is_refused() {
        assert_eq!(set(&vec![RSA; 65]).err(), Some(InvalidKeySet::TooMany));
    }
}
