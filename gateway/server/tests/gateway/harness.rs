//! A gateway on free ports with a store of its own, and a client that speaks to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapter::Adapter;
use bytes::Bytes;
use fhir::{ResourceType, Severity, Version};
use frontdesk::Gateway;
use frontdesk::authorize::pem::{PrivateKey, generate};
use frontdesk::packages::validator;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::Algorithm;
use package::Registry;
use profile::Validator;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running gateway, a registered client and its key.
pub(crate) struct Practice {
    pub(crate) gateway: Gateway,
    folder: TempDir,
    key: PrivateKey,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, all of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The code of the first issue.
    pub(crate) fn issue(&self) -> String {
        self.json()["issue"][0]["code"].as_str().unwrap_or("no OperationOutcome").to_owned()
    }
}

impl Practice {
    /// A gateway with the defaults.
    pub(crate) async fn open() -> Self {
        Self::with("").await
    }

    /// A gateway with further settings.
    pub(crate) async fn with(settings: &str) -> Self {
        Self::around(settings, BTreeMap::new()).await
    }

    /// A gateway with further settings and further adapters.
    pub(crate) async fn around(settings: &str, adapters: BTreeMap<String, Arc<dyn Adapter>>) -> Self {
        // The further adapters are in no configuration; they serve what they offer.
        let routes = adapters.iter().map(|(name, adapter)| to(name, &**adapter)).collect();
        Self::routed(settings, routes, adapters).await
    }

    /// The same with routes of their own, which go before all others.
    pub(crate) async fn routed(
        settings: &str,
        routes: Vec<config::Route>,
        adapters: BTreeMap<String, Arc<dyn Adapter>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::from_pem(generate(Algorithm::ES384).unwrap().as_bytes()).unwrap();
        let jwks = folder.path().join("client.jwks");
        std::fs::write(&jwks, json!({ "keys": [key.public] }).to_string()).unwrap();
        let mut config = config::parse("test", &text(folder.path(), &jwks, settings)).unwrap();
        config.routes.splice(0..0, routes);
        let gateway = Gateway::start_with(config, adapters).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { gateway, folder, key, client }
    }

    /// The same gateway after an end and a new start, at the same address and with the same data.
    pub(crate) async fn restarted(self, settings: &str, adapters: BTreeMap<String, Arc<dyn Adapter>>) -> Self {
        self.started_again(settings, adapters, |_| {}).await
    }

    /// The same, where the client may ask for these scopes only.
    pub(crate) async fn narrowed(self, scopes: &str, adapters: BTreeMap<String, Arc<dyn Adapter>>) -> Self {
        let narrow = |config: &mut config::Config| {
            config.clients.values_mut().for_each(|client| client.scopes = scopes.to_owned());
        };
        self.started_again("", adapters, narrow).await
    }

    async fn started_again(
        self,
        settings: &str,
        adapters: BTreeMap<String, Arc<dyn Adapter>>,
        change: impl FnOnce(&mut config::Config),
    ) -> Self {
        let Self { gateway, folder, key, client } = self;
        let address = gateway.address();
        gateway.shutdown().await;
        let jwks = folder.path().join("client.jwks");
        let mut config = config::parse("test", &text(folder.path(), &jwks, settings)).unwrap();
        config.gateway.listen = address;
        change(&mut config);
        config.routes.splice(0..0, adapters.iter().map(|(name, adapter)| to(name, &**adapter)));
        let gateway = Gateway::start_with(config, adapters).await.unwrap();
        Self { gateway, folder, key, client }
    }

    /// The folder with its data.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// An access token of the client.
    pub(crate) async fn token(&self, scope: &str) -> String {
        self.token_for(scope, "").await.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// What the token endpoint answers; `more` are further parameters.
    pub(crate) async fn token_for(&self, scope: &str, more: &str) -> Answer {
        let url = format!("http://{}/auth/token", self.gateway.address());
        let assertion = self.assertion("tester", &url);
        self.token_at(&url, &assertion, scope, more).await
    }

    /// A signed assertion of a client; all have the same key.
    pub(crate) fn assertion(&self, client: &str, audience: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": client, "sub": client, "aud": audience, "exp": now + 60, "jti": rand::random::<u128>().to_string(),
        });
        self.signed(&claims, None)
    }

    /// Claims, signed by the key of the clients.
    pub(crate) fn signed(&self, claims: &Value, kind: Option<&str>) -> String {
        let mut header = jsonwebtoken::Header::new(Algorithm::ES384);
        header.kid = Some(self.key.kid.clone());
        header.typ = kind.map(str::to_owned).or(header.typ);
        jsonwebtoken::encode(&header, claims, &self.key.encoding).unwrap()
    }

    /// The public key of the clients, as a JWK set.
    pub(crate) fn keys(&self) -> Value {
        json!({ "keys": [self.key.public] })
    }

    /// What a token endpoint answers to an assertion.
    pub(crate) async fn token_at(&self, url: &str, assertion: &str, scope: &str, more: &str) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", assertion)
            .append_pair("scope", scope)
            .finish();
        let fields = [("content-type", "application/x-www-form-urlencoded")];
        self.ask(Method::POST, url, &fields, format!("{form}{more}")).await
    }

    /// Sends a request; a path stands behind the FHIR base.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let base = format!("http://{}/fhir/r4", self.gateway.address());
        let uri = if path.starts_with("http") { path.to_owned() } else { format!("{base}{path}") };
        let is_statement =
            method == Method::GET && uri.split('?').next().is_some_and(|path| path.ends_with("/metadata"));
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if is_statement && head.status == StatusCode::OK {
            check_statement(&body);
        }
        Answer { status: head.status, headers: head.headers, body }
    }

    /// The head of a create by somebody with a token, as bytes for a connection of its own.
    pub(crate) async fn head_of_create(&self, length: usize) -> String {
        let token = self.token("system/*.cruds").await;
        format!(
            "POST /fhir/r4/Patient HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n"
        )
    }

    /// Reads without a token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }
}

/// Whatever a gateway says of itself must be sound by its own rules.
fn check_statement(bytes: &[u8]) {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(Registry::built_in(Version::R4), None));
    if serde_json::from_slice::<Value>(bytes).is_err() {
        // In XML it is the same.
        return;
    }
    let expected = "CapabilityStatement".parse::<ResourceType>().ok();
    let request = profile::Request { expected, ..profile::Request::default() };
    let outcome = VALIDATOR.validate(bytes, &request);
    // `oauth-uris` of R4 demands `authorize`, which SMART Backend Services has not: there is nobody to send to a page.
    let is_without_page = |text: &str| text.contains("Extension.extension:authorize") && text.contains("oauth-uris");
    let wrong = outcome.0.iter().filter(|issue| issue.severity >= Severity::Error && !is_without_page(&issue.text));
    let wrong: Vec<_> = wrong.map(|issue| (issue, &issue.text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn to(name: &str, adapter: &dyn Adapter) -> config::Route {
    let capability = adapter.capability();
    let of_system = (!capability.system.is_empty()).then_some(config::Types::All);
    config::Route {
        when: None,
        owners: None,
        name: None,
        types: capability.resources.keys().map(|offered| config::Types::One(*offered)).chain(of_system).collect(),
        interactions: None,
        adapter: name.to_owned(),
        adapters: Vec::new(),
        references: BTreeMap::new(),
        validate: config::ValidateMode::Enforce,
        profiles: Vec::new(),
        by_type: std::collections::BTreeMap::new(),
        practice: "default".to_owned(),
    }
}

/// Sends bytes over a connection of their own and reads until it closes, or for a while.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    heard(&mut stream, Duration::from_secs(2)).await
}

/// What a connection says until it closes, or for so long.
pub(crate) async fn heard(stream: &mut TcpStream, most: Duration) -> String {
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(most, stream.read_to_end(&mut heard)).await;
    String::from_utf8_lossy(&heard).into_owned()
}

fn text(folder: &Path, jwks: &Path, settings: &str) -> String {
    // Settings of `[gateway]` come first, before a line of `--`.
    let (gateway, settings) = settings.split_once("--").unwrap_or(("", settings));
    // Further clients have the same key.
    let settings = settings.replace("CLIENT_KEYS", &format!("{{ file = \"{}\" }}", jwks.display()));
    let workers = if gateway.contains("workers") { "" } else { "workers = 2" };
    format!(
        r#"
            [gateway]
            listen = "127.0.0.1:0"
            admin = "127.0.0.1:0"
            data = "{folder}"
            {workers}
            origins = ["https://portal.example"]
            {gateway}

            [clients.tester]
            jwks = {{ file = "{jwks}" }}
            scopes = "system/*.cruds patient/*.cruds launch/patient system/AuditEvent.rs"
            patient-context = true

            [adapters.store]
            kind = "store"

            {settings}

            [[routes]]
            adapter = "store"
        "#,
        folder = folder.display(),
        jwks = jwks.display(),
    )
}
