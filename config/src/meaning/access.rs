//! Clients, issuers, practices.

use super::Meaning;
use super::network::{file, origins, private_url};
use super::ranges::rate;
use crate::settings::{Client, Issuer, JwkSet};

/// First segments of the gateway's own paths: no practice can have them as its name.
const RESERVED: &[&str] = &["fhir", "auth", "book", "admin", ".well-known", "default"];

pub(super) fn check(meaning: &mut Meaning<'_>) {
    for (name, issuer) in &meaning.config.issuers {
        check_issuer(meaning, name, issuer);
    }
    for (name, client) in &meaning.config.clients {
        check_client(meaning, name, client);
    }
    for name in meaning.config.practices.keys() {
        practice_name(meaning, name);
    }
    one_issuer_a_url(meaning);
}

fn check_issuer(meaning: &mut Meaning<'_>, name: &str, issuer: &Issuer) {
    private_url(meaning, &["issuers", name, "url"], &issuer.url);
    if let Some(url) = &issuer.jwks_url {
        private_url(meaning, &["issuers", name, "jwks-url"], url);
    }
    if let Some(introspection) = &issuer.introspection {
        private_url(meaning, &["issuers", name, "introspection", "url"], &introspection.url);
        if let Err(error) = introspection.secret.read() {
            meaning.fault(&["issuers", name, "introspection", "secret"], error.to_string(), "expected a secret there");
        }
    }
    if issuer.algorithms.is_empty() {
        meaning.fault(&["issuers", name, "algorithms"], "no algorithm is allowed", "expected such as [\"RS256\"]");
    }
    meaning.practice(&["issuers", name, "practice"], &issuer.practice);
}

fn check_client(meaning: &mut Meaning<'_>, name: &str, client: &Client) {
    match &client.jwks {
        JwkSet::File(path) => file(meaning, &["clients", name, "jwks"], path),
        JwkSet::Url(url) => private_url(meaning, &["clients", name, "jwks"], url),
    }
    if client.scopes.trim().is_empty() {
        let expected = "expected such as \"system/Patient.rs\"";
        meaning.fault(&["clients", name, "scopes"], "the client may not ask for anything", expected);
    }
    origins(meaning, &["clients", name, "origins"], &client.origins);
    if let Some(own) = client.rate {
        rate(meaning, &["clients", name, "rate"], own);
    }
    meaning.practice(&["clients", name, "practice"], &client.practice);
}

/// The name is the first segment of the practice's paths.
fn practice_name(meaning: &mut Meaning<'_>, name: &str) {
    let path = ["practices", name];
    if RESERVED.contains(&name) {
        meaning.fault(
            &path,
            format!("`{name}` cannot be the name of a practice"),
            "expected a name that is not reserved",
        );
    }
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        meaning.fault(&path, format!("`{name}` cannot stand in a URL"), "expected 1 to 64 of a-z, 0-9 and `-`");
    }
}

/// Two sections for one `iss` would leave it open which of them decides.
fn one_issuer_a_url(meaning: &mut Meaning<'_>) {
    let issuers: Vec<_> = meaning.config.issuers.iter().collect();
    for (index, (name, issuer)) in issuers.iter().enumerate() {
        let twin =
            issuers[..index].iter().find(|(_, other)| other.url == issuer.url && other.practice == issuer.practice);
        if let Some((other, _)) = twin {
            let message = format!("the issuer `{other}` has the same url");
            meaning.fault(&["issuers", name, "url"], message, "expected one section for each issuer");
        }
    }
}
