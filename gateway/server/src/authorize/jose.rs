//! A signed token taken apart (RFC 7515 compact serialisation, RFC 7519 claims): strict, bounded, and in one place for
//! client assertions, our own tokens and those of others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::jwk::{KeySet, NoKey};

/// A token with its parts decoded. Nothing of it is believed before [`Unverified::verify`].
pub struct Unverified<'a> {
    /// The JOSE header.
    pub header: Header,
    /// The claims, still of anybody.
    pub claims: Claims,
    message: &'a [u8],
    signature: &'a str,
}

/// What we read of a JOSE header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`
    pub algorithm: Algorithm,
    /// `kid`
    pub kid: Option<String>,
    /// `typ`
    pub typ: Option<String>,
    /// `jku`
    pub jku: Option<String>,
}

/// The claims of a token. Its `Debug` shows nothing: they may name a patient.
#[derive(Clone, Default)]
pub struct Claims(Map<String, Value>);

/// Why a text is no token, or not one of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Not three parts of base64url, or not JSON in them.
    #[error("expected a signed JWT in compact form")]
    Form,
    /// `alg` is none that we know.
    #[error("expected another `alg`")]
    Algorithm,
    /// `crit` names extensions (RFC 7515 4.1.11: what is not understood is refused).
    #[error("expected no `crit` in the header")]
    Critical,
    /// No key fits.
    #[error(transparent)]
    Key(#[from] NoKey),
    /// The signature is not made by the key.
    #[error("the signature does not verify")]
    Signature,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is no JWT of a known algorithm.
    pub fn parse(token: &'a str) -> Result<Self, InvalidToken> {
        let (header, payload, message, signature) = split(token).ok_or(InvalidToken::Form)?;
        let header = Header::parse(&decode(header)?)?;
        let Members(claims) = serde_json::from_slice(&decode(payload)?).map_err(|_| InvalidToken::Form)?;
        Ok(Self { header, claims: Claims(claims), message, signature })
    }

    /// The claims, once the one fitting key of the set has verified them.
    ///
    /// # Errors
    /// When `alg` is not allowed, no single key fits, or the signature is not its.
    pub fn verify(self, keys: &KeySet, allowed: &[Algorithm]) -> Result<Claims, InvalidToken> {
        verify(&self.header, self.message, self.signature, keys, allowed)?;
        Ok(self.claims)
    }
}

fn verify(
    header: &Header,
    message: &[u8],
    signature: &str,
    keys: &KeySet,
    allowed: &[Algorithm],
) -> Result<(), InvalidToken> {
    if !allowed.contains(&header.algorithm) {
        return Err(InvalidToken::Algorithm);
    }
    let key = keys.select(header.kid.as_deref(), header.algorithm)?;
    match jsonwebtoken::crypto::verify(signature, message, key, header.algorithm) {
        Ok(true) => Ok(()),
        _ => Err(InvalidToken::Signature),
    }
}

/// Verifies any compact JWS and gives its payload: what the outside vectors are run through.
///
/// # Errors
/// As [`Unverified::parse`] and [`Unverified::verify`].
pub fn verify_payload(token: &str, keys: &KeySet, allowed: &[Algorithm]) -> Result<Vec<u8>, InvalidToken> {
    let (header, payload, message, signature) = split(token).ok_or(InvalidToken::Form)?;
    let payload = decode(payload)?;
    verify(&Header::parse(&decode(header)?)?, message, signature, keys, allowed)?;
    Ok(payload)
}

/// Header, payload, what is signed, signature.
fn split(token: &str) -> Option<(&str, &str, &[u8], &str)> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    (!payload.contains('.') && !signature.is_empty()).then_some((header, payload, message.as_bytes(), signature))
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken::Form)
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, InvalidToken> {
        let Members(mut members) = serde_json::from_slice(json).map_err(|_| InvalidToken::Form)?;
        if members.contains_key("crit") {
            return Err(InvalidToken::Critical);
        }
        let algorithm = members.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
        let algorithm = algorithm.ok_or(InvalidToken::Algorithm)?;
        let mut text = |name: &str| match members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidToken::Form),
        };
        Ok(Self { algorithm, kid: text("kid")?, typ: text("typ")?, jku: text("jku")? })
    }

    /// Whether `typ` is one of these; RFC 7515 4.1.9 compares without case and lets `application/` be left out.
    #[must_use]
    pub fn is_typed(&self, types: &[&str]) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let typ = typ.to_ascii_lowercase();
            types.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
        })
    }
}

impl Claims {
    /// Claims that an introspection answered with.
    #[must_use]
    pub const fn of(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A claim of any form.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A claim that is a whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// A claim that is a NumericDate (RFC 7519 2), which may have a fraction.
    ///
    /// # Errors
    /// When it is there and is no date.
    pub fn date(&self, name: &'static str) -> Result<Option<SystemTime>, NotADate> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds)).ok_or(NotADate(name))?;
        Ok(Some(UNIX_EPOCH + Duration::from_secs_f64(seconds)))
    }

    /// `aud`: one text or several.
    #[must_use]
    pub fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims(…)")
    }
}

/// A claim that should be a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `{0}` to be seconds since 1970")]
pub struct NotADate(&'static str);

/// An object whose names are unique: RFC 7515 4 lets a receiver refuse others, and two readers must not see two tokens.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    fn refusal(token: &str) -> InvalidToken {
        Unverified::parse(token).err().expect(token)
    }

    #[test]
    fn what_is_no_compact_jwt_is_refused() {
        let good = token(r#"{"alg":"ES384"}"#, "{}");
        assert!(Unverified::parse(&good).is_ok());
        for text in ["", ".", "..", "...", "a.b.c", "é.é.é", &format!("{good}."), &good.replace('.', "=.")] {
            assert_eq!(refusal(text), InvalidToken::Form, "{text}");
        }
        assert_eq!(refusal(&token("[]", "{}")), InvalidToken::Form);
        assert_eq!(refusal(&token(r#"{"alg":"ES384"}"#, "7")), InvalidToken::Form);
        assert_eq!(refusal(&token(r#"{"alg":"ES384","kid":7}"#, "{}")), InvalidToken::Form);
    }

    #[test]
    fn a_token_without_an_algorithm_or_with_none_is_refused() {
        for header in ["{}", r#"{"alg":"none"}"#, r#"{"alg":"NONE"}"#, r#"{"alg":7}"#, r#"{"alg":""}"#] {
            assert_eq!(refusal(&token(header, "{}")), InvalidToken::Algorithm, "{header}");
        }
    }

    #[test]
    fn critical_extensions_and_doubled_names_are_refused() {
        assert_eq!(refusal(&token(r#"{"alg":"ES384","crit":["b64"]}"#, "{}")), InvalidToken::Critical);
        assert_eq!(refusal(&token(r#"{"alg":"ES384"}"#, r#"{"iss":"a","iss":"b"}"#)), InvalidToken::Form);
        assert_eq!(refusal(&token(r#"{"alg":"ES384"}"#, r#"{"iss":"a","is\u0073":"b"}"#)), InvalidToken::Form);
        assert_eq!(refusal(&token(r#"{"alg":"RS384","alg":"ES384"}"#, "{}")), InvalidToken::Form);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(header in "\\PC{0,60}", claims in "\\PC{0,60}", text in "\\PC{0,80}") {
            let _ = Unverified::parse(&token(&header, &claims));
            let _ = Unverified::parse(&text);
        }
    }

    #[test]
    fn a_type_is_compared_without_case_and_prefix() {
        let header =
            |typ: &str| Header::parse(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#).as_bytes()).expect("header");
        assert!(header("at+JWT").is_typed(&["at+jwt"]) && header("application/at+jwt").is_typed(&["at+jwt"]));
        assert!(!header("JWT").is_typed(&["at+jwt"]));
    }

    #[test]
    fn a_date_is_seconds_and_nothing_else() {
        let claims = |json: &str| Claims(serde_json::from_str(json).expect("json"));
        assert_eq!(claims(r#"{"exp":10.5}"#).date("exp"), Ok(Some(UNIX_EPOCH + Duration::from_millis(10_500))));
        assert_eq!(claims("{}").date("exp"), Ok(None));
        for exp in ["\"10\"", "-1", "1e300", "null"] {
            assert!(claims(&format!(r#"{{"exp":{exp}}}"#)).date("exp").is_err(), "{exp}");
        }
    }
}
