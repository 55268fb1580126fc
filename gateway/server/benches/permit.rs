//! What it costs to let a request with a known token in: the cache, two rate limits, the look for revoked clients, the
//! scopes.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use adapter::host::SystemClock;
use adapter::{Practice, Trace};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fhir::{Interaction, ResourceType, Version};
use frontdesk::authorize::clients::Keys;
use frontdesk::authorize::jwk::KeySet;
use frontdesk::authorize::pem::{PrivateKey, generate};
use frontdesk::authorize::registry::{Registration, Registry};
use frontdesk::authorize::{Authority, TokenRequest, identify, permit};
use frontdesk::receive::places::Places;
use frontdesk::receive::{Bearer, Credentials, Preferences, Request, Target};
use jsonwebtoken::{Algorithm, Header};
use serde_json::json;
use tokio::runtime::Runtime;

const ROOT: &str = "https://gw.example";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn a_known_token(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let key = register(folder.path());
    let token = token(&runtime, &authority, &key);
    let credentials = Credentials {
        practice: Practice::default(),
        base: format!("{ROOT}/fhir/r4").into(),
        bearer: Some(Bearer(token.into())),
        certificate: None,
        address: HOME,
    };
    criterion.bench_function("permit: a known token", |bencher| {
        bencher.iter_batched(
            read,
            |request| {
                let identified = runtime.block_on(identify(&credentials, &authority)).unwrap();
                permit(Box::new(request), identified, &authority).unwrap()
            },
            BatchSize::SmallInput,
        );
    });
}

fn authority(folder: &std::path::Path) -> Authority {
    let plenty = config::Rate::new(100_000_000, 100_000_000);
    let mut config = config::Config::default();
    config.gateway.data = folder.into();
    config.rate_limits =
        config::RateLimits { client: plenty, address: plenty, token: plenty, failures: plenty, tracked: 1000 };
    Authority::open(&config, Places::new(ROOT), Arc::new(SystemClock), Default::default()).unwrap()
}

fn register(folder: &std::path::Path) -> PrivateKey {
    let key = PrivateKey::from_pem(generate(Algorithm::ES384).unwrap().as_bytes()).unwrap();
    let keys = KeySet::parse(json!({ "keys": [key.public] }).to_string().as_bytes()).unwrap();
    let registration = Registration {
        practice: Practice::default(),
        id: "lab".into(),
        keys: Keys::Inline(keys),
        scopes: "system/*.cruds".into(),
        patient_context: false,
        origins: Vec::new(),
    };
    Registry::open(folder).unwrap().add(&registration).unwrap();
    key
}

fn token(runtime: &Runtime, authority: &Authority, key: &PrivateKey) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims =
        json!({ "iss": "lab", "sub": "lab", "aud": format!("{ROOT}/auth/token"), "exp": now + 60, "jti": "once" });
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.kid.clone());
    let assertion = jsonwebtoken::encode(&header, &claims, &key.encoding).unwrap();
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", &assertion)
        .append_pair("scope", "system/*.cruds")
        .finish();
    let request = TokenRequest {
        practice: &Practice::default(),
        content_type: Some("application/x-www-form-urlencoded"),
        has_authorization: false,
        body: body.as_bytes(),
        address: HOME,
    };
    runtime.block_on(authority.token(request)).unwrap().access_token().to_owned()
}

fn read() -> Request {
    Request {
        practice: Practice::default(),
        base: format!("{ROOT}/fhir/r4").into(),
        version: Version::R4,
        interaction: Interaction::Read { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() },
        markup: None,
        address: HOME,
        preferences: Preferences::default(),
        idempotency_key: None,
        target: Target { method: http::Method::GET, path_and_query: "/".into() },
        trace: Trace::default(),
        arrived: Instant::now(),
    }
}

criterion_group!(benches, a_known_token);
criterion_main!(benches);
