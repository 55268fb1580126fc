//! What is left of a body when its request was refused.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

/// Bytes that are thrown away after a refusal: four times what a body may have out of the box.
const MOST: usize = 8 << 20;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request's body. Dropped before its end, it goes on being received for a moment and thrown away: RFC 9112 9.6, a
/// connection that is closed while the client still sends is reset, and the client never reads why it was refused.
pub struct Lingering {
    body: Option<Incoming>,
    /// The client waits for 100 (RFC 9110 10.1.1): nothing is under way, and nothing is asked for.
    awaits: bool,
}

impl Lingering {
    /// The body of a request with this head.
    #[must_use]
    pub fn new(body: Incoming, headers: &HeaderMap) -> Self {
        Self { body: Some(body), awaits: headers.contains_key(header::EXPECT) }
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let awaits = self.awaits;
        let Some(body) = self.body.take().filter(|body| !awaits && !body.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(throw_away(body));
        }
    }
}

async fn throw_away(mut body: Incoming) {
    let deadline = Instant::now() + PATIENCE;
    let mut thrown = 0;
    while thrown < MOST {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => thrown += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
