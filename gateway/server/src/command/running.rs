//! A gateway from its start to the signal that ends it.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::gateway::Gateway;

/// The runtime of adapters and the admin port; requests are served by threads of the gateway's own.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).thread_name("frontdesk").enable_all().build()
}

/// The signals that a gateway obeys, from the moment that this is made.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Until Ctrl-C or SIGTERM.
    async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The work, or `None` when a signal ends it first.
    pub(super) async fn unless_ended<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.end() => None,
        }
    }

    /// Until Ctrl-C or SIGTERM; SIGHUP reads certificates and packages again.
    pub(super) async fn serve(&mut self, gateway: &Gateway) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => reload(gateway),
            }
        }
    }

    /// Lets requests under way end; a second signal does not wait for them.
    pub(super) async fn drain(&mut self, gateway: Gateway) {
        tracing::info!("draining");
        match self.unless_ended(gateway.shutdown()).await {
            Some(true) => tracing::info!("stopped"),
            Some(false) => tracing::warn!("stopped; what was still under way was cut off"),
            None => tracing::warn!("stopped at once by a second signal"),
        }
    }
}

fn reload(gateway: &Gateway) {
    match gateway.reload() {
        Ok(()) => tracing::info!("certificates are as in their files"),
        Err(error) => tracing::error!(%error, "certificates stay as they were"),
    }
    match gateway.reload_packages() {
        Ok(()) => tracing::info!("packages are as in their folders"),
        Err(error) => tracing::error!(%error, "packages stay as they were"),
    }
}
