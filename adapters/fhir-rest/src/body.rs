//! Bodies of the back end: bounded when they are held, checked when they flow by.

use std::time::Instant;

use adapter::{Body, Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::client::late;
use crate::rewrite::{Malformed, Rewriter};

/// A body, or its beginning.
pub(crate) enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than the limit; the rest is still to come.
    Begun(Bytes, Incoming),
}

/// Reads up to `limit` bytes.
pub(crate) async fn receive(mut body: Incoming, limit: usize, deadline: Instant) -> Result<Received, Error> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let frame = tokio::time::timeout_at(deadline.into(), body.frame()).await.map_err(|_| late())?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        // The ordinary reply is one frame: it is not copied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
        if first.len() + all.len() > limit {
            return Ok(Received::Begun(joined(first, all), body));
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(Received::Whole(joined(first, all)))
}

fn joined(first: Bytes, all: BytesMut) -> Bytes {
    if all.is_empty() { first } else { all.freeze() }
}

/// Reads all of a body that must not be larger than `limit`.
pub(crate) async fn receive_whole(body: Incoming, limit: usize, deadline: Instant) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    match receive(body, limit, deadline).await? {
        Received::Whole(bytes) => Ok(bytes),
        Received::Begun(..) => Err(too_large(limit)),
    }
}

/// Streams the rest of a body through a rewriter that has not seen `first` yet. The stream ends with an error when the
/// body is cut or is no JSON, and when `check` refuses what was read.
pub(crate) fn stream_through(
    first: Bytes,
    rest: Incoming,
    mut rewriter: Rewriter,
    check: impl Fn(&Rewriter) -> Result<(), Error> + Send + 'static,
) -> Result<Body, Error> {
    let first = rewriter.push(&first).map_err(malformed)?;
    check(&rewriter)?;
    let flow = Flow { first: Some(first), rest: Some(rest), rewriter, check };
    Ok(Body::Stream(None, Box::pin(stream::unfold(flow, Flow::step))))
}

struct Flow<C> {
    first: Option<Bytes>,
    rest: Option<Incoming>,
    rewriter: Rewriter,
    check: C,
}

impl<C: Fn(&Rewriter) -> Result<(), Error>> Flow<C> {
    async fn step(mut self) -> Option<(Result<Bytes, Error>, Self)> {
        match self.next().await {
            Ok(piece) => piece.map(|piece| (Ok(piece), self)),
            Err(error) => {
                self.rest = None;
                Some((Err(error), self))
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        let Some(rest) = &mut self.rest else { return Ok(None) };
        while let Some(frame) = rest.frame().await {
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            let piece = self.rewriter.push(&data).map_err(malformed)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        self.rest = None;
        self.rewriter.finish().map_err(malformed)?;
        (self.check)(&self.rewriter)?;
        Ok(None)
    }
}

fn broken(error: hyper::Error) -> Error {
    Error::new(ErrorKind::Broken, "the connection to the back end broke inside of its answer").because(error)
}

pub(crate) fn malformed(error: Malformed) -> Error {
    let kind = if error == Malformed::Truncated { ErrorKind::Broken } else { ErrorKind::BadReply };
    Error::new(kind, "the back end's answer is not one whole JSON document").because(error)
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooCostly,
        format!("the back end's answer is larger than {limit} bytes; ask for less, for example with _count"),
    )
}
