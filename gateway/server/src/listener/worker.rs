//! A thread with a runtime and a listening socket of its own: a connection stays on one core for life.

use std::io;
use std::net::TcpListener as Socket;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::tls::Certificates;
use super::{Answer, Limits, connection};

/// What a worker works with.
pub(super) struct Bench<A> {
    pub(super) limits: Limits,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) admission: Arc<Admission>,
    pub(super) answer: Arc<A>,
    pub(super) shutdown: CancellationToken,
    pub(super) owed: TaskTracker,
}

/// A running worker.
pub(super) struct Worker {
    thread: Option<thread::JoinHandle<()>>,
    cut: CancellationToken,
    drained: oneshot::Receiver<()>,
}

impl Worker {
    pub(super) fn start<A: Answer>(number: usize, socket: Socket, bench: Bench<A>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let cut = CancellationToken::new();
        let until = cut.clone();
        let (tell, drained) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = work(socket, Arc::new(bench)) => { let _ = tell.send(()); }
                    () = until.cancelled() => {}
                }
            });
            // A blocking call that hangs must not hold the exit up.
            runtime.shutdown_timeout(Duration::from_millis(200));
        })?;
        Ok(Self { thread: Some(thread), cut, drained })
    }

    /// Waits until the worker ended, or cuts it off at the deadline. Returns whether it ended by itself.
    pub(super) async fn join(mut self, deadline: Instant) -> bool {
        let clean = tokio::time::timeout_at(deadline, &mut self.drained).await.is_ok_and(|told| told.is_ok());
        self.cut.cancel();
        let Some(thread) = self.thread.take() else { return clean };
        let joined = tokio::task::spawn_blocking(|| thread.join()).await;
        clean && matches!(joined, Ok(Ok(())))
    }
}

/// A listener that is dropped rather than shut down is cut off.
impl Drop for Worker {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

async fn work<A: Answer>(socket: Socket, bench: Arc<Bench<A>>) {
    let connections = TaskTracker::new();
    match TcpListener::from_std(socket) {
        Ok(listener) => accept(listener, &bench, &connections).await,
        Err(error) => tracing::error!(%error, "cannot listen"),
    }
    connections.close();
    connections.wait().await;
    bench.owed.close();
    bench.owed.wait().await;
}

async fn accept<A: Answer>(listener: TcpListener, bench: &Arc<Bench<A>>, connections: &TaskTracker) {
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            // Polled second: what already waits in the backlog would otherwise be reset when the socket closes.
            () = bench.shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, from)) => {
                let Some(admitted) = bench.admission.admit(from.ip()) else {
                    metrics::counter!("frontdesk_connections_refused_total").increment(1);
                    continue;
                };
                metrics::counter!("frontdesk_connections_total").increment(1);
                let bench = Arc::clone(bench);
                connections.spawn(async move {
                    connection::serve(bench, stream, from).await;
                    drop(admitted);
                });
            }
            // Out of file descriptors, or the client is gone already: neither ends the listener.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
