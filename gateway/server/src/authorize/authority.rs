//! Everything that this stage knows and keeps: one for each gateway.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::{Clock, Practice, PracticeAdditions};
use bytes::Bytes;
use fhir::Compartment;
use jsonwebtoken::Algorithm;
use serde_json::json;
use uuid::Uuid;

use super::access::Policy;
use super::assertion::{self, Assertion, Expected};
use super::clients::{Client, Clients, InvalidClient, Keys};
use super::database::DatabaseError;
use super::endpoint::{Form, TokenError, TokenErrorCode, TokenRequest, TokenResponse};
use super::fetch::Fetch;
use super::grant::GrantCache;
use super::issuer::{InvalidIssuer, Issuer, Tools};
use super::jwk::KeySet;
use super::jwks::JwksCache;
use super::limits::Limits;
use super::replay::{Replay, ReplayError};
use super::scope::{Context, Fault, Named, Scope};
use super::signing::{Signing, SigningError};
use crate::receive::places::Places;

/// Each may become one scope a resource type.
const MOST_SCOPES: usize = 200;

/// The embedded authorization server and what it takes to verify tokens. Cheap to clone; one for each gateway.
#[derive(Clone)]
pub struct Authority(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) places: Places,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clients: Clients,
    replay: Replay,
    pub(super) signing: Signing,
    pub(super) issuers: Vec<Issuer>,
    pub(super) tools: Tools,
    pub(super) cache: GrantCache,
    pub(super) limits: Limits,
    pub(super) policy: Arc<Policy>,
    token_lifetime: Duration,
}

/// Why the stage cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A client of the configuration.
    #[error(transparent)]
    Client(#[from] InvalidClient),
    /// An issuer of the configuration.
    #[error(transparent)]
    Issuer(#[from] InvalidIssuer),
    /// The signing keys.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl Authority {
    /// Opens what is in the data folder; makes what is not there yet. `places` are where clients find the gateway, and
    /// `additions` what packages add to the search parameters of the specification.
    ///
    /// # Errors
    /// When a file, a client or an issuer cannot be used.
    pub fn open(
        config: &config::Config,
        places: Places,
        clock: Arc<dyn Clock>,
        additions: PracticeAdditions,
    ) -> Result<Self, OpenError> {
        let settings = &config.authorization;
        let data = &config.gateway.data;
        let fetch = Arc::new(Fetch::new(settings.fetch_time.0));
        let jwks = JwksCache::new(fetch.clone(), clock.clone(), settings.jwks_lifetime.0, settings.jwks_refresh.0);
        Ok(Self(Arc::new(Inner {
            places,
            clients: Clients::open(data, config)?,
            replay: Replay::open(data)?,
            signing: Signing::open(data, settings.key_lifetime.0, clock.now())?,
            issuers: config.issuers.iter().map(|(name, issuer)| Issuer::new(name, issuer)).collect::<Result<_, _>>()?,
            tools: Tools { fetch, jwks, clock: clock.clone(), skew: settings.clock_skew.0 },
            cache: GrantCache::new(settings.token_cache as usize),
            limits: Limits::new(&config.rate_limits, &config.clients),
            policy: Arc::new(Policy {
                directory: settings.directory_reads.clone().into(),
                staff: settings.staff.clone(),
                additions,
            }),
            // SMART Backend Services: expires_in should not exceed 300 s.
            token_lifetime: settings.token_lifetime.0.min(Duration::from_secs(300)),
            clock,
        })))
    }

    /// The public keys of our tokens as a JWK Set.
    #[must_use]
    pub fn jwks(&self) -> Bytes {
        self.0.signing.json()
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Where keys of clients and issuers could not be fetched when they were last needed, with why.
    #[must_use]
    pub fn unavailable_keys(&self) -> Vec<(String, String)> {
        let failed = self.0.tools.jwks.unavailable().into_iter();
        let mut failed: Vec<_> = failed.map(|(url, error)| (url.to_string(), error.to_string())).collect();
        failed.sort();
        failed
    }

    /// Whether some client of the practice may call from pages of that origin.
    #[must_use]
    pub fn allows_origin(&self, practice: &Practice, origin: &str) -> bool {
        self.0.clients.current().is_ok_and(|clients| clients.allows_origin(practice, origin))
    }

    /// Answers a request to the token endpoint.
    ///
    /// # Errors
    /// As RFC 6749 5.2 says; [`TokenError::into_http`] writes it.
    pub async fn token(&self, request: TokenRequest<'_>) -> Result<TokenResponse, TokenError> {
        // Signatures cost the server more than the client: an address is limited before any is verified.
        self.0.limits.token(request.address)?;
        let result = self.grant_token(request).await;
        if matches!(&result, Err(error) if error.code == TokenErrorCode::InvalidClient) {
            self.0.limits.failed(request.address);
        }
        result
    }

    async fn grant_token(&self, request: TokenRequest<'_>) -> Result<TokenResponse, TokenError> {
        let form = Form::read(&request)?;
        let inner = &self.0;
        let audience = inner.places.token(request.practice);
        let expected = Expected {
            audience: &audience,
            client_id: form.client_id.as_deref(),
            now: inner.clock.now(),
            skew: inner.tools.skew,
        };
        let assertion = assertion::check(form.assertion()?, expected)?;
        let clients = inner.clients.current().map_err(TokenError::server)?;
        let client = clients.client(request.practice, &assertion.client).cloned().ok_or_else(not_believed)?;
        let keys = inner.keys(&client, &assertion).await?;
        let (id, expires) = (assertion.id, assertion.expires);
        assertion.token.verify(&keys, &assertion::ALGORITHMS).map_err(assertion::refusal)?;
        let wish = Wish::read(&form, &client)?;
        // Recording waits for the disk, signing for the processor: neither on a worker that serves others.
        let inner = inner.clone();
        let issue = move || inner.record(&client, &id, expires).and_then(|()| inner.issue(&client, &wish));
        tokio::task::spawn_blocking(issue).await.map_err(TokenError::server)?
    }
}

/// The same words for who is not known, is switched off or has other keys.
fn not_believed() -> TokenError {
    TokenError::client("the client is not registered here, or is disabled")
}

/// What a client asks for and may have.
struct Wish {
    scopes: Vec<Scope>,
    patient: Option<Compartment>,
}

impl Wish {
    fn read(form: &Form, client: &Client) -> Result<Self, TokenError> {
        let invalid = |text: &str| TokenError::new(TokenErrorCode::InvalidScope, text);
        let asked = form.scope.as_deref().ok_or_else(|| invalid("expected `scope`"))?;
        let patient = form.patient()?;
        if patient.is_some() && !client.patient_context {
            let text = "the client may not ask for a token in a patient's context";
            return Err(TokenError::new(TokenErrorCode::UnauthorizedClient, text));
        }
        if asked.split_ascii_whitespace().count() > MOST_SCOPES {
            return Err(invalid("expected at most 200 scopes"));
        }
        let mut scopes: Vec<Scope> = Vec::new();
        for text in asked.split_ascii_whitespace() {
            match text.parse::<Scope>() {
                Ok(scope) => scopes.extend(client.scopes.granted(scope)),
                // RFC 6749 3.3: what we do not know is left out; what looks like ours and is wrong is refused.
                Err(error) if error.fault == Fault::Unknown => {}
                Err(error) => return Err(invalid(&error.to_string())),
            }
        }
        let patient = patient.filter(|_| scopes.contains(&Scope::Named(Named::LaunchPatient)));
        let mut seen = HashSet::new();
        scopes.retain(|scope| is_usable(*scope, patient.is_some()) && seen.insert(*scope));
        if !scopes.iter().any(|scope| matches!(scope, Scope::Resource { .. })) {
            return Err(invalid("none of the scopes asked for can be granted to this client"));
        }
        Ok(Self { scopes, patient })
    }

    fn text(&self) -> String {
        self.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// No person stands behind client_credentials, so that `user/` and identity mean nothing; and a token in a patient's
/// context is that patient's alone.
const fn is_usable(scope: Scope, is_in_context: bool) -> bool {
    match scope {
        Scope::Resource { context: Context::System, .. } => !is_in_context,
        Scope::Resource { context: Context::Patient, .. } | Scope::Named(Named::LaunchPatient) => is_in_context,
        _ => false,
    }
}

impl Inner {
    /// The keys that may have signed an assertion.
    async fn keys(&self, client: &Client, assertion: &Assertion<'_>) -> Result<Arc<KeySet>, TokenError> {
        let registered = match &client.keys {
            Keys::Url(url) => Some(url),
            Keys::Inline(_) => None,
        };
        // SMART Backend Services: a `jku` that is not the registered one fails.
        if assertion.jku.as_deref().is_some_and(|jku| registered.is_none_or(|url| url.as_str() != jku)) {
            return Err(TokenError::client("expected no `jku`, or the registered one"));
        }
        match &client.keys {
            Keys::Inline(keys) => Ok(Arc::new(keys.clone())),
            Keys::Url(url) => self.tools.jwks.keys(url, Some(&assertion.kid)).await.map_err(|error| TokenError {
                cause: Some(error.clone().into()),
                ..TokenError::client(format!("the keys of the client cannot be fetched: {error}"))
            }),
        }
    }

    /// Writes down that an assertion was used. It counts until the latest moment at which it could be believed.
    fn record(&self, client: &Client, id: &str, expires: SystemTime) -> Result<(), TokenError> {
        let scope = [client.practice.as_str(), &client.id, id];
        self.replay.record(&scope, expires + self.tools.skew, self.clock.now()).map_err(|error| match error {
            ReplayError::Seen => TokenError::client("expected a `jti` that was not used before"),
            other => TokenError::server(other),
        })
    }

    fn issue(&self, client: &Client, wish: &Wish) -> Result<TokenResponse, TokenError> {
        let now = self.clock.now();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (id, scope) = (Uuid::new_v4().to_string(), wish.text());
        let audiences = self.places.audiences(&client.practice);
        // RFC 9068 2.2, and of our own: practice and epoch.
        let mut claims = json!({
            "iss": self.places.issuer(&client.practice),
            "sub": client.id.as_ref(),
            "client_id": client.id.as_ref(),
            "aud": if let [one] = audiences.as_slice() { json!(one) } else { json!(audiences) },
            "iat": seconds,
            "exp": seconds + self.token_lifetime.as_secs(),
            "jti": id,
            "scope": scope,
            "practice": client.practice.as_str(),
            "epoch": client.standing.epoch,
        });
        if let Some(patient) = &wish.patient {
            claims["patient"] = patient.id.as_str().into();
        }
        let token = self.signing.sign(&claims, now).map_err(TokenError::server)?;
        Ok(TokenResponse::new(token, self.token_lifetime, scope, wish.patient.as_ref(), client.id.clone()))
    }
}

/// What signs our own tokens.
pub(super) const OWN_ALGORITHMS: [Algorithm; 1] = [Algorithm::ES256];
