//! Key sets by URL: Cache-Control, one flight, unknown `kid`.

use futures_util::future::join_all;

use super::server::{Answer, Server};
use super::*;
use crate::authorize::fetch::Fetch;
use crate::authorize::jwks::JwksCache;

struct Fetched {
    server: Server,
    cache: JwksCache,
    clock: Arc<SetClock>,
    key: PrivateKey,
}

impl Fetched {
    async fn new(cache_control: &'static str) -> Self {
        let (server, clock, key) = (Server::start().await, SetClock::new(), key(Algorithm::ES384));
        server.answer("/jwks", cache_control, set_json(&[&key]));
        let fetch = Arc::new(Fetch::new(Duration::from_secs(2)));
        let cache = JwksCache::new(fetch, clock.clone(), Duration::from_secs(3600), Duration::from_secs(30));
        Self { server, cache, clock, key }
    }

    async fn has(&self, kid: &str) -> bool {
        self.cache.keys(&self.server.url("/jwks"), Some(kid)).await.is_ok_and(|keys| keys.contains(kid))
    }
}

#[tokio::test]
async fn a_set_is_kept_as_long_as_it_says_and_no_longer() {
    let fetched = Fetched::new("max-age=100").await;
    for _ in 0..3 {
        assert!(fetched.has(&fetched.key.kid).await);
    }
    fetched.clock.pass(99);
    assert!(fetched.has(&fetched.key.kid).await);
    assert_eq!(fetched.server.asked(), 1);
    fetched.clock.pass(1);
    assert!(fetched.has(&fetched.key.kid).await);
    assert_eq!(fetched.server.asked(), 2);
}

#[tokio::test]
async fn a_set_is_not_kept_longer_than_the_settings_allow() {
    let fetched = Fetched::new("max-age=999999").await;
    assert!(fetched.has(&fetched.key.kid).await);
    fetched.clock.pass(3599);
    assert!(fetched.has(&fetched.key.kid).await);
    assert_eq!(fetched.server.asked(), 1);
    fetched.clock.pass(1);
    assert!(fetched.has(&fetched.key.kid).await);
    assert_eq!(fetched.server.asked(), 2);
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_once_a_second() {
    let fetched = Fetched::new("").await;
    fetched.server.answer_with("/jwks", Answer { status: 500, cache: "", body: String::new(), delay: Duration::ZERO });
    for _ in 0..20 {
        assert!(!fetched.has(&fetched.key.kid).await);
    }
    assert_eq!(fetched.server.asked(), 1);
    fetched.clock.pass(1);
    assert!(!fetched.has(&fetched.key.kid).await);
    assert_eq!(fetched.server.asked(), 2);
}

#[tokio::test]
async fn a_set_that_may_not_be_stored_is_fetched_each_time() {
    let fetched = Fetched::new("no-store").await;
    for times in 1..=3 {
        fetched.clock.pass(1);
        assert!(fetched.has(&fetched.key.kid).await);
        assert_eq!(fetched.server.asked(), times);
    }
}

#[tokio::test]
async fn an_outdated_set_is_not_used_when_its_server_is_down() {
    let fetched = Fetched::new("max-age=100").await;
    assert!(fetched.has(&fetched.key.kid).await);
    fetched.server.answer_with("/jwks", Answer { status: 500, cache: "", body: String::new(), delay: Duration::ZERO });
    fetched.clock.pass(50);
    assert!(fetched.has(&fetched.key.kid).await, "still fresh");
    fetched.clock.pass(50);
    assert!(!fetched.has(&fetched.key.kid).await, "outdated");
}

#[tokio::test]
async fn whoever_comes_during_a_fetch_shares_it() {
    let fetched = Fetched::new("no-store").await;
    let body = set_json(&[&fetched.key]);
    let slow = Answer { status: 200, cache: "no-store", body, delay: Duration::from_millis(200) };
    fetched.server.answer_with("/jwks", slow);
    let answers = join_all((0..50).map(|_| fetched.has(&fetched.key.kid))).await;
    assert!(answers.into_iter().all(|found| found));
    assert_eq!(fetched.server.asked(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_makes_one_fetch() {
    let fetched = Fetched::new("max-age=1000").await;
    assert!(fetched.has(&fetched.key.kid).await);
    fetched.clock.pass(31);
    let names: Vec<String> = (0..100).map(|number| format!("unknown{number}")).collect();
    let answers = join_all(names.iter().map(|name| fetched.has(name))).await;
    assert!(!answers.into_iter().any(|found| found));
    for name in &names {
        assert!(!fetched.has(name).await);
    }
    assert_eq!(fetched.server.asked(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_before_the_old_set_is_outdated() {
    let fetched = Fetched::new("max-age=1000").await;
    assert!(fetched.has(&fetched.key.kid).await);
    let new = key(Algorithm::ES384);
    fetched.server.answer("/jwks", "max-age=1000", set_json(&[&fetched.key, &new]));
    fetched.clock.pass(31);
    assert!(fetched.has(&new.kid).await);
}

#[tokio::test]
async fn redirects_errors_and_documents_that_are_too_long_or_too_slow_give_no_keys() {
    let fetched = Fetched::new("no-store").await;
    fetched.server.answer("/elsewhere", "", set_json(&[&fetched.key]));
    let good = set_json(&[&fetched.key]);
    let padded = format!("{good}{}", " ".repeat(300_000));
    let answers =
        [(302, good.clone(), 0), (404, good.clone(), 0), (200, padded, 0), (200, good, 3), (200, "[]".into(), 0)];
    for (status, body, seconds) in answers {
        fetched.clock.pass(2);
        let answer = Answer { status, cache: "no-store", body, delay: Duration::from_secs(seconds) };
        fetched.server.answer_with("/jwks", answer);
        assert!(!fetched.has(&fetched.key.kid).await, "{status} {seconds}");
    }
}

#[tokio::test]
async fn a_client_with_its_keys_at_a_url_gets_a_token_and_its_jku_must_be_that_url() {
    let world = World::new();
    let server = Server::start().await;
    server.answer("/jwks", "max-age=60", set_json(&[&world.key]));
    let url = server.url("/jwks");
    world.registry().add(&registration("remote", ALL, Keys::Url(url.clone()))).expect("registered");
    let assertion = |jku: Option<&str>| {
        let (mut header, mut claims) = (world.header(), world.claims());
        header.jku = jku.map(str::to_owned);
        (claims["iss"], claims["sub"]) = (json!("remote"), json!("remote"));
        sign(&header, &claims, &world.key)
    };
    for jku in [None, Some(url.as_str())] {
        world.ask_with(&assertion(jku), "system/*.rs", None).await.expect("granted");
    }
    let elsewhere = server.url("/other").to_string();
    let error = world.ask_with(&assertion(Some(&elsewhere)), "system/*.rs", None).await.expect_err("refused");
    assert!(error.to_string().contains("`jku`"), "{error}");
    assert_eq!(server.asked(), 1, "a foreign URL is never asked");
}
