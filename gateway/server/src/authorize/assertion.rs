//! The checks of a client assertion (RFC 7523 3, SMART Backend Services): everything but who may have signed it.

use std::time::{Duration, SystemTime};

use jsonwebtoken::Algorithm;

use super::endpoint::TokenError;
use super::jose::{Claims, InvalidToken, Unverified};

/// What SMART asks of a server.
pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS384, Algorithm::ES384];

/// How far ahead `exp` may be.
pub const LONGEST: Duration = Duration::from_secs(300);

/// A `jti` is a nonce, not a document.
const LONGEST_JTI: usize = 256;

/// What an assertion is checked against.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The URL of the token endpoint.
    pub audience: &'a str,
    /// `client_id` of the form, when it was sent.
    pub client_id: Option<&'a str>,
    /// Now.
    pub now: SystemTime,
    /// How far the clocks may be apart.
    pub skew: Duration,
}

/// What an assertion says, its signature not verified yet.
pub struct Assertion<'a> {
    /// `iss` and `sub`.
    pub client: String,
    /// `jti`
    pub id: String,
    /// `exp`
    pub expires: SystemTime,
    /// `kid`
    pub kid: String,
    /// `jku`
    pub jku: Option<String>,
    /// What is left to verify.
    pub token: Unverified<'a>,
}

/// Takes an assertion apart and checks all that needs no key.
///
/// # Errors
/// `invalid_client` that says what was expected.
pub fn check<'a>(text: &'a str, expected: Expected<'_>) -> Result<Assertion<'a>, TokenError> {
    let token = Unverified::parse(text).map_err(refusal)?;
    let header = &token.header;
    if !ALGORITHMS.contains(&header.algorithm) {
        return Err(refusal(InvalidToken::Algorithm));
    }
    if !header.is_typed(&["jwt", "client-authentication+jwt"]) {
        return Err(refused("expected `typ` of the assertion to be JWT"));
    }
    let kid = header.kid.clone().filter(|kid| !kid.is_empty());
    let kid = kid.ok_or_else(|| refused("expected `kid` in the header of the assertion"))?;
    let client = issuer(&token.claims, expected.client_id)?.to_owned();
    check_audience(&token.claims, expected.audience)?;
    let expires = check_times(&token.claims, expected.now, expected.skew)?;
    let id = token.claims.text("jti").filter(|id| (1..=LONGEST_JTI).contains(&id.len()));
    let id = id.ok_or_else(|| refused("expected `jti` of the assertion: 1 to 256 characters"))?.to_owned();
    Ok(Assertion { client, id, expires, kid, jku: header.jku.clone(), token })
}

/// The words for a token that does not verify.
#[must_use]
pub fn refusal(error: InvalidToken) -> TokenError {
    match error {
        InvalidToken::Algorithm => refused("expected `alg` of the assertion to be RS384 or ES384"),
        other => refused(&format!("client_assertion: {other}")),
    }
}

fn refused(text: &str) -> TokenError {
    TokenError::client(text)
}

fn issuer<'a>(claims: &'a Claims, client_id: Option<&str>) -> Result<&'a str, TokenError> {
    let (Some(issuer), Some(subject)) = (claims.text("iss"), claims.text("sub")) else {
        return Err(refused("expected `iss` and `sub` of the assertion"));
    };
    if issuer != subject || client_id.is_some_and(|id| id != issuer) {
        return Err(refused("expected `iss` and `sub` of the assertion to be the client id"));
    }
    Ok(issuer)
}

/// One audience and no other: an assertion that is good elsewhere too could be carried there, or from there.
fn check_audience(claims: &Claims, audience: &str) -> Result<(), TokenError> {
    if claims.audiences() == [audience] {
        return Ok(());
    }
    Err(refused(&format!("expected `aud` of the assertion to be {audience}")))
}

fn check_times(claims: &Claims, now: SystemTime, skew: Duration) -> Result<SystemTime, TokenError> {
    let date = |name| claims.date(name).map_err(|error| refused(&format!("client_assertion: {error}")));
    let expires = date("exp")?.ok_or_else(|| refused("expected `exp` of the assertion"))?;
    if expires + skew <= now {
        return Err(refused("expected `exp` of the assertion to be in the future: it has expired"));
    }
    if expires > now + LONGEST + skew {
        return Err(refused("expected `exp` of the assertion at most 300 s ahead"));
    }
    for name in ["nbf", "iat"] {
        if date(name)?.is_some_and(|date| date > now + skew) {
            return Err(refused(&format!("expected `{name}` of the assertion not to be in the future")));
        }
    }
    Ok(expires)
}
