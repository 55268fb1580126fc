//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::io::Watched;
use super::pulse::{Pulse, Verdict};
use super::worker::Bench;
use super::{Answer, Limits, Peer};

/// The protocols that a connection may speak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Plain: HTTP/1.1, or HTTP/2 when the client begins with its preface.
    Either,
    Http1,
    Http2,
}

/// Serves one connection until it ends.
pub(super) async fn serve<A: Answer>(bench: Arc<Bench<A>>, stream: TcpStream, from: SocketAddr) {
    let address = from.ip().to_canonical();
    let _ = stream.set_nodelay(true);
    let Some(certificates) = &bench.certificates else {
        let peer = Peer { address, certificate: None, encrypted: false };
        return speak(&bench, stream, peer, Protocol::Either).await;
    };
    match timeout(bench.limits.handshake, certificates.accept(stream)).await {
        Ok(Ok(accepted)) => {
            let peer = Peer { address, certificate: accepted.certificate, encrypted: true };
            speak(&bench, accepted.stream, peer, accepted.protocol).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn speak<A: Answer, S>(bench: &Arc<Bench<A>>, stream: S, peer: Peer, protocol: Protocol)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let pulse = Pulse::new(bench.limits.patience, protocol == Protocol::Http2, Instant::now());
    let io = TokioIo::new(Watched { inner: stream, pulse: Arc::clone(&pulse) });
    let service = service_fn(|request| {
        let exchange = pulse.begin(Instant::now());
        let answer = Arc::clone(&bench.answer);
        // Boxed: hyper moves it more than once before it polls it.
        Box::pin(async move {
            let response = answer.answer(request, peer).await;
            Ok::<_, Infallible>(response.map(|body| body.until_the_end(exchange)))
        })
    });
    let builder = builder(&bench.limits, protocol);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut look = pin!(sleep_until(wake(pulse.verdict(Instant::now()))));
    let mut closing = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = bench.shutdown.cancelled(), if !closing => {
                if pulse.is_unused() {
                    return;
                }
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = look.as_mut() => match pulse.verdict(Instant::now()) {
                Verdict::Close if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    look.as_mut().reset((Instant::now() + bench.limits.patience.head).into());
                }
                // It had time to say goodbye.
                Verdict::Close => return,
                Verdict::Cut(reason) => {
                    metrics::counter!("frontdesk_connections_cut_total", "reason" => reason).increment(1);
                    return;
                }
                Verdict::Wait(until) => look.as_mut().reset(until.into()),
            },
        }
    }
}

fn wake(verdict: Verdict) -> tokio::time::Instant {
    match verdict {
        Verdict::Wait(until) => until.into(),
        Verdict::Close | Verdict::Cut(_) => tokio::time::Instant::now(),
    }
}

fn builder(limits: &Limits, protocol: Protocol) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .max_headers(limits.headers)
        .max_buf_size((limits.header_size as usize).max(8 * 1024))
        // The pulse does this at less cost.
        .header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_size)
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(limits.resets)
        // Streams beyond the limit of a client that has not read it yet are refused, and are no attack.
        .max_local_error_reset_streams(limits.resets.max(1024))
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(limits.send_buffer)
        .keep_alive_interval(limits.patience.idle / 2)
        .keep_alive_timeout(limits.patience.stall);
    match protocol {
        Protocol::Either => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}
