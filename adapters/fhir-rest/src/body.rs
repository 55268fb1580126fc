//! Bodies that flow by: checked on the way.

use adapter::{Body, Error, ErrorKind};
use bytes::Bytes;
use exchange::body::broken;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::rewrite::{Malformed, Rewriter};

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

pub(crate) fn malformed(error: Malformed) -> Error {
    let kind = if error == Malformed::Truncated { ErrorKind::Broken } else { ErrorKind::BadReply };
    Error::new(kind, "the back end's answer is not one whole JSON document").because(error)
}
