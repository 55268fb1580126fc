//! The JWS and JWK vectors of Project Wycheproof against the code that verifies tokens.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::authorize::jose::verify_payload;
use crate::authorize::jwk::KeySet;

/// What a configuration can allow at most: no HMAC.
const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

fn suite(file: &str) -> Option<Value> {
    let suites = std::env::var_os("FRONTDESK_SUITES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites"), PathBuf::from);
    let path = suites.join("wycheproof").join(file);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).expect("json")),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{}: {error}", path.display());
            println!("SKIPPED: no {} (set FRONTDESK_SUITES)", path.display());
            None
        }
    }
}

/// Runs a file; gives how many vectors were valid and accepted, and the ones that ended otherwise than they say.
fn run(file: &str) -> Option<(usize, Vec<String>)> {
    let suite = suite(file)?;
    let (mut accepted, mut wrong) = (0, Vec::new());
    for group in suite["testGroups"].as_array().expect("groups") {
        let key = group.get("public").unwrap_or(&group["private"]);
        let set = if key.get("keys").is_some() { key.clone() } else { json!({ "keys": [key] }) };
        let keys = KeySet::parse(set.to_string().as_bytes()).unwrap_or_default();
        for test in group["tests"].as_array().expect("tests") {
            let is_good = test["jws"].as_str().is_some_and(|jws| verify_payload(jws, &keys, &ALLOWED).is_ok());
            let says = test["result"].as_str().expect("a result");
            if is_good != (says == "valid") && says != "acceptable" && !is_foreign(test, key) {
                wrong.push(format!("{} {}: {} is {says}", test["tcId"], group["comment"], test["comment"]));
            }
            accepted += usize::from(is_good);
        }
    }
    println!("{file}: {accepted} accepted, {} otherwise than the vector says", wrong.len());
    Some((accepted, wrong))
}

/// Valid vectors that we refuse by intent: HMAC and P-521 are on no list of ours, a key is used with the algorithm that it is
/// bound to, and base64url has no other characters.
fn is_foreign(test: &Value, key: &Value) -> bool {
    if test["result"] != "valid" {
        return false;
    }
    let header = test["jws"].as_str().and_then(|jws| jws.split('.').next()).unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let Some(header) = header else { return true };
    let algorithm = header["alg"].as_str().unwrap_or_default();
    algorithm.starts_with("HS") || algorithm == "ES512" || key["alg"].as_str().is_some_and(|bound| bound != algorithm)
}

#[test]
fn signatures_are_accepted_and_refused_as_the_vectors_say() {
    let Some((accepted, wrong)) = run("json_web_signature_test.json") else { return };
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(accepted > 0);
}

#[test]
fn keys_are_accepted_and_refused_as_the_vectors_say() {
    let Some((_, wrong)) = run("json_web_key_test.json") else { return };
    assert!(wrong.is_empty(), "{wrong:#?}");
}
