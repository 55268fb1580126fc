//! Whom we trust and who we are, towards a back end.

use std::path::Path;
use std::sync::Arc;

use adapter::ConnectError;
use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::settings::Tls;

/// The client side of TLS 1.2 and 1.3. ALPN is set by the connector.
pub(super) fn config(settings: &Tls) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Settings(format!("tls: {error}")))?;
    let builder = match &settings.ca {
        Some(path) => builder.with_root_certificates(authorities(path)?),
        None => builder.with_webpki_roots(),
    };
    match (&settings.certificate, &settings.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let key = key.read().map_err(|error| ConnectError::Settings(format!("`tls.key`: {error}")))?;
            let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes())
                .map_err(|_| ConnectError::Settings("`tls.key`: expected a private key in PEM".to_owned()))?;
            builder
                .with_client_auth_cert(certificates("tls.certificate", certificate)?, key)
                .map_err(|error| ConnectError::Settings(format!("`tls.certificate`: {error}")))
        }
        _ => Err(ConnectError::Settings("expected both of `tls.certificate` and `tls.key`, or none".to_owned())),
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls.ca", path)? {
        roots.add(certificate).map_err(|error| ConnectError::Settings(format!("`tls.ca`: {error}")))?;
    }
    Ok(roots)
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or_else(|| {
        ConnectError::Settings(format!("`{setting}`: expected certificates in PEM in {}", path.display()))
    })
}
