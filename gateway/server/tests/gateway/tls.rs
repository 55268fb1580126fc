//! TLS: versions, ALPN, client certificates, and certificates that are exchanged while it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontdesk::listener::{Answer, Body, Bound, Limits, Listener, Peer, Settings, tls};
use frontdesk::{Gateway, StartError};
use http::{Request, Response};
use hyper::body::Incoming;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, Issuer, KeyIdMethod,
    KeyPair, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::TaskTracker;

/// Answers with what it knows of the peer.
struct Echo;

impl Answer for Echo {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let text =
            format!("{:?} encrypted={} certificate={}", request.version(), peer.encrypted, peer.certificate.is_some());
        Response::new(Body::whole(text))
    }
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Writes a certificate and its key.
    fn issue(&self, folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.serial_number = Some(serial(name));
        let certificate = params.signed_by(&key, issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    }

    /// Writes a revocation list that holds the certificates of those names and is in force for so many days.
    fn revoke(&self, folder: &Path, names: &[&str], days: i64) {
        let now = time::OffsetDateTime::now_utc();
        let revoked = names.iter().map(|name| RevokedCertParams {
            serial_number: serial(name),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now - time::Duration::days(10),
            next_update: now + time::Duration::days(days),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        std::fs::write(folder.join("clients.crl"), list.signed_by(issuer).unwrap().pem().unwrap()).unwrap();
    }

    fn trust(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap()).unwrap();
        roots
    }
}

fn serial(name: &str) -> SerialNumber {
    SerialNumber::from_slice(name.as_bytes())
}

/// With a revocation list, when there is one in the folder.
fn serve(folder: &Path, clients: tls::ClientCertificates) -> (Listener, Arc<tls::Certificates>) {
    let files = tls::Files {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: Some(folder.join("ca.pem")),
        client_crl: Some(folder.join("clients.crl")).filter(|list| list.exists()),
        clients,
    };
    let certificates = Arc::new(tls::Certificates::load(files).unwrap());
    let settings =
        Settings { limits: Limits::default(), certificates: Some(certificates.clone()), proxies: Arc::new([]) };
    let bound = Bound::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
    (bound.start(&settings, &Arc::new(Echo), &TaskTracker::new()).unwrap(), certificates)
}

async fn connect(
    address: SocketAddr,
    roots: RootCertStore,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[u8],
    certificate: Option<&Path>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        Some(path) => {
            let chain = vec![CertificateDer::from_pem_file(path).unwrap()];
            let key = PrivateKeyDer::from_pem_file(path.with_extension("key")).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn get(mut stream: TlsStream<TcpStream>) -> String {
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// With TLS 1.3 a client learns only behind the handshake that its certificate was refused.
async fn is_answered(connected: std::io::Result<TlsStream<TcpStream>>) -> bool {
    match connected {
        Ok(stream) => get(stream).await.contains("200 OK"),
        Err(_) => false,
    }
}

fn folder(authority: &Authority) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    authority.issue(folder.path(), "server");
    authority.issue(folder.path(), "client");
    std::fs::write(folder.path().join("ca.pem"), authority.issuer.pem()).unwrap();
    folder
}

#[tokio::test]
async fn plain_http_that_leaves_the_machine_must_be_allowed_in_words() {
    let beyond = "0.0.0.0:0".parse().unwrap();
    let home = "127.0.0.1:0".parse().unwrap();
    let tls = config::Tls {
        certificate: "server.pem".into(),
        key: "server.key".into(),
        client_authorities: None,
        client_revocations: None,
        client_certificates: config::ClientCertificates::Optional,
    };
    for (listen, admin, tls) in [(beyond, home, None), (home, beyond, None), (beyond, beyond, Some(tls))] {
        let mut config = config::Config::default();
        (config.gateway.listen, config.gateway.admin, config.gateway.tls) = (listen, admin, tls);
        let refused = Gateway::start(config).await.err();
        assert!(matches!(refused, Some(StartError::PlainHttp(address)) if address == beyond), "{refused:?}");
    }
}

#[tokio::test]
async fn a_gateway_reads_its_certificates_again_when_the_files_change() {
    let authority = Authority::new();
    let folder = folder(&authority);
    let mut config = config::Config::default();
    config.gateway.listen = "127.0.0.1:0".parse().unwrap();
    config.gateway.admin = "127.0.0.1:0".parse().unwrap();
    config.gateway.data = folder.path().join("data");
    config.gateway.tls = Some(config::Tls {
        certificate: folder.path().join("server.pem"),
        key: folder.path().join("server.key"),
        client_authorities: None,
        client_revocations: None,
        client_certificates: config::ClientCertificates::Optional,
    });
    let gateway = Gateway::start(config).await.unwrap();
    let shown = async || {
        let version = &rustls::version::TLS13;
        let stream = connect(gateway.address(), authority.trust(), version, b"http/1.1", None).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown().await;
    authority.issue(folder.path(), "server");
    let mut tries = 0;
    while shown().await == before {
        tries += 1;
        assert!(tries < 50, "the new certificate was not taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_revoked_client_certificate_is_refused_and_another_is_not() {
    let authority = Authority::new();
    let folder = folder(&authority);
    authority.issue(folder.path(), "good");
    authority.revoke(folder.path(), &["client"], 1);
    let (listener, certificates) = serve(folder.path(), tls::ClientCertificates::Optional);
    let is_welcome = async |name: &str| {
        let certificate = folder.path().join(name);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let connected =
                connect(listener.address(), authority.trust(), version, b"http/1.1", Some(&certificate)).await;
            if !is_answered(connected).await {
                return false;
            }
        }
        true
    };
    assert!(!is_welcome("client.pem").await);
    assert!(is_welcome("good.pem").await);
    authority.revoke(folder.path(), &["client", "good"], 1);
    certificates.reload().unwrap();
    assert!(!is_welcome("good.pem").await);
    for nonsense in ["", "nonsense"] {
        std::fs::write(folder.path().join("clients.crl"), nonsense).unwrap();
        assert!(certificates.reload().is_err(), "a file without a list would let everybody in");
    }
    assert!(!is_welcome("good.pem").await, "the list in use stays in use");
    authority.revoke(folder.path(), &[], 1);
    certificates.reload().unwrap();
    assert!(is_welcome("client.pem").await);
    authority.revoke(folder.path(), &[], -1);
    certificates.reload().unwrap();
    assert!(!is_welcome("client.pem").await, "a list that is out of date says nothing of anybody");
}

#[tokio::test]
async fn a_gateway_takes_a_revocation_when_its_file_changes() {
    let authority = Authority::new();
    let folder = folder(&authority);
    authority.revoke(folder.path(), &[], 1);
    let path = |name: &str| folder.path().join(name);
    let mut config = config::Config::default();
    config.gateway.listen = "127.0.0.1:0".parse().unwrap();
    config.gateway.admin = "127.0.0.1:0".parse().unwrap();
    config.gateway.data = path("data");
    config.gateway.tls = Some(config::Tls {
        certificate: path("server.pem"),
        key: path("server.key"),
        client_authorities: Some(path("ca.pem")),
        client_revocations: Some(path("clients.crl")),
        client_certificates: config::ClientCertificates::Required,
    });
    let gateway = Gateway::start(config).await.unwrap();
    let is_welcome = async || {
        let (version, own) = (&rustls::version::TLS12, path("client.pem"));
        connect(gateway.address(), authority.trust(), version, b"http/1.1", Some(&own)).await.is_ok()
    };
    assert!(is_welcome().await);
    authority.revoke(folder.path(), &["client"], 1);
    let mut tries = 0;
    while is_welcome().await {
        tries += 1;
        assert!(tries < 50, "the revocation was not taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn both_versions_and_both_protocols_are_spoken() {
    let authority = Authority::new();
    let folder = folder(&authority);
    let (listener, _) = serve(folder.path(), tls::ClientCertificates::Optional);
    for (version, name) in
        [(&rustls::version::TLS12, ProtocolVersion::TLSv1_2), (&rustls::version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let stream = connect(listener.address(), authority.trust(), version, b"http/1.1", None).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(name));
        assert!(get(stream).await.contains("HTTP/1.1 encrypted=true certificate=false"));
    }
    let stream = connect(listener.address(), authority.trust(), &rustls::version::TLS13, b"h2", None).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert!(listener.shutdown(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn a_client_certificate_is_verified_and_passed_on_and_may_be_required() {
    let authority = Authority::new();
    let folder = folder(&authority);
    let own = folder.path().join("client.pem");
    let (optional, _) = serve(folder.path(), tls::ClientCertificates::Optional);
    let stream =
        connect(optional.address(), authority.trust(), &rustls::version::TLS13, b"http/1.1", Some(&own)).await.unwrap();
    assert!(get(stream).await.contains("certificate=true"));
    let stranger = Authority::new();
    let elsewhere = self::folder(&stranger);
    let foreign = elsewhere.path().join("client.pem");
    let refused =
        connect(optional.address(), authority.trust(), &rustls::version::TLS13, b"http/1.1", Some(&foreign)).await;
    assert!(!is_answered(refused).await);
    let (required, _) = serve(folder.path(), tls::ClientCertificates::Required);
    let without = connect(required.address(), authority.trust(), &rustls::version::TLS13, b"http/1.1", None).await;
    assert!(!is_answered(without).await);
}

#[tokio::test]
async fn certificates_are_exchanged_while_it_runs_and_broken_ones_are_not_taken() {
    let authority = Authority::new();
    let folder = folder(&authority);
    let (listener, certificates) = serve(folder.path(), tls::ClientCertificates::Optional);
    let shown = async || {
        let stream =
            connect(listener.address(), authority.trust(), &rustls::version::TLS13, b"http/1.1", None).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown().await;
    std::fs::write(folder.path().join("server.pem"), "nonsense").unwrap();
    assert!(certificates.reload().is_err());
    assert_eq!(shown().await, before);
    authority.issue(folder.path(), "server");
    certificates.reload().unwrap();
    assert_ne!(shown().await, before);
}
