//! Certificates by the configuration, read again when their files change.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::listener::tls::{CertificateError, Certificates, ClientCertificates, Files};

/// Files are exchanged one after the other: reading waits until that is over.
const SETTLE: Duration = Duration::from_millis(300);

/// Watches while it lives.
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
}

/// The certificates of `[gateway.tls]`.
pub(super) fn load(config: &Config) -> Result<Option<Arc<Certificates>>, CertificateError> {
    let Some(tls) = &config.gateway.tls else { return Ok(None) };
    let files = Files {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_authorities.clone(),
        client_crl: tls.client_revocations.clone(),
        clients: match tls.client_certificates {
            config::ClientCertificates::Optional => ClientCertificates::Optional,
            config::ClientCertificates::Required => ClientCertificates::Required,
        },
    };
    Certificates::load(files).map(|certificates| Some(Arc::new(certificates)))
}

/// Watches the folders of the files, because a certificate is often exchanged by a rename or a link.
pub(super) fn watch(certificates: &Arc<Certificates>) -> Option<Watch> {
    let (changed, changes) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
        let _ = changed.try_send(());
    });
    let watching = watcher.and_then(|mut watcher| {
        for folder in folders(certificates.files()) {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    });
    match watching {
        Ok(watcher) => {
            tokio::spawn(reload(Arc::downgrade(certificates), changes));
            Some(Watch { _watcher: watcher })
        }
        Err(error) => {
            tracing::warn!(%error, "cannot watch the certificate files; SIGHUP reads them again");
            None
        }
    }
}

async fn reload(certificates: std::sync::Weak<Certificates>, mut changes: mpsc::Receiver<()>) {
    while changes.recv().await.is_some() {
        tokio::time::sleep(SETTLE).await;
        while changes.try_recv().is_ok() {}
        let Some(certificates) = certificates.upgrade() else { return };
        match certificates.reload() {
            Ok(()) => tracing::info!("certificates were read again"),
            Err(error) => tracing::error!(%error, "the new certificates cannot be used; the old ones stay"),
        }
    }
}

fn folders(files: &Files) -> BTreeSet<&Path> {
    [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref(), files.client_crl.as_ref()]
        .into_iter()
        .flatten()
        .map(|file| file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        .collect()
}
