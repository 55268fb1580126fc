//! Every check of SMART Backend Services, refused one by one.

use adapter::Practice;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::*;
use crate::authorize::endpoint::TokenErrorCode;
use crate::authorize::jose::Unverified;

/// The error of an assertion that differs from a good one in this.
async fn refusal(world: &World, change: impl FnOnce(&mut Header, &mut Value)) -> TokenError {
    let (mut header, mut claims) = (world.header(), world.claims());
    change(&mut header, &mut claims);
    let assertion = sign(&header, &claims, &world.key);
    world.ask_with(&assertion, "system/*.rs", None).await.expect_err("refused")
}

#[tokio::test]
async fn a_good_assertion_gets_a_token_as_the_standards_write_it() {
    let world = World::new();
    let response = world.ask_with(&world.assertion(), "system/Patient.read", None).await.expect("granted");
    assert_eq!(response.scope(), "system/Patient.rs");
    let token = Unverified::parse(response.access_token()).expect("a JWT");
    assert!(token.header.is_typed(&["at+jwt"]) && token.header.algorithm == Algorithm::ES256);
    for (claim, value) in [("iss", ROOT), ("aud", BASE), ("client_id", "lab"), ("sub", "lab"), ("practice", "default")]
    {
        assert_eq!(token.claims.text(claim), Some(value), "{claim}");
    }
    let number = |claim| token.claims.number(claim).expect(claim);
    assert!(number("exp") - number("iat") <= 300);
    let http = response.into_http();
    assert_eq!(http.headers()["cache-control"], "no-store");
    let body: Value = serde_json::from_slice(http.body()).expect("json");
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("bearer"), Some(300)));
    assert!(body.get("patient").is_none() && body.get("client").is_none());
}

#[tokio::test]
async fn each_flaw_of_an_assertion_is_refused_by_name() {
    let world = World::new();
    let now = world.seconds();
    type Change = fn(&mut Header, &mut Value, u64);
    let flaws: [(&str, Change); 24] = [
        ("`typ`", |header, _, _| header.typ = None),
        ("`typ`", |header, _, _| header.typ = Some("at+jwt".into())),
        ("`kid`", |header, _, _| header.kid = None),
        ("`kid`", |header, _, _| header.kid = Some(String::new())),
        ("`kid`", |header, _, _| header.kid = Some("other".into())),
        ("`jku`", |header, _, _| header.jku = Some("https://lab.example/jwks".into())),
        ("`crit`", |header, _, _| header.crit = Some(vec!["exp".into()])),
        ("`iss` and `sub`", |_, claims, _| claims["iss"] = Value::Null),
        ("`iss` and `sub`", |_, claims, _| claims["sub"] = json!("other")),
        ("not registered", |_, claims, _| (claims["iss"], claims["sub"]) = (json!("ghost"), json!("ghost"))),
        ("`aud`", |_, claims, _| claims["aud"] = Value::Null),
        ("`aud`", |_, claims, _| claims["aud"] = json!(ROOT)),
        ("`aud`", |_, claims, _| claims["aud"] = json!("https://gw.example/auth/token/")),
        ("`aud`", |_, claims, _| claims["aud"] = json!(["https://gw.example/auth/token", "https://other.example"])),
        ("`exp`", |_, claims, _| claims["exp"] = Value::Null),
        ("`exp`", |_, claims, _| claims["exp"] = json!("soon")),
        ("has expired", |_, claims, now| claims["exp"] = json!(now - 31)),
        ("300 s ahead", |_, claims, now| claims["exp"] = json!(now + 331)),
        ("`nbf`", |_, claims, now| claims["nbf"] = json!(now + 31)),
        ("`iat`", |_, claims, now| claims["iat"] = json!(now + 31)),
        ("`jti`", |_, claims, _| claims["jti"] = Value::Null),
        ("`jti`", |_, claims, _| claims["jti"] = json!("")),
        ("`jti`", |_, claims, _| claims["jti"] = json!("j".repeat(257))),
        ("`jti`", |_, claims, _| claims["jti"] = json!(7)),
    ];
    for (named, change) in flaws {
        let error = refusal(&world, |header, claims| change(header, claims, now)).await;
        assert_eq!(error.code, TokenErrorCode::InvalidClient, "{named}: {error}");
        assert!(error.to_string().contains(named), "expected {named} in: {error}");
    }
}

#[tokio::test]
async fn clocks_may_be_a_little_apart() {
    let world = World::new();
    let now = world.seconds();
    for (claim, value) in [("exp", now - 29), ("exp", now + 329), ("iat", now + 29), ("nbf", now + 29)] {
        let mut claims = world.claims();
        claims[claim] = json!(value);
        let assertion = sign(&world.header(), &claims, &world.key);
        world.ask_with(&assertion, "system/*.rs", None).await.expect(claim);
    }
}

#[tokio::test]
async fn another_key_algorithm_or_signature_is_refused() {
    let world = World::new();
    let forger = key(Algorithm::ES384);
    let forged = sign(&world.header(), &world.claims(), &forger);
    let weak = key(Algorithm::ES256);
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(weak.kid.clone());
    let weak = sign(&header, &world.claims(), &weak);
    let good = world.assertion();
    let (message, _) = good.rsplit_once('.').expect("three parts");
    for assertion in [forged, weak, format!("{message}."), format!("{message}.AAAA"), message.to_owned(), String::new()]
    {
        let error = world.ask_with(&assertion, "system/*.rs", None).await.expect_err("refused");
        assert_eq!(error.code, TokenErrorCode::InvalidClient, "{error}");
    }
}

#[tokio::test]
async fn an_rsa_client_is_as_welcome() {
    let mut world = World::new();
    world.key = key(Algorithm::RS384);
    let keys = Keys::Inline(set(&[&world.key]));
    world.registry().add(&registration("rsa", ALL, keys)).expect("registered");
    let mut claims = world.claims();
    (claims["iss"], claims["sub"]) = (json!("rsa"), json!("rsa"));
    let assertion = sign(&world.header(), &claims, &world.key);
    world.ask_with(&assertion, "system/*.rs", None).await.expect("granted");
}

#[tokio::test]
async fn an_assertion_is_good_once_also_after_a_restart() {
    let mut world = World::new();
    let assertion = world.assertion();
    world.ask_with(&assertion, "system/*.rs", None).await.expect("granted");
    for _ in 0..2 {
        let error = world.ask_with(&assertion, "system/*.rs", None).await.expect_err("replayed");
        assert_eq!(error.code, TokenErrorCode::InvalidClient);
        assert!(error.to_string().contains("`jti`"), "{error}");
        world.restart();
    }
}

#[tokio::test]
async fn a_replay_is_refused_as_long_as_clocks_that_differ_could_believe_it() {
    let world = World::new();
    let mut claims = world.claims();
    claims["exp"] = json!(world.seconds() + 5);
    let assertion = sign(&world.header(), &claims, &world.key);
    world.ask_with(&assertion, "system/*.rs", None).await.expect("granted");
    // Expired, and still within the skew.
    world.clock.pass(20);
    let error = world.ask_with(&assertion, "system/*.rs", None).await.expect_err("a replay");
    assert!(error.to_string().contains("`jti`"), "{error}");
}

#[tokio::test]
async fn a_forged_assertion_does_not_use_up_the_jti_of_its_victim() {
    let world = World::new();
    let claims = world.claims();
    let forged = sign(&world.header(), &claims, &key(Algorithm::ES384));
    world.ask_with(&forged, "system/*.rs", None).await.expect_err("refused");
    world.ask_with(&sign(&world.header(), &claims, &world.key), "system/*.rs", None).await.expect("granted");
}

#[tokio::test]
async fn forms_that_are_none_are_refused_as_the_standard_says() {
    use TokenErrorCode as Code;
    let world = World::new();
    let assertion = world.assertion();
    let good = form(&assertion, "system/*.rs");
    let without = |name: &str| good.iter().filter(|(known, _)| *known != name).copied().collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| [without(name), vec![(name, value)]].concat();
    let twice = [good.to_vec(), vec![("scope", "system/*.rs")]].concat();
    let cases = [
        (without("grant_type"), Code::InvalidRequest),
        (with("grant_type", "authorization_code"), Code::UnsupportedGrantType),
        (without("client_assertion"), Code::InvalidClient),
        (without("client_assertion_type"), Code::InvalidClient),
        (with("client_assertion_type", "urn:other"), Code::InvalidClient),
        (with("client_id", "other"), Code::InvalidClient),
        (without("scope"), Code::InvalidScope),
        (with("scope", ""), Code::InvalidScope),
        (with("scope", "system/Patient.sr"), Code::InvalidScope),
        (with("scope", "system/Patient.rs?name=x"), Code::InvalidScope),
        (with("scope", "unheard-of"), Code::InvalidScope),
        (with("scope", "user/Patient.rs"), Code::InvalidScope),
        (with("scope", "patient/Patient.rs"), Code::InvalidScope),
        (with("patient", "not an id"), Code::InvalidRequest),
        (twice, Code::InvalidRequest),
    ];
    for (form, code) in cases {
        let error = world.ask(&form).await.expect_err("refused");
        assert_eq!(error.code, code, "{error}");
        let http = error.into_http();
        assert_eq!(http.status(), code.row().1);
        let body: Value = serde_json::from_slice(http.body()).expect("json");
        assert_eq!(body["error"], code.row().0);
        assert_eq!(http.headers()["cache-control"], "no-store");
    }
    world.ask(&good).await.expect("the good form still is");
}

#[tokio::test]
async fn only_a_form_without_authorization_is_read() {
    let world = World::new();
    let body =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(form(&world.assertion(), "system/*.rs")).finish();
    let practice = Practice::default();
    let good = TokenRequest {
        practice: &practice,
        content_type: Some("application/x-www-form-urlencoded"),
        has_authorization: false,
        body: body.as_bytes(),
        address: HOME,
    };
    let code = async |request| world.authority.token(request).await.err().map(|error: TokenError| error.code);
    let json = TokenRequest { content_type: Some("application/json"), ..good };
    assert_eq!(code(json).await, Some(TokenErrorCode::InvalidRequest));
    assert_eq!(code(TokenRequest { content_type: None, ..good }).await, Some(TokenErrorCode::InvalidRequest));
    assert_eq!(code(TokenRequest { has_authorization: true, ..good }).await, Some(TokenErrorCode::InvalidClient));
    let north = Practice::new("north");
    assert_eq!(code(TokenRequest { practice: &north, ..good }).await, Some(TokenErrorCode::InvalidClient));
    let huge = vec![b'a'; 40_000];
    assert_eq!(code(TokenRequest { body: &huge, ..good }).await, Some(TokenErrorCode::InvalidRequest));
    assert_eq!(code(good).await, None);
}

#[tokio::test]
async fn only_registered_scopes_are_granted_and_unknown_ones_are_left_out() {
    let world = World::new();
    let keys = Keys::Inline(set(&[&world.key]));
    world.registry().add(&registration("small", "system/Patient.r system/Slot.rs", keys)).expect("registered");
    let mut claims = world.claims();
    (claims["iss"], claims["sub"]) = (json!("small"), json!("small"));
    let assertion = sign(&world.header(), &claims, &world.key);
    let response = world.ask_with(&assertion, "system/*.rs something-else openid", None).await.expect("granted");
    assert_eq!(response.scope(), "system/Patient.r system/Slot.rs");
}

#[tokio::test]
async fn a_patients_context_is_for_clients_that_are_configured_for_it() {
    let world = World::new();
    let scope = "launch/patient patient/*.rs system/*.cruds";
    let response = world.ask_with(&world.assertion(), scope, Some("Patient/p1")).await.expect("granted");
    assert_eq!(response.scope(), "launch/patient patient/*.rs", "no system scope beside a patient's");
    let body: Value = serde_json::from_slice(response.into_http().body()).expect("json");
    assert_eq!(body["patient"], "p1");

    let keys = Keys::Inline(set(&[&world.key]));
    let plain = Registration { patient_context: false, ..registration("plain", ALL, keys) };
    world.registry().add(&plain).expect("registered");
    let mut claims = world.claims();
    (claims["iss"], claims["sub"]) = (json!("plain"), json!("plain"));
    let assertion = sign(&world.header(), &claims, &world.key);
    let error = world.ask_with(&assertion, scope, Some("p1")).await.expect_err("refused");
    assert_eq!(error.code, TokenErrorCode::UnauthorizedClient);
}

#[tokio::test]
async fn too_many_token_requests_of_an_address_are_put_off_before_they_are_verified() {
    let world = World::with(|config| config.rate_limits.token = config::Rate::new(1, 2));
    for _ in 0..2 {
        world.ask_with("junk", "system/*.rs", None).await.expect_err("refused");
    }
    let error = world.ask_with(&world.assertion(), "system/*.rs", None).await.expect_err("put off");
    assert_eq!(error.code, TokenErrorCode::TemporarilyUnavailable);
    let http = error.into_http();
    assert_eq!(http.status(), 429);
    assert_eq!(http.headers()["retry-after"], "1");
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_put_off() {
    let world = World::with(|config| config.rate_limits.failures = config::Rate::new(1, 3));
    for _ in 0..4 {
        world.ask_with("junk", "system/*.rs", None).await.expect_err("refused");
    }
    let error = world.ask_with(&world.assertion(), "system/*.rs", None).await.expect_err("put off");
    assert_eq!(error.code, TokenErrorCode::TemporarilyUnavailable);
}
