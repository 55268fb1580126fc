//! Outside issuers: every check of their tokens, discovery, introspection.

use http::StatusCode;

use super::server::{Answer, Server};
use super::*;

struct Outside {
    server: Server,
    world: World,
    key: PrivateKey,
}

const ISSUER: &str = "https://issuer.example";

impl Outside {
    async fn new(toml: &str) -> Self {
        let server = Server::start().await;
        let settings = format!("url = \"{ISSUER}\"\n{}", toml.replace("$ROOT", &server.root));
        let issuer: config::Issuer = toml::from_str(&settings).expect("settings");
        let world = World::with(|config| {
            config.issuers.insert("outside".into(), issuer);
        });
        let key = key(Algorithm::ES384);
        server.answer("/jwks", "max-age=600", set_json(&[&key]));
        Self { server, world, key }
    }

    async fn by_url() -> Self {
        Self::new("jwks-url = \"$ROOT/jwks\"").await
    }

    fn claims(&self) -> Value {
        let now = self.world.seconds();
        json!({ "iss": ISSUER, "aud": BASE, "exp": now + 600, "client_id": "portal", "jti": "t1", "scope": "user/*.rs" })
    }

    fn token(&self, change: impl FnOnce(&mut Header, &mut Value)) -> String {
        let mut header = Header::new(self.key.algorithm);
        (header.typ, header.kid) = (Some("at+jwt".into()), Some(self.key.kid.clone()));
        let mut claims = self.claims();
        change(&mut header, &mut claims);
        sign(&header, &claims, &self.key)
    }

    async fn permit(&self, token: &str) -> Result<Permitted, Failure> {
        self.world.permit(token, read(ResourceType::APPOINTMENT, "1")).await
    }
}

fn system(_: &mut Header, claims: &mut Value) {
    claims["scope"] = json!("system/*.rs");
}

#[tokio::test]
async fn a_good_token_of_a_trusted_issuer_lets_in() {
    let outside = Outside::by_url().await;
    let permitted = outside.permit(&outside.token(system)).await.expect("permitted");
    let caller = permitted.caller();
    assert_eq!((&*caller.client, caller.token.as_deref()), ("portal", Some("t1")));
    assert!(caller.issuer.starts_with(ISSUER));
}

#[tokio::test]
async fn each_flaw_of_a_token_is_refused() {
    let outside = Outside::by_url().await;
    let now = outside.world.seconds();
    type Change = fn(&mut Header, &mut Value, u64);
    let flaws: [(&str, Change); 13] = [
        ("`typ` at+jwt", |header, _, _| header.typ = Some("JWT".into())),
        ("`typ` at+jwt", |header, _, _| header.typ = None),
        ("not trusted", |_, claims, _| claims["iss"] = json!("https://stranger.example")),
        ("not trusted", |_, claims, _| claims["iss"] = json!("https://issuer.example.evil.example")),
        ("`iss`", |_, claims, _| claims["iss"] = Value::Null),
        ("`aud`", |_, claims, _| claims["aud"] = json!("https://other.example/fhir")),
        ("`aud`", |_, claims, _| claims["aud"] = Value::Null),
        ("`exp`", |_, claims, _| claims["exp"] = Value::Null),
        ("expired", |_, claims, now| claims["exp"] = json!(now - 31)),
        ("not valid yet", |_, claims, now| claims["nbf"] = json!(now + 31)),
        ("`nbf`", |_, claims, _| claims["nbf"] = json!("now")),
        ("`kid`", |header, _, _| header.kid = Some("other".into())),
        ("`crit`", |header, _, _| header.crit = Some(vec!["b64".into()])),
    ];
    for (named, change) in flaws {
        let token = outside.token(|header, claims| {
            system(header, claims);
            change(header, claims, now);
        });
        let failure = outside.permit(&token).await.expect_err(named);
        assert_eq!(failure.status, StatusCode::UNAUTHORIZED, "{named}");
        let text = &failure.issues[0].text;
        assert!(text.contains(named) || named == "`crit`", "expected {named} in: {text}");
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_on_the_list_is_refused() {
    let outside = Outside::new("jwks-url = \"$ROOT/jwks\"\nalgorithms = [\"RS256\"]").await;
    let failure = outside.permit(&outside.token(system)).await.expect_err("refused");
    assert!(failure.issues[0].text.contains("`alg`"), "{}", failure.issues[0].text);
}

#[tokio::test]
async fn an_issuer_without_typ_is_told_from_its_id_tokens_by_a_claim() {
    let outside = Outside::new("jwks-url = \"$ROOT/jwks\"\naccess-token-claim = \"scope\"").await;
    let plain = outside.token(|header, claims| (header.typ, claims["scope"]) = (None, json!("system/*.rs")));
    outside.permit(&plain).await.expect("permitted");
    let id_token = outside.token(|header, claims| {
        header.typ = Some("JWT".into());
        claims.as_object_mut().expect("an object").remove("scope");
    });
    assert_eq!(outside.permit(&id_token).await.expect_err("refused").status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_are_found_by_discovery_of_the_issuer_itself() {
    let server = Server::start().await;
    let issuer: config::Issuer = toml::from_str(&format!("url = \"{}\"", server.root)).expect("settings");
    let world = World::with(|config| {
        config.issuers.insert("outside".into(), issuer);
    });
    let outside = Outside { key: key(Algorithm::ES384), server, world };
    let root = outside.server.root.clone();
    outside.server.answer("/jwks", "max-age=600", set_json(&[&outside.key]));
    let document = |issuer: &str| json!({ "issuer": issuer, "jwks_uri": format!("{root}/jwks") }).to_string();
    let at = "/.well-known/openid-configuration";
    let token = outside.token(|_, claims| (claims["iss"], claims["scope"]) = (json!(root), json!("system/*.rs")));
    outside.server.answer(at, "", document("https://other.example"));
    assert_eq!(outside.permit(&token).await.expect_err("another's").status, StatusCode::SERVICE_UNAVAILABLE);
    outside.server.answer(at, "", document(&root));
    outside.permit(&token).await.expect("permitted");
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_no_fault_of_the_client() {
    let outside = Outside::new("jwks-url = \"$ROOT/nothing\"").await;
    assert_eq!(outside.permit(&outside.token(system)).await.expect_err("503").status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn user_scopes_are_worth_what_the_user_is() {
    let outside = Outside::by_url().await;
    let as_user = |user: Value| {
        outside.token(|_, claims| {
            if !user.is_null() {
                claims["fhirUser"] = user;
            }
        })
    };
    for staff in [json!("Practitioner/1"), json!(format!("{BASE}/PractitionerRole/1"))] {
        let permitted = outside.permit(&as_user(staff)).await.expect("staff");
        assert!(permitted.confined_to().is_none() && permitted.caller().user.is_some());
    }
    for nobody in [Value::Null, json!("RelatedPerson/1"), json!("https://other.example/Practitioner/1"), json!(7)] {
        assert_eq!(outside.permit(&as_user(nobody)).await.expect_err("nobody").status, StatusCode::FORBIDDEN);
    }
    let permitted = outside.permit(&as_user(json!("Patient/p1"))).await.expect("a patient");
    assert_eq!(permitted.confined_to().map(|patient| patient.id.as_str()), Some("p1"));
}

#[tokio::test]
async fn the_patient_stands_in_the_configured_claim() {
    let outside =
        Outside::new("jwks-url = \"$ROOT/jwks\"\npatient-claim = \"ctx_patient\"\nscope-claim = \"scp\"").await;
    let token = |patient: Value| {
        outside.token(|_, claims| (claims["scp"], claims["ctx_patient"]) = (json!(["openid", "patient/*.rs"]), patient))
    };
    let permitted = outside.permit(&token(json!("p1"))).await.expect("permitted");
    assert_eq!(permitted.confined_to().map(|patient| patient.id.as_str()), Some("p1"));
    for odd in [Value::Null, json!("not an id"), json!(["p1"])] {
        assert_eq!(outside.permit(&token(odd)).await.expect_err("no patient").status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn an_issuer_grants_no_more_than_the_configuration_lets_it() {
    let outside = Outside::new("jwks-url = \"$ROOT/jwks\"\nscopes = \"system/Slot.rs\"").await;
    let token = outside.token(system);
    assert_eq!(outside.permit(&token).await.expect_err("refused").status, StatusCode::FORBIDDEN);
    outside.world.permit(&token, read(ResourceType::SLOT, "1")).await.expect("permitted");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_it() {
    let outside = Outside::by_url().await;
    // base64url of 32 times 7
    let thumbprint = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let token = outside.token(|header, claims| {
        system(header, claims);
        claims["cnf"] = json!({ "x5t#S256": thumbprint });
    });
    assert_eq!(outside.permit(&token).await.expect_err("without").status, StatusCode::UNAUTHORIZED);
    let bound = Credentials { certificate: Some([7; 32]), ..credentials(Some(&token)) };
    let request = request(read(ResourceType::APPOINTMENT, "1"));
    walk(&bound, request, &outside.world.authority).await.expect("with it");
}

/// RFC 7800, RFC 9449: whoever cannot check what a token is bound to must not take it as a bearer token.
#[tokio::test]
async fn a_token_that_is_bound_to_what_we_cannot_check_lets_nobody_in() {
    let outside = Outside::by_url().await;
    for confirmation in
        [json!({ "jkt": "x" }), json!({ "x5t#S256": "short" }), json!({ "x5t#S256": 7 }), json!({}), json!(7)]
    {
        let token = outside.token(|header, claims| {
            system(header, claims);
            claims["cnf"] = confirmation.clone();
        });
        assert_eq!(outside.permit(&token).await.expect_err("bound").status, StatusCode::UNAUTHORIZED, "{confirmation}");
    }
    let unbound = outside.token(|header, claims| {
        system(header, claims);
        claims["cnf"] = Value::Null;
    });
    outside.permit(&unbound).await.expect("permitted");
}

const INTROSPECTION: &str = "jwks-url = \"$ROOT/jwks\"\nintrospection = { url = \"$ROOT/introspect\", client = \"us\", secret = { env = \"PATH\" } }";

#[tokio::test]
async fn an_opaque_token_is_asked_about_and_believed_for_a_minute() {
    let outside = Outside::new(INTROSPECTION).await;
    let now = outside.world.seconds();
    let answer =
        json!({ "active": true, "client_id": "portal", "scope": "patient/*.rs", "patient": "p1", "exp": now + 900 });
    outside.server.answer("/introspect", "", answer.to_string());
    for _ in 0..2 {
        let permitted = outside.permit("opaque+token").await.expect("permitted");
        assert_eq!(permitted.confined_to().map(|patient| patient.id.as_str()), Some("p1"));
    }
    assert_eq!(outside.server.asked(), 1);
    let (authorization, form) = outside.server.last();
    assert!(authorization.starts_with("Basic ") && form == "token=opaque%2Btoken", "{form}");
    outside.world.clock.pass(61);
    outside.server.answer("/introspect", "", json!({ "active": false }).to_string());
    assert_eq!(outside.permit("opaque+token").await.expect_err("revoked").status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_introspection_that_is_not_for_us_or_broken_lets_nobody_in() {
    let outside = Outside::new(INTROSPECTION).await;
    let answers = [
        (json!({ "active": true, "aud": "https://other.example", "scope": "system/*.rs" }), StatusCode::UNAUTHORIZED),
        (json!({ "active": true, "iss": "https://other.example", "scope": "system/*.rs" }), StatusCode::UNAUTHORIZED),
        (json!({ "active": "true", "scope": "system/*.rs" }), StatusCode::UNAUTHORIZED),
        (json!({ "scope": "system/*.rs" }), StatusCode::UNAUTHORIZED),
        (json!(["active"]), StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (answer, status) in answers {
        outside.server.answer("/introspect", "", answer.to_string());
        assert_eq!(outside.permit("opaque").await.expect_err("refused").status, status, "{answer}");
    }
    outside
        .server
        .answer_with("/introspect", Answer { status: 500, cache: "", body: String::new(), delay: Duration::ZERO });
    assert_eq!(outside.permit("opaque").await.expect_err("refused").status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn the_patient_of_a_signed_token_may_come_from_introspection() {
    let outside = Outside::new(INTROSPECTION).await;
    outside.server.answer("/introspect", "", json!({ "active": true, "scope": "", "patient": "p1" }).to_string());
    let token = outside.token(|_, claims| claims["scope"] = json!("patient/*.rs"));
    let permitted = outside.permit(&token).await.expect("permitted");
    assert_eq!(permitted.confined_to().map(|patient| patient.id.as_str()), Some("p1"));
}
