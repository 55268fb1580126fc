//! Where the database is, and how it is reached.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter::setting::{SECRET_IN_PLAIN, Secret, SecretError};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, NoTlsStream};
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::sql::Result;

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long without a sign of life a connection is lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Where the database is.
pub(crate) struct Source {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// A source that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No URL of a database.
    #[error("`database`: expected a URL such as postgres://user@host:5432/name, without a password")]
    Url,
    /// The URL holds the password.
    #[error("{SECRET_IN_PLAIN}, expected a `database` without a password, and `password = {{ file = \"…\" }}`")]
    Password,
    /// The password cannot be read.
    #[error("`password`: {0}")]
    Secret(#[from] SecretError),
    /// The authorities cannot be read.
    #[error("`ca`: expected certificates in PEM in {}", .0.display())]
    Authorities(PathBuf),
    /// TLS cannot be set up.
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
}

/// Whether a text is the URL of a database, without a password in it.
///
/// # Errors
/// When it is not.
pub(crate) fn check_url(url: &str) -> std::result::Result<(), SourceError> {
    parse(url).map(|_| ())
}

/// Reads the URL of a database. What is not on this machine is reached by TLS, unless the URL says otherwise.
fn parse(url: &str) -> std::result::Result<Config, SourceError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(SourceError::Url);
    }
    let mut config: Config = url.parse().map_err(|_| SourceError::Url)?;
    if config.get_password().is_some() {
        return Err(SourceError::Password);
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(SourceError::Url);
    }
    if !url.contains("sslmode=") {
        let is_near = config.get_hosts().iter().all(is_near);
        config.ssl_mode(if is_near { SslMode::Disable } else { SslMode::Require });
    }
    Ok(config)
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

impl Source {
    /// The database of a URL.
    ///
    /// # Errors
    /// When the password or the authorities cannot be read.
    pub(crate) fn new(
        url: &str,
        password: Option<&Secret>,
        ca: Option<&Path>,
    ) -> std::result::Result<Self, SourceError> {
        let mut config = parse(url)?;
        if let Some(password) = password {
            config.password(password.read()?.reveal());
        }
        config.connect_timeout(PATIENCE).tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("frontdesk");
        }
        let is_plain = config.get_ssl_mode() == SslMode::Disable;
        let tls = if is_plain { None } else { Some(MakeRustlsConnect::new(tls(ca)?)) };
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(&self) -> Result<(Client, Carrier)> {
        Ok(match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                (client, Carrier::Tls(Box::new(connection)))
            }
            None => {
                let (client, connection) = self.config.connect(tokio_postgres::NoTls).await?;
                (client, Carrier::Plain(Box::new(connection)))
            }
        })
    }
}

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// What carries the bytes of a client.
pub(super) enum Carrier {
    Plain(Box<tokio_postgres::Connection<Socket, NoTlsStream>>),
    Tls(Box<tokio_postgres::Connection<Socket, TlsStream>>),
}

impl Carrier {
    pub(super) async fn run(self) -> std::result::Result<(), tokio_postgres::Error> {
        match self {
            Self::Plain(connection) => connection.await,
            Self::Tls(connection) => connection.await,
        }
    }
}

fn tls(ca: Option<&Path>) -> std::result::Result<ClientConfig, SourceError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let certificates: std::result::Result<Vec<CertificateDer<'static>>, _> =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            for certificate in certificates.map_err(|_| SourceError::Authorities(path.to_owned()))? {
                roots.add(certificate)?;
            }
            if roots.is_empty() {
                return Err(SourceError::Authorities(path.to_owned()));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_refused_and_never_shown() {
        let error = parse("postgres://me:hunter2@db.example/name").unwrap_err();
        assert!(matches!(error, SourceError::Password), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        for wrong in ["", "store.sqlite", "mysql://a/b", "postgres://"] {
            assert!(matches!(parse(wrong), Err(SourceError::Url)), "{wrong}");
        }
    }

    #[test]
    fn what_is_far_away_is_reached_by_tls() {
        let mode = |url: &str| parse(url).unwrap().get_ssl_mode();
        assert_eq!(mode("postgres://me@db.example/name"), SslMode::Require);
        assert_eq!(mode("postgres://me@127.0.0.1:5433/name"), SslMode::Disable);
        assert_eq!(mode("postgres://me@%2Frun%2Fpostgresql/name"), SslMode::Disable);
        assert_eq!(mode("postgres://me@db.example/name?sslmode=disable"), SslMode::Disable);
    }
}
