//! Bodies of the back end that are held: bounded.

use std::time::Instant;

use adapter::{Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::client::late;

/// A body, or its beginning.
pub enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than the limit; the rest is still to come.
    Begun(Bytes, Incoming),
}

/// Reads up to `limit` bytes.
///
/// # Errors
/// The deadline passes, or the connection breaks.
pub async fn receive(mut body: Incoming, limit: usize, deadline: Instant) -> Result<Received, Error> {
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

/// Reads all of a body that must not be larger than `limit` bytes.
///
/// # Errors
/// It is larger, the deadline passes, or the connection breaks.
pub async fn receive_whole(body: Incoming, limit: usize, deadline: Instant) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    match receive(body, limit, deadline).await? {
        Received::Whole(bytes) => Ok(bytes),
        Received::Begun(..) => Err(too_large(limit)),
    }
}

/// The failure of a connection that broke inside of an answer.
#[must_use]
pub fn broken(error: hyper::Error) -> Error {
    Error::new(ErrorKind::Broken, "the connection to the back end broke inside of its answer").because(error)
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooCostly,
        format!("the back end's answer is larger than {limit} bytes; ask for less, for example with _count"),
    )
}
