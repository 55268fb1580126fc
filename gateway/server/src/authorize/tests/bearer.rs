//! Bearer tokens of our own: good, bad, dead.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;

use super::*;

fn unauthorized(result: Result<Permitted, Failure>, text: &str) {
    let failure = result.expect_err(text);
    assert_eq!(failure.status, StatusCode::UNAUTHORIZED, "{text}");
    let field = challenge(&failure);
    assert!(field.starts_with(&format!("Bearer realm=\"{BASE}\", error=\"invalid_token\"")), "{field}");
    assert!(failure.issues[0].text.contains(text), "{}", failure.issues[0].text);
}

#[tokio::test]
async fn a_token_lets_its_client_in_and_says_who_it_is() {
    let world = World::new();
    let token = world.token("system/Patient.rs").await;
    let permitted = world.permit(&token, read(ResourceType::PATIENT, "1")).await.expect("permitted");
    let caller = permitted.caller();
    assert_eq!((&*caller.client, &*caller.issuer, &*caller.scopes), ("lab", ROOT, "system/Patient.rs"));
    assert!(caller.token.is_some() && caller.patient.is_none() && permitted.confined_to().is_none());
}

/// RFC 9068 4: what our key has signed for another purpose is no access token.
#[tokio::test]
async fn what_our_key_signed_and_is_not_typed_as_an_access_token_lets_nobody_in() {
    let world = World::new();
    let token = world.token("system/Patient.rs").await;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a payload")).expect("base64");
    let claims: Value = serde_json::from_slice(&payload).expect("claims");
    let mut keys = std::fs::read_dir(world.folder.path().join("signing")).expect("keys");
    let pem = std::fs::read(keys.next().expect("a key").expect("a file").path()).expect("a key");
    let key = PrivateKey::from_pem(&pem).expect("a key");
    let signed = |typ: Option<&str>| {
        let mut header = Header::new(key.algorithm);
        (header.typ, header.kid) = (typ.map(str::to_owned), Some(key.kid.clone()));
        sign(&header, &claims, &key)
    };
    world.permit(&signed(Some("at+jwt")), read(ResourceType::PATIENT, "1")).await.expect("permitted");
    for typ in [Some("JWT"), None] {
        unauthorized(world.permit(&signed(typ), read(ResourceType::PATIENT, "1")).await, "`typ` at+jwt");
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error_code() {
    let world = World::new();
    let failure = identify(&credentials(None), &world.authority).await.expect_err("refused");
    assert_eq!(failure.status, StatusCode::UNAUTHORIZED);
    assert_eq!(challenge(&failure), format!("Bearer realm=\"{BASE}\""));
}

#[tokio::test]
async fn a_token_dies_with_its_time() {
    let world = World::new();
    let token = world.token("system/*.rs").await;
    let read = || read(ResourceType::PATIENT, "1");
    world.clock.pass(299);
    world.permit(&token, read()).await.expect("still good");
    world.clock.pass(1);
    unauthorized(world.permit(&token, read()).await, "expired");
}

#[tokio::test]
async fn a_token_dies_with_its_client_at_once_though_it_was_cached() {
    let world = World::new();
    let token = world.token("system/*.rs").await;
    let read = || read(ResourceType::PATIENT, "1");
    world.permit(&token, read()).await.expect("good");
    world.registry().switch(&Practice::default(), "lab", true).expect("disabled");
    unauthorized(world.permit(&token, read()).await, "revoked");
    let error = world.ask_with(&world.assertion(), "system/*.rs", None).await.expect_err("refused");
    assert!(error.to_string().contains("disabled"), "{error}");
    world.registry().switch(&Practice::default(), "lab", false).expect("enabled");
    unauthorized(world.permit(&token, read()).await, "revoked");
    let fresh = world.token("system/*.rs").await;
    world.permit(&fresh, read()).await.expect("good");
}

#[tokio::test]
async fn a_rotated_key_works_beside_the_old_one_until_that_is_removed() {
    let mut world = World::new();
    let new = key(Algorithm::ES384);
    world.registry().add_keys(&Practice::default(), "lab", &set(&[&new])).expect("rotated");
    let old_token = world.token("system/*.rs").await;
    let old = std::mem::replace(&mut world.key, new);
    world.token("system/*.rs").await;
    world.registry().remove_key(&Practice::default(), "lab", &old.kid).expect("removed");
    unauthorized(world.permit(&old_token, read(ResourceType::PATIENT, "1")).await, "revoked");
    world.token("system/*.rs").await;
    world.key = old;
    world.ask_with(&world.assertion(), "system/*.rs", None).await.expect_err("the old key is gone");
}

#[tokio::test]
async fn tokens_survive_a_restart() {
    let mut world = World::new();
    let token = world.token("system/*.rs").await;
    world.restart();
    world.permit(&token, read(ResourceType::PATIENT, "1")).await.expect("still good");
}

#[tokio::test]
async fn changed_tokens_and_other_texts_are_refused() {
    let world = World::new();
    let token = world.token("system/Patient.r").await;
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
    let raised = String::from_utf8(claims).expect("text").replace("system/Patient.r", "system/*.cruds");
    let raised = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(raised), parts[2]);
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#), parts[1]);
    let long = "a".repeat(20_000);
    // A client's own assertion is signed by a key that is registered here, and no access token for that.
    let assertion = world.assertion();
    for text in [raised.as_str(), &none, parts[0], "", "opaque", &long, &assertion] {
        let failure = world.permit(text, read(ResourceType::PATIENT, "1")).await.expect_err("refused");
        assert_eq!(failure.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_token_is_for_one_practice_and_one_base() {
    let world = World::new();
    let token = world.token("system/*.rs").await;
    let other = Credentials { base: "https://gw.example/fhir/r5".into(), ..credentials(Some(&token)) };
    let failure = identify(&other, &world.authority).await.expect_err("refused");
    assert!(failure.issues[0].text.contains("another FHIR base"));
    for is_cached in [false, true] {
        let other = Credentials { practice: Practice::new("north"), ..credentials(Some(&token)) };
        let failure = identify(&other, &world.authority).await.expect_err("refused");
        assert_eq!(failure.status, StatusCode::UNAUTHORIZED, "cached: {is_cached}");
        world.permit(&token, read(ResourceType::PATIENT, "1")).await.expect("good in its own");
    }
}

#[tokio::test]
async fn a_client_beyond_its_rate_is_put_off_with_its_numbers() {
    let world = World::with(|config| config.rate_limits.client = config::Rate::new(1, 2));
    let token = world.token("system/*.rs").await;
    let read = || read(ResourceType::PATIENT, "1");
    let permitted = world.permit(&token, read()).await.expect("permitted");
    assert_eq!(permitted.rate().headers()[1].1, "\"client\";r=1;t=1");
    world.permit(&token, read()).await.expect("permitted");
    let failure = world.permit(&token, read()).await.expect_err("put off");
    assert_eq!(failure.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(failure.headers.contains_key("retry-after") && failure.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn guessing_tokens_is_put_off() {
    let world = World::with(|config| config.rate_limits.failures = config::Rate::new(1, 3));
    let good = world.token("system/*.rs").await;
    let read = || read(ResourceType::PATIENT, "1");
    world.permit(&good, read()).await.expect("good");
    let mut last = StatusCode::OK;
    for guess in 0..6 {
        last = world.permit(&format!("guess{guess}"), read()).await.expect_err("refused").status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    world.permit(&good, read()).await.expect("a known token is not put off");
}

#[tokio::test]
async fn discovery_says_what_there_is() {
    let world = World::new();
    let document: Value =
        serde_json::from_slice(&world.authority.smart_configuration(&Practice::default())).expect("json");
    assert_eq!(document["token_endpoint"], format!("{ROOT}/auth/token"));
    for required in ["grant_types_supported", "capabilities", "code_challenge_methods_supported", "scopes_supported"] {
        assert!(document[required].as_array().is_some_and(|values| !values.is_empty()), "{required}");
    }
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert!(document.get("issuer").is_none() && document.get("jwks_uri").is_none());
}
