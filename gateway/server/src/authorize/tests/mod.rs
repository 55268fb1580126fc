//! The stage as a whole: a client is registered, asks for a token, and uses it.

mod assertion;
mod bearer;
mod confine;
mod issuer;
mod jwks;
mod matrix;
mod server;
mod wycheproof;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapter::{Clock, Practice, Trace};
use fhir::{Interaction, ResourceType, Version};
use jsonwebtoken::{Algorithm, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::clients::Keys;
use super::endpoint::{TokenError, TokenRequest, TokenResponse};
use super::jwk::KeySet;
use super::pem::{PrivateKey, generate};
use super::registry::{Registration, Registry};
use super::{Authority, Permitted, identify, permit};
use crate::failure::Failure;
use crate::receive::places::Places;
use crate::receive::{Bearer, Credentials, Preferences, Request, Target};

const ROOT: &str = "https://gw.example";
const BASE: &str = "https://gw.example/fhir/r4";
const ALL: &str = "system/*.cruds system/AuditEvent.rs patient/*.cruds launch/patient openid";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A clock that stands still until it is moved.
struct SetClock(Mutex<(SystemTime, Instant)>);

impl SetClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((UNIX_EPOCH + Duration::from_secs(1_800_000_000), Instant::now()))))
    }

    fn pass(&self, seconds: u64) {
        let mut time = self.0.lock();
        time.0 += Duration::from_secs(seconds);
        time.1 += Duration::from_secs(seconds);
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        self.0.lock().0
    }

    fn instant(&self) -> Instant {
        self.0.lock().1
    }
}

/// A gateway's authority in a folder of its own, with a client `lab`.
struct World {
    folder: TempDir,
    config: config::Config,
    clock: Arc<SetClock>,
    authority: Authority,
    key: PrivateKey,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut config::Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plenty = config::Rate::new(10_000, 10_000);
        let mut config = config::Config::default();
        config.gateway.data = folder.path().into();
        config.rate_limits =
            config::RateLimits { client: plenty, address: plenty, token: plenty, failures: plenty, tracked: 1000 };
        change(&mut config);
        let key = key(Algorithm::ES384);
        let mut registry = Registry::open(folder.path()).expect("opens");
        registry.add(&registration("lab", ALL, Keys::Inline(set(&[&key])))).expect("registered");
        let clock = SetClock::new();
        let authority = Authority::open(&config, Places::new(ROOT), clock.clone(), Default::default()).expect("opens");
        Self { folder, config, clock, authority, key }
    }

    fn restart(&mut self) {
        self.authority = Authority::open(&self.config, Places::new(ROOT), self.clock.clone(), Default::default())
            .expect("opens again");
    }

    fn registry(&self) -> Registry {
        Registry::open(self.folder.path()).expect("opens")
    }

    fn seconds(&self) -> u64 {
        self.clock.now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
    }

    /// The claims of a good assertion.
    fn claims(&self) -> Value {
        let now = self.seconds();
        let id = uuid::Uuid::new_v4().to_string();
        json!({ "iss": "lab", "sub": "lab", "aud": format!("{ROOT}/auth/token"), "iat": now, "exp": now + 240, "jti": id })
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.key.algorithm);
        header.kid = Some(self.key.kid.clone());
        header
    }

    fn assertion(&self) -> String {
        sign(&self.header(), &self.claims(), &self.key)
    }

    async fn ask(&self, form: &[(&str, &str)]) -> Result<TokenResponse, TokenError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = TokenRequest {
            practice: &Practice::default(),
            content_type: Some("application/x-www-form-urlencoded; charset=utf-8"),
            has_authorization: false,
            body: body.as_bytes(),
            address: HOME,
        };
        self.authority.token(request).await
    }

    async fn ask_with(&self, assertion: &str, scope: &str, patient: Option<&str>) -> Result<TokenResponse, TokenError> {
        let mut form = form(assertion, scope).to_vec();
        form.extend(patient.map(|patient| ("patient", patient)));
        self.ask(&form).await
    }

    async fn token(&self, scope: &str) -> String {
        self.ask_with(&self.assertion(), scope, None).await.expect("a token").access_token().to_owned()
    }

    async fn patient_token(&self, scope: &str, patient: &str) -> String {
        let scope = format!("launch/patient {scope}");
        self.ask_with(&self.assertion(), &scope, Some(patient)).await.expect("a token").access_token().to_owned()
    }

    async fn permit(&self, token: &str, interaction: Interaction) -> Result<Permitted, Failure> {
        walk(&credentials(Some(token)), request(interaction), &self.authority).await
    }
}

fn form<'a>(assertion: &'a str, scope: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::from_pem(generate(algorithm).expect("made").as_bytes()).expect("a key")
}

fn set(keys: &[&PrivateKey]) -> KeySet {
    KeySet::parse(set_json(keys).as_bytes()).expect("a set")
}

fn set_json(keys: &[&PrivateKey]) -> String {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() }).to_string()
}

fn registration(id: &str, scopes: &str, keys: Keys) -> Registration {
    Registration {
        id: id.into(),
        practice: Practice::default(),
        keys,
        scopes: scopes.into(),
        patient_context: true,
        origins: Vec::new(),
    }
}

fn sign(header: &Header, claims: &Value, key: &PrivateKey) -> String {
    jsonwebtoken::encode(header, claims, &key.encoding).expect("signed")
}

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        practice: Practice::default(),
        base: BASE.into(),
        bearer: token.map(|token| Bearer(token.into())),
        certificate: None,
        address: HOME,
    }
}

async fn walk(credentials: &Credentials, request: Request, authority: &Authority) -> Result<Permitted, Failure> {
    permit(Box::new(request), identify(credentials, authority).await?, authority)
}

fn request(interaction: Interaction) -> Request {
    Request {
        practice: Practice::default(),
        base: BASE.into(),
        version: Version::R4,
        interaction,
        markup: None,
        address: HOME,
        preferences: Preferences::default(),
        idempotency_key: None,
        target: Target { method: http::Method::GET, path_and_query: "/".into() },
        trace: Trace::default(),
        arrived: Instant::now(),
    }
}

fn read(resource_type: ResourceType, id: &str) -> Interaction {
    Interaction::Read { resource_type, id: id.parse().expect("an id") }
}

fn search(resource_type: ResourceType, query: &str) -> Interaction {
    Interaction::SearchType { resource_type, compartment: None, query: fhir::Query::parse(query) }
}

fn challenge(failure: &Failure) -> String {
    let field = failure.headers.get(http::header::WWW_AUTHENTICATE).expect("WWW-Authenticate");
    field.to_str().expect("text").to_owned()
}
