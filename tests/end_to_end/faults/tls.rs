//! TLS: the gateway's own, and back ends whose TLS is bad.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::eventually;
use crate::support::gateway::Site;

const STORE: &str = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n";

fn curl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("curl").args(["-sS", "--max-time", "10"]).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Puts a fresh certificate for localhost in place.
fn certify(site: &Site) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = site.folder.path();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
}

fn tls_site() -> Site {
    let site = Site::on_store();
    certify(&site);
    let folder = site.folder.path().display().to_string();
    site.configure(
        &format!("\n[gateway.tls]\ncertificate = \"{folder}/certificate.pem\"\nkey = \"{folder}/key.pem\"\n"),
        STORE,
    );
    site
}

#[test]
fn tls_1_2_and_1_3_are_served_and_older_ones_and_plain_http_are_not() {
    let site = tls_site();
    let gateway = site.serve();
    let url = format!("https://localhost:{}/fhir/r4/metadata", gateway.port);
    let authority = site.folder.path().join("certificate.pem");
    let authority = authority.to_str().unwrap();
    for version in [&["--tlsv1.3"][..], &["--tlsv1.2", "--tls-max", "1.2"]] {
        for http in ["--http1.1", "--http2"] {
            let (ok, body) = curl(&[&["--cacert", authority, http, &url], version].concat());
            assert!(ok && body.contains("CapabilityStatement"), "{version:?} {http}: {body}");
        }
    }
    assert!(!curl(&["--cacert", authority, "--tlsv1.0", "--tls-max", "1.1", &url]).0);
    assert!(!curl(&[&url]).0, "a certificate that nobody vouches for");
    let (ok, body) = curl(&[&format!("http://localhost:{}/fhir/r4/metadata", gateway.port)]);
    assert!(!ok || !body.contains("CapabilityStatement"), "{body}");
}

#[test]
fn a_new_certificate_is_taken_without_a_restart() {
    let site = tls_site();
    let gateway = site.serve();
    let url = format!("https://localhost:{}/fhir/r4/metadata", gateway.port);
    certify(&site);
    gateway.process.signal("HUP");
    let authority = site.folder.path().join("certificate.pem");
    eventually("the new certificate", || curl(&["--cacert", authority.to_str().unwrap(), &url]).0);
}

/// A TLS server with a certificate that nobody vouches for; its port.
pub(crate) fn self_signed_server() -> u16 {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(settings));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}
