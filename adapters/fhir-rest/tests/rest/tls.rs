use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter::ErrorKind;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::raw::{Act, PATIENT, Seen, fhir, talk};
use crate::support::{adapter, failure, perform, read};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), key)
    }

    fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.0.pem()).unwrap();
        path
    }
}

/// A TLS server for `localhost`; with `clients`, it wants their certificates.
async fn serve(authority: &Authority, clients: Option<&Authority>) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(clients.0.der().clone()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
            )
        }
    };
    let (certificate, key) = authority.issue("localhost");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}/fhir", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(connection) = acceptor.accept(connection).await {
                    let script = Arc::new(|_: usize, _: &str| Act::Answer(fhir(200, PATIENT)));
                    talk(connection, script, Arc::new(Seen::default())).await;
                }
            });
        }
    });
    base
}

#[tokio::test]
async fn only_the_configured_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let base = serve(&authority, None).await;
    let trusting = adapter(&base, json!({ "tls": { "ca": authority.save(folder.path(), "ca.pem") } })).await;
    perform(&*trusting, read("1")).await.unwrap();
    let other = Authority::new().save(folder.path(), "other.pem");
    for more in [json!({ "tls": { "ca": other } }), json!({})] {
        assert_eq!(failure(&*adapter(&base, more).await, read("1")).await, ErrorKind::Unreachable);
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let base = serve(&authority, None).await.replace("localhost", "127.0.0.1");
    let adapter = adapter(&base, json!({ "tls": { "ca": authority.save(folder.path(), "ca.pem") } })).await;
    assert_eq!(failure(&*adapter, read("1")).await, ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_back_end_that_wants_our_certificate_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients) = (Authority::new(), Authority::new());
    let base = serve(&authority, Some(&clients)).await;
    let ca = authority.save(folder.path(), "ca.pem");
    assert!(perform(&*adapter(&base, json!({ "tls": { "ca": ca } })).await, read("1")).await.is_err());
    let (certificate, key) = clients.issue("frontdesk");
    let (certificate_path, key_path) = (folder.path().join("client.pem"), folder.path().join("client.key"));
    std::fs::write(&certificate_path, pem(&certificate)).unwrap();
    std::fs::write(&key_path, key.serialize_pem()).unwrap();
    let tls = json!({ "ca": ca, "certificate": certificate_path, "key": { "file": key_path } });
    perform(&*adapter(&base, json!({ "tls": tls })).await, read("1")).await.unwrap();
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
