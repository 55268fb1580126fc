//! Addresses, URLs, origins, TLS files.

use std::net::SocketAddr;
use std::path::Path;

use url::{Host, Url};

use super::Meaning;
use crate::settings::{ClientCertificates, PlainHttp, Tls};

pub(super) fn check(meaning: &mut Meaning<'_>) {
    let gateway = &meaning.config.gateway;
    if gateway.listen == gateway.admin && gateway.listen.port() != 0 {
        meaning.fault(&["gateway", "admin"], "`admin` is the address of `listen`", "expected another port");
    }
    if gateway.tls.is_none() {
        plain_http(meaning, "listen", gateway.listen, "[gateway.tls], ");
    }
    // The admin port never speaks TLS.
    plain_http(meaning, "admin", gateway.admin, "");
    match &gateway.public_url {
        Some(url) => public_url(meaning, url),
        None if gateway.listen.ip().is_unspecified() => meaning.fault(
            &["gateway", "listen"],
            "clients cannot be told where the gateway is",
            "expected `public-url` beside it, or an address that clients can call",
        ),
        None => {}
    }
    if let Some(tls) = &gateway.tls {
        files(meaning, tls);
    }
    origins(meaning, &["gateway", "origins"], &gateway.origins);
}

/// Plain HTTP beyond loopback has to be asked for in words.
fn plain_http(meaning: &mut Meaning<'_>, name: &str, address: SocketAddr, instead: &str) {
    let allowed = meaning.config.gateway.plain_http == PlainHttp::PatientDataUnencryptedOnTheNetwork;
    if !allowed && !address.ip().is_loopback() {
        meaning.fault(
            &["gateway", name],
            format!("`{name}` is reachable from other machines without TLS"),
            format!(
                "expected {instead}an address such as 127.0.0.1, or \
                 plain-http = \"patient-data-unencrypted-on-the-network\""
            ),
        );
    }
}

fn public_url(meaning: &mut Meaning<'_>, url: &Url) {
    let path = ["gateway", "public-url"];
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !bare || url.host().is_none() {
        meaning.fault(&path, "`public-url` is more than a scheme, a host and a port", "expected https://fhir.example");
    }
    let allowed = meaning.config.gateway.plain_http == PlainHttp::PatientDataUnencryptedOnTheNetwork;
    if !allowed && !is_private(url) {
        meaning.fault(&path, "`public-url` is not https", "expected https://…");
    }
}

fn files(meaning: &mut Meaning<'_>, tls: &Tls) {
    file(meaning, &["gateway", "tls", "certificate"], &tls.certificate);
    file(meaning, &["gateway", "tls", "key"], &tls.key);
    match &tls.client_authorities {
        Some(authorities) => file(meaning, &["gateway", "tls", "client-authorities"], authorities),
        None if tls.client_certificates == ClientCertificates::Required => meaning.fault(
            &["gateway", "tls", "client-certificates"],
            "no authority to verify client certificates with",
            "expected `client-authorities` beside it",
        ),
        None => {}
    }
    match &tls.client_revocations {
        Some(revocations) if tls.client_authorities.is_some() => {
            file(meaning, &["gateway", "tls", "client-revocations"], revocations);
        }
        Some(_) => meaning.fault(
            &["gateway", "tls", "client-revocations"],
            "no authority whose revocations these are",
            "expected `client-authorities` beside it",
        ),
        None => {}
    }
}

/// A file that has to be readable when the gateway starts.
pub(super) fn file(meaning: &mut Meaning<'_>, path: &[&str], file: &Path) {
    if let Err(error) = std::fs::File::open(file) {
        meaning.fault(path, format!("cannot read {}: {error}", file.display()), "expected a file");
    }
}

/// https, or plain HTTP to this machine: what may be fetched keys and tokens from.
pub(super) fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        },
        _ => false,
    }
}

pub(super) fn private_url(meaning: &mut Meaning<'_>, path: &[&str], url: &Url) {
    if !is_private(url) {
        meaning.fault(path, format!("`{url}` can be read and changed on its way"), "expected https://…");
    }
}

/// RFC 6454 7: scheme, host, port, as browsers write them.
pub(super) fn origins(meaning: &mut Meaning<'_>, path: &[&str], origins: &[String]) {
    for (index, origin) in origins.iter().enumerate() {
        let same = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if !same {
            let index = index.to_string();
            let path: Vec<&str> = path.iter().copied().chain([index.as_str()]).collect();
            meaning.fault(&path, format!("`{origin}` is not an origin"), "expected such as https://portal.example");
        }
    }
}
