//! Certificates and TLS: 1.2 and 1.3 by aws-lc-rs, exchanged while it runs, optional client certificates.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::Protocol;

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They may: one that is shown is verified.
    #[default]
    Optional,
    /// They must.
    Required,
}

/// Where certificates lie. All files are PEM.
#[derive(Clone, Debug)]
pub struct Files {
    /// Our chain, our own certificate first.
    pub certificate: PathBuf,
    /// Our private key.
    pub key: PathBuf,
    /// Who may have issued client certificates; without it none are asked for.
    pub client_ca: Option<PathBuf>,
    /// Revocation lists of who issued them.
    pub client_crl: Option<PathBuf>,
    /// Whether clients must show one.
    pub clients: ClientCertificates,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or holds no PEM of the kind that was expected.
    #[error("cannot read {what} in {}", path.display())]
    File {
        /// What was expected.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The key does not fit the certificate, or neither is usable.
    #[error("certificate and key cannot be used")]
    Unusable(#[from] rustls::Error),
    /// Nothing to verify client certificates with.
    #[error("the client CA cannot be used")]
    ClientCa(#[from] rustls::server::VerifierBuilderError),
}

/// The certificates in use.
pub struct Certificates {
    files: Files,
    current: ArcSwap<ServerConfig>,
    terms: ArcSwap<Vec<Term>>,
    /// Why they could not be read again.
    trouble: ArcSwapOption<(String, SystemTime)>,
}

/// A certificate, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whose it is.
    pub subject: String,
    /// The end of its validity.
    pub ends: SystemTime,
}

/// A connection after its handshake.
pub(super) struct Accepted {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) protocol: Protocol,
    pub(super) certificate: Option<[u8; 32]>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// When one is missing or they do not fit together.
    pub fn load(files: Files) -> Result<Self, CertificateError> {
        let current = ArcSwap::new(server_config(&files)?);
        let terms = ArcSwap::from_pointee(terms(&files)?);
        Ok(Self { files, current, terms, trouble: ArcSwapOption::empty() })
    }

    /// Reads the files again. Connections that stand keep what they have.
    ///
    /// # Errors
    /// As [`Certificates::load`]; what was in use stays in use.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let read = server_config(&self.files).and_then(|current| Ok((current, terms(&self.files)?)));
        let trouble = read.as_ref().err().map(|error| Arc::new((error.to_string(), SystemTime::now())));
        self.trouble.store(trouble);
        let (current, terms) = read?;
        self.current.store(current);
        self.terms.store(Arc::new(terms));
        Ok(())
    }

    /// Our own certificate and its chain, with their ends.
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        self.terms.load().to_vec()
    }

    /// Why the last try to read the files again failed, and when that was.
    #[must_use]
    pub fn trouble(&self) -> Option<(String, SystemTime)> {
        self.trouble.load().as_deref().cloned()
    }

    /// The files that it was read from.
    #[must_use]
    pub const fn files(&self) -> &Files {
        &self.files
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Accepted> {
        let stream = TlsAcceptor::from(self.current.load_full()).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let protocol = if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        let certificate = session.peer_certificates().and_then(<[_]>::first).map(fingerprint);
        Ok(Accepted { stream, protocol, certificate })
    }
}

/// When each certificate of our chain ends. One that cannot be read as X.509 here has no end that we could tell.
fn terms(files: &Files) -> Result<Vec<Term>, CertificateError> {
    let chain = certificates(&files.certificate, "certificates")?;
    Ok(chain.iter().filter_map(|certificate| term(certificate)).collect())
}

fn term(certificate: &[u8]) -> Option<Term> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let ends = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(Term { subject: certificate.subject().to_string(), ends: SystemTime::UNIX_EPOCH + Duration::from_secs(ends) })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let mut print = [0; 32];
    for (to, from) in print.iter_mut().zip(digest(&SHA256, certificate).as_ref()) {
        *to = *from;
    }
    print
}

fn server_config(files: &Files) -> Result<Arc<ServerConfig>, CertificateError> {
    let chain = certificates(&files.certificate, "certificates")?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| CertificateError::File {
        what: "a private key",
        path: files.key.clone(),
        source,
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match &files.client_ca {
        Some(_) => builder.with_client_cert_verifier(client_verifier(files, provider)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

fn client_verifier(
    files: &Files,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, CertificateError> {
    let mut roots = RootCertStore::empty();
    for authority in files.client_ca.iter().map(|path| certificates(path, "client CA certificates")) {
        for certificate in authority? {
            roots.add(certificate)?;
        }
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if let Some(path) = &files.client_crl {
        // RFC 5280 5.1.2.5: behind its next update a list says nothing, and then nobody is let in by it.
        builder = builder.with_crls(revocations(path)?).enforce_revocation_expiration();
    }
    if files.clients == ClientCertificates::Optional {
        builder = builder.allow_unauthenticated();
    }
    Ok(builder.build()?)
}

fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, CertificateError> {
    let unreadable = |source| CertificateError::File { what: "revocation lists", path: path.to_owned(), source };
    let lists: Vec<_> =
        CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect).map_err(unreadable)?;
    // Without a list nothing would be looked up.
    if lists.is_empty() {
        return Err(unreadable(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(lists)
}

fn certificates(path: &PathBuf, what: &'static str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let unreadable = |source| CertificateError::File { what, path: path.clone(), source };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(chain)
}
