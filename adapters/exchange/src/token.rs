//! OAuth client credentials as a client: an assertion (SMART Backend Services) or a secret for an access token, kept until
//! shortly before it expires.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapter::{ConnectError, Error, ErrorKind};
use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Full;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OnceCell};

use crate::body::receive_whole;
use crate::client::Client;
use crate::settings::{OAuth, Smart, SmartAlgorithm, absolute, refuse_plain_http};

/// An access token, ready to be sent.
pub struct Token {
    /// The value of `Authorization`.
    pub bearer: HeaderValue,
    fresh_until: Instant,
}

/// The tokens of one back end. One fetch at a time, whoever needs it.
pub struct Tokens {
    client_id: String,
    identity: Identity,
    scope: Option<String>,
    discovery: String,
    allow_plain_http: bool,
    endpoint: OnceCell<String>,
    current: ArcSwapOption<Token>,
    fetching: Mutex<Option<Refusal>>,
}

/// How we show who we are.
enum Identity {
    /// A signed assertion (RFC 7523).
    Assertion(Box<Header>, EncodingKey),
    /// `Authorization: Basic` (RFC 6749 2.3.1).
    Secret(HeaderValue),
}

/// A failed fetch is the answer for a moment, so that a queue of calls does not become a queue of fetches.
struct Refusal {
    kind: ErrorKind,
    until: Instant,
}

const REFUSAL_HOLDS: Duration = Duration::from_secs(1);
/// SMART backend-services.html: `exp` at most five minutes ahead.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(240);
const ANSWER_LIMIT: usize = 64 << 10;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
}

impl Tokens {
    /// Tokens by signed assertions.
    ///
    /// # Errors
    /// The key cannot be read, or the endpoint cannot be used.
    pub fn new(settings: &Smart, base: &str, allow_plain_http: bool) -> Result<Self, ConnectError> {
        let endpoint = OnceCell::new();
        if let Some(url) = &settings.token_url {
            endpoint.set(usable("smart.token-url", url, allow_plain_http)?).ok();
        }
        let mut header = Header::new(match settings.algorithm {
            SmartAlgorithm::RS384 => Algorithm::RS384,
            SmartAlgorithm::ES384 => Algorithm::ES384,
        });
        header.kid = Some(settings.key_id.clone());
        header.jku = settings.jwks_url.clone();
        Ok(Self {
            client_id: settings.client_id.clone(),
            identity: Identity::Assertion(Box::new(header), key(settings)?),
            scope: Some(settings.scope.clone()),
            discovery: format!("{base}/.well-known/smart-configuration"),
            allow_plain_http,
            endpoint,
            current: ArcSwapOption::empty(),
            fetching: Mutex::new(None),
        })
    }

    /// Tokens by a client secret.
    ///
    /// # Errors
    /// The secret cannot be read, or the endpoint cannot be used.
    pub fn by_secret(settings: &OAuth, allow_plain_http: bool) -> Result<Self, ConnectError> {
        let endpoint = usable("oauth.token-url", &settings.token_url, allow_plain_http)?;
        let secret = settings.client_secret.read();
        let secret = secret.map_err(|error| ConnectError::Settings(format!("`oauth.client-secret`: {error}")))?;
        Ok(Self {
            client_id: settings.client_id.clone(),
            identity: Identity::Secret(basic(&settings.client_id, secret.reveal())?),
            scope: settings.scope.clone(),
            discovery: String::new(),
            allow_plain_http,
            endpoint: OnceCell::new_with(Some(endpoint)),
            current: ArcSwapOption::empty(),
            fetching: Mutex::new(None),
        })
    }

    /// A token that is good for a while and is not the one that was refused.
    ///
    /// # Errors
    /// The authorization server refuses us, or cannot be reached.
    pub async fn token(
        &self,
        client: &Client,
        refused: Option<&Arc<Token>>,
        deadline: Instant,
    ) -> Result<Arc<Token>, Error> {
        if let Some(token) = self.current(refused) {
            return Ok(token);
        }
        let mut fetching = self.fetching.lock().await;
        if let Some(token) = self.current(refused) {
            return Ok(token);
        }
        if let Some(refusal) = fetching.as_ref().filter(|refusal| Instant::now() < refusal.until) {
            return Err(Error::new(refusal.kind, "no token for the back end can be had"));
        }
        match self.fetch(client, deadline).await {
            Ok(token) => {
                let token = Arc::new(token);
                self.current.store(Some(Arc::clone(&token)));
                *fetching = None;
                Ok(token)
            }
            Err(error) => {
                *fetching = Some(Refusal { kind: error.kind, until: Instant::now() + REFUSAL_HOLDS });
                Err(error)
            }
        }
    }

    fn current(&self, refused: Option<&Arc<Token>>) -> Option<Arc<Token>> {
        let token = self.current.load_full()?;
        let is_refused = refused.is_some_and(|refused| Arc::ptr_eq(refused, &token));
        (!is_refused && Instant::now() < token.fresh_until).then_some(token)
    }

    async fn fetch(&self, client: &Client, deadline: Instant) -> Result<Token, Error> {
        let endpoint = self.endpoint.get_or_try_init(|| self.discover(client, deadline)).await?;
        let form = self.form(endpoint)?;
        let identity = match &self.identity {
            Identity::Secret(basic) => Some(basic),
            Identity::Assertion(..) => None,
        };
        let asked = Instant::now();
        let answer: TokenAnswer = exchange(client, endpoint, Some((form, identity)), deadline).await?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
            .map_err(|error| refused("expected an access token that fits into a header field").because(error))?;
        bearer.set_sensitive(true);
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(300).clamp(1, 86_400));
        // A tenth early, at most half a minute: a request on its way must not find it expired.
        let early = (lifetime / 10).min(Duration::from_secs(30));
        Ok(Token { bearer, fresh_until: asked + lifetime - early })
    }

    fn form(&self, endpoint: &str) -> Result<String, Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        if let Identity::Assertion(header, key) = &self.identity {
            form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            form.append_pair("client_assertion", &self.assertion(endpoint, header, key)?);
        }
        Ok(form.finish())
    }

    async fn discover(&self, client: &Client, deadline: Instant) -> Result<String, Error> {
        let found: Discovery = exchange(client, &self.discovery, None, deadline).await?;
        usable("token_endpoint", &found.token_endpoint, self.allow_plain_http)
            .map_err(|error| refused("the back end names no token endpoint that can be used").because(error))
    }

    fn assertion(&self, endpoint: &str, header: &Header, key: &EncodingKey) -> Result<String, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: endpoint,
            exp: (now + ASSERTION_LIFETIME).as_secs(),
            iat: now.as_secs(),
            jti: uuid::Uuid::new_v4().to_string(),
        };
        jsonwebtoken::encode(header, &claims, key)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot sign the client assertion").because(error))
    }
}

fn usable(setting: &str, url: &str, allow_plain_http: bool) -> Result<String, ConnectError> {
    let url = absolute(setting, url)?;
    if !allow_plain_http {
        refuse_plain_http(setting, &url)?;
    }
    Ok(url.to_string())
}

/// RFC 6749 2.3.1: both are form-encoded before they become a user and a password.
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, ConnectError> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret)));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
        .map_err(|_| ConnectError::Settings("`oauth`: expected a client id and a secret".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn key(settings: &Smart) -> Result<EncodingKey, ConnectError> {
    let pem = settings.key.read().map_err(|error| ConnectError::Settings(format!("`smart.key`: {error}")))?;
    let key = match settings.algorithm {
        SmartAlgorithm::RS384 => EncodingKey::from_rsa_pem(pem.reveal().as_bytes()),
        SmartAlgorithm::ES384 => EncodingKey::from_ec_pem(pem.reveal().as_bytes()),
    };
    key.map_err(|_| {
        ConnectError::Settings(format!("`smart.key`: expected a private key in PEM for {:?}", settings.algorithm))
    })
}

/// One small JSON document from the authorization server: by POST when there is a form.
async fn exchange<T: serde::de::DeserializeOwned>(
    client: &Client,
    url: &str,
    form: Option<(String, Option<&HeaderValue>)>,
    deadline: Instant,
) -> Result<T, Error> {
    let uri: Uri =
        url.parse().map_err(|error| Error::new(ErrorKind::Internal, "cannot form the URL").because(error))?;
    let form = form.map(|(form, identity)| (Bytes::from(form), identity));
    let request = || {
        let request = Request::builder().uri(uri.clone()).header(header::ACCEPT, "application/json");
        let request = match &form {
            Some((form, identity)) => {
                let request = match identity {
                    Some(identity) => request.header(header::AUTHORIZATION, *identity),
                    None => request,
                };
                request
                    .method(http::Method::POST)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(Full::new(form.clone()))
            }
            None => request.body(Full::default()),
        };
        request.map_err(|error| Error::new(ErrorKind::Internal, "cannot form the request").because(error))
    };
    let response = client.send(request, form.is_none(), deadline).await?;
    let status = response.status();
    let answer = receive_whole(response.into_body(), ANSWER_LIMIT, deadline).await?;
    if status.is_server_error() {
        return Err(Error::new(ErrorKind::Unavailable, "the back end's authorization server is not able to answer"));
    }
    if !status.is_success() {
        return Err(refused("the back end's authorization server refuses the gateway").because(format!("{status}")));
    }
    // The error would quote the token: only its kind is kept.
    serde_json::from_slice(&answer).map_err(|error| {
        refused("expected JSON from the back end's authorization server").because(format!("{:?}", error.classify()))
    })
}

fn refused(text: &str) -> Error {
    Error::new(ErrorKind::Credentials, text)
}
