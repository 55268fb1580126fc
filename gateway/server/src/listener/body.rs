//! The body of an answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

use super::pulse::Exchange;

/// Why a streamed body ended early. The client sees the connection break, never a shorter document.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct Broken(#[source] pub Box<dyn std::error::Error + Send + Sync>);

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;

enum Content {
    Whole(Option<Bytes>),
    Pieces(Option<u64>, Pieces),
}

/// A body: whole, or in pieces. Whatever must live until its last byte is gone lives in it.
pub struct Body {
    content: Content,
    exchange: Option<Exchange>,
    is_unhurried: bool,
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self { content: Content::Whole(None), exchange: None, is_unhurried: false }
    }

    /// All of it.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { content: Content::Whole((!bytes.is_empty()).then_some(bytes)), exchange: None, is_unhurried: false }
    }

    /// As it arrives, with its length where that is known.
    #[must_use]
    pub fn pieces(length: Option<u64>, pieces: impl Stream<Item = Result<Bytes, Broken>> + Send + 'static) -> Self {
        Self { content: Content::Pieces(length, Box::pin(pieces)), exchange: None, is_unhurried: false }
    }

    /// The same body, which may take longer than requests do in all, as long as its client takes it.
    #[must_use]
    pub const fn unhurried(mut self) -> Self {
        self.is_unhurried = true;
        self
    }

    /// How long it is, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Pieces(length, _) => *length,
        }
    }

    pub(super) fn until_the_end(mut self, exchange: Exchange) -> Self {
        if self.is_unhurried {
            exchange.unhurry();
        }
        self.exchange = Some(exchange);
        self
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.content {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Pieces(_, pieces) => pieces.as_mut().poll_next(cx).map(|piece| Some(piece?.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
