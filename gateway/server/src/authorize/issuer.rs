//! Tokens of outside issuers: every check of RFC 9068 4, keys by URL or discovery, introspection (RFC 7662) where the
//! configuration has it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::{Clock, Practice};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fhir::{Compartment, Id, ResourceType};
use form_urlencoded::{Serializer, byte_serialize};
use http::HeaderValue;
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use serde_json::Value;
use url::Url;

use super::Caller;
use super::fetch::{Fetch, FetchError};
use super::grant::{Grant, User};
use super::jose::{Claims, InvalidToken, Unverified};
use super::jwks::{JwksCache, JwksError};
use super::scopes::Scopes;

/// How long an introspection is believed when the token itself lasts longer.
const INTROSPECTED: Duration = Duration::from_secs(60);

/// How long a discovery document is believed.
const DISCOVERED: Duration = Duration::from_secs(3600);

/// An outside issuer that the configuration trusts.
pub struct Issuer {
    settings: config::Issuer,
    practice: Practice,
    algorithms: Vec<Algorithm>,
    most: Option<Scopes>,
    /// Where discovery said that the keys are, and until when that is believed.
    discovered: Mutex<Option<(Url, SystemTime)>>,
    introspection: Option<(Url, HeaderValue)>,
}

/// What a token is verified with.
pub struct Tools {
    /// Asks issuers.
    pub fetch: Arc<Fetch>,
    /// Their keys.
    pub jwks: JwksCache,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How far clocks may be apart.
    pub skew: Duration,
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// By itself: the text is for the client.
    #[error("{0}")]
    Token(String),
    /// The issuer cannot be asked: the client cannot help it.
    #[error("the issuer of the token cannot be asked")]
    Issuer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An issuer in the configuration that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("issuer `{name}`: {why}")]
pub struct InvalidIssuer {
    /// Which.
    pub name: String,
    /// Why.
    pub why: String,
}

impl Refused {
    fn token(text: impl Into<String>) -> Self {
        Self::Token(text.into())
    }
}

impl From<InvalidToken> for Refused {
    fn from(error: InvalidToken) -> Self {
        Self::Token(format!("access token: {error}"))
    }
}

impl From<JwksError> for Refused {
    fn from(error: JwksError) -> Self {
        Self::Issuer(Box::new(error))
    }
}

impl From<FetchError> for Refused {
    fn from(error: FetchError) -> Self {
        Self::Issuer(Box::new(error))
    }
}

impl Issuer {
    /// An issuer of the configuration.
    ///
    /// # Errors
    /// When a scope is none, or the secret cannot be read.
    pub fn new(name: &str, settings: &config::Issuer) -> Result<Self, InvalidIssuer> {
        let invalid = |why: String| InvalidIssuer { name: name.to_owned(), why };
        let most = settings.scopes.as_deref().map(Scopes::parse).transpose();
        let introspection = match &settings.introspection {
            None => None,
            Some(endpoint) => {
                let secret = endpoint.secret.read().map_err(|error| invalid(error.to_string()))?;
                Some((
                    endpoint.url.clone(),
                    basic(&endpoint.client, secret.reveal())
                        .ok_or_else(|| invalid("expected a client id and a secret that fit into a header".into()))?,
                ))
            }
        };
        Ok(Self {
            practice: Practice::new(&settings.practice),
            algorithms: settings.algorithms.iter().map(|algorithm| known(*algorithm)).collect(),
            most: most.map_err(|error| invalid(error.to_string()))?,
            discovered: Mutex::new(None),
            introspection,
            settings: settings.clone(),
        })
    }

    /// Whether it is the issuer of that name. A URL type adds the slash that a bare host lacks.
    #[must_use]
    pub fn is(&self, iss: &str) -> bool {
        let url = self.settings.url.as_str();
        iss == url || self.settings.url.path() == "/" && url.strip_suffix('/') == Some(iss)
    }

    /// The practice that its tokens are for.
    #[must_use]
    pub const fn practice(&self) -> &Practice {
        &self.practice
    }

    /// Whether it is asked about tokens.
    #[must_use]
    pub const fn introspects(&self) -> bool {
        self.introspection.is_some()
    }

    /// Verifies a JWT, asks about it when the configuration says so.
    ///
    /// # Errors
    /// When it is not good, or that cannot be found out.
    pub async fn verify(&self, text: &str, bases: &[String], tools: &Tools) -> Result<Grant, Refused> {
        let token = Unverified::parse(text)?;
        let url = self.keys_url(tools).await?;
        let keys = tools.jwks.keys(&url, token.header.kid.as_deref()).await?;
        let header = token.header.clone();
        let claims = token.verify(&keys, &self.algorithms)?;
        // RFC 9068 4: an ID token of the same issuer and key is no access token.
        let is_access_token = match &self.settings.access_token_claim {
            Some(claim) => claims.value(claim).is_some(),
            None => header.is_typed(&[self.settings.token_type.to_ascii_lowercase().as_str()]),
        };
        if !is_access_token {
            return Err(Refused::token(match &self.settings.access_token_claim {
                Some(claim) => format!("expected an access token: one with the claim `{claim}`"),
                None => format!("expected an access token: `typ` {}", self.settings.token_type),
            }));
        }
        let mut grant = self.grant(&claims, bases, tools)?;
        if self.introspects() {
            let asked = self.introspect(text, bases, tools).await?;
            grant.expires = grant.expires.min(asked.expires);
            grant.patient = grant.patient.or(asked.patient);
            grant.caller.patient = grant.patient.clone();
        }
        Ok(grant)
    }

    /// Asks the issuer about a token (RFC 7662).
    ///
    /// # Errors
    /// When it is not active, not for us, or that cannot be found out.
    pub async fn introspect(&self, token: &str, bases: &[String], tools: &Tools) -> Result<Grant, Refused> {
        let Some((url, credentials)) = &self.introspection else {
            return Err(Refused::token("expected a signed JWT as access token"));
        };
        let form = Serializer::new(String::new()).append_pair("token", token).finish();
        let answer = tools.fetch.post_form(url, form, credentials.clone()).await?;
        let answer = serde_json::from_slice::<Value>(&answer.body).map_err(|error| Refused::Issuer(error.into()))?;
        let Value::Object(members) = answer else {
            return Err(Refused::Issuer("expected a JSON object from introspection".into()));
        };
        let claims = Claims::of(members);
        if claims.value("active") != Some(&Value::Bool(true)) {
            return Err(Refused::token("the access token is not active"));
        }
        let mut grant = self.grant(&claims, bases, tools)?;
        grant.expires = grant.expires.min(tools.clock.now() + INTROSPECTED);
        Ok(grant)
    }

    /// The checks of claims that JWT and introspection share. An introspection may leave `iss` and `aud` out: the
    /// configured issuer itself has answered.
    fn grant(&self, claims: &Claims, ours: &[String], tools: &Tools) -> Result<Grant, Refused> {
        let is_introspection = claims.value("active").is_some();
        match claims.text("iss") {
            Some(iss) if self.is(iss) => {}
            None if is_introspection => {}
            _ => return Err(Refused::token(format!("expected `iss` {}", self.settings.url))),
        }
        let audiences = claims.audiences();
        if !(is_introspection && claims.value("aud").is_none()) {
            self.check_audience(&audiences, ours)?;
        }
        let expires = check_times(claims, tools.clock.now(), tools.skew)?;
        let bases = match &self.settings.audience {
            None if !is_introspection => Some(audiences.iter().map(|audience| (*audience).to_owned()).collect()),
            _ => None,
        };
        Ok(self.granted(claims, expires, bases, ours))
    }

    fn check_audience(&self, audiences: &[&str], bases: &[String]) -> Result<(), Refused> {
        let is_ours = match &self.settings.audience {
            Some(audience) => audiences.contains(&audience.as_str()),
            None => bases.iter().any(|base| audiences.contains(&base.as_str())),
        };
        let expected = self.settings.audience.as_deref().or(bases.first().map(String::as_str)).unwrap_or_default();
        if is_ours { Ok(()) } else { Err(Refused::token(format!("expected `aud` {expected}"))) }
    }

    fn granted(&self, claims: &Claims, expires: SystemTime, bases: Option<Vec<String>>, ours: &[String]) -> Grant {
        let text = scope_text(claims.value(&self.settings.scope_claim));
        let scopes = self.bounded(&text);
        let client = [self.settings.client_claim.as_str(), "client_id", "azp", "sub"];
        let client = client.iter().find_map(|claim| claims.text(claim)).unwrap_or("unknown");
        let patient = claims.text(&self.settings.patient_claim).and_then(patient);
        let caller = Caller {
            client: client.into(),
            issuer: self.settings.url.as_str().into(),
            token: claims.text("jti").map(Arc::from),
            user: claims.text("fhirUser").map(Arc::from),
            scopes: text.as_str().into(),
            patient: patient.clone(),
        };
        Grant {
            user: caller.user.as_deref().and_then(|user| User::read(user, ours)),
            caller,
            scopes,
            patient,
            practice: self.practice.clone(),
            bases,
            expires,
            epoch: None,
            certificate: claims.value("cnf").filter(|cnf| !cnf.is_null()).map(certificate),
        }
    }

    /// What of the token's scopes this issuer may grant.
    fn bounded(&self, text: &str) -> Scopes {
        let Some(most) = &self.most else { return Scopes::parse_known(text) };
        let mut scopes = Scopes::default();
        let asked = text.split_ascii_whitespace().filter_map(|scope| scope.parse().ok());
        asked.flat_map(|scope| most.granted(scope)).for_each(|scope| scopes.insert(scope));
        scopes
    }

    async fn keys_url(&self, tools: &Tools) -> Result<Url, Refused> {
        if let Some(url) = &self.settings.jwks_url {
            return Ok(url.clone());
        }
        let now = tools.clock.now();
        let discovered = self.discovered.lock().clone();
        if let Some((url, _)) = discovered.filter(|(_, until)| now < *until) {
            return Ok(url);
        }
        let url = self.discover(tools).await?;
        *self.discovered.lock() = Some((url.clone(), now + DISCOVERED));
        Ok(url)
    }

    /// OpenID Connect Discovery 4: the document's `issuer` must be the one that was asked.
    async fn discover(&self, tools: &Tools) -> Result<Url, Refused> {
        let issuer = self.settings.url.as_str().trim_end_matches('/');
        let at = Url::parse(&format!("{issuer}/.well-known/openid-configuration")).map_err(|_| FetchError::Url)?;
        let document = tools.fetch.get(&at).await?;
        let document: Value = serde_json::from_slice(&document.body).map_err(|error| Refused::Issuer(error.into()))?;
        if !document["issuer"].as_str().is_some_and(|found| self.is(found)) {
            return Err(Refused::Issuer("expected the discovery document to name its own issuer".into()));
        }
        let keys = document["jwks_uri"].as_str().and_then(|url| Url::parse(url).ok());
        keys.ok_or_else(|| Refused::Issuer("expected `jwks_uri` in the discovery document".into()))
    }
}

fn check_times(claims: &Claims, now: SystemTime, skew: Duration) -> Result<SystemTime, Refused> {
    let date = |name| claims.date(name).map_err(|error| Refused::token(format!("access token: {error}")));
    let expires = match date("exp")? {
        Some(expires) => expires,
        // RFC 7662 2.2: an introspection may leave it out; it is believed for a minute.
        None if claims.value("active").is_some() => now + INTROSPECTED,
        None => return Err(Refused::token("expected `exp` in the access token")),
    };
    if expires + skew <= now {
        return Err(Refused::token("the access token has expired"));
    }
    if date("nbf")?.is_some_and(|date| date > now + skew) {
        return Err(Refused::token("the access token is not valid yet"));
    }
    Ok(expires + skew)
}

/// A text with blanks (RFC 9068 2.2.3), or an array of texts as some issuers write it.
fn scope_text(claim: Option<&Value>) -> String {
    match claim {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn patient(claim: &str) -> Option<Compartment> {
    let id: Id = claim.strip_prefix("Patient/").unwrap_or(claim).parse().ok()?;
    Some(Compartment { resource_type: ResourceType::PATIENT, id })
}

/// `x5t#S256` of a confirmation (RFC 8705 3.1). One that cannot be read, or that binds to something else than a certificate
/// (RFC 9449), binds to a certificate that nobody has.
fn certificate(confirmation: &Value) -> [u8; 32] {
    let thumbprint = confirmation.get("x5t#S256").and_then(Value::as_str).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(thumbprint).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

/// RFC 6749 2.3.1: both parts are form-encoded before they are joined.
fn basic(client: &str, secret: &str) -> Option<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client), encode(secret)))))
            .ok()?;
    value.set_sensitive(true);
    Some(value)
}

const fn known(algorithm: config::Algorithm) -> Algorithm {
    match algorithm {
        config::Algorithm::RS256 => Algorithm::RS256,
        config::Algorithm::RS384 => Algorithm::RS384,
        config::Algorithm::RS512 => Algorithm::RS512,
        config::Algorithm::PS256 => Algorithm::PS256,
        config::Algorithm::PS384 => Algorithm::PS384,
        config::Algorithm::PS512 => Algorithm::PS512,
        config::Algorithm::ES256 => Algorithm::ES256,
        config::Algorithm::ES384 => Algorithm::ES384,
        config::Algorithm::EdDSA => Algorithm::EdDSA,
    }
}
