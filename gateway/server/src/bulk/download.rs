//! A file on its way to its client: in pieces, compressed when the client takes that.

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::job::Closed;
use crate::failure::Failure;
use crate::listener::{Body, Broken};
use fhir::IssueType;

/// Bytes that are read, and compressed, at a time: half a millisecond of a processor.
const PIECE: usize = 64 * 1024;

/// The response.
pub(super) async fn file(head: &Parts, path: &Path, closed: &Closed) -> Result<Response<Body>, Failure> {
    let lost = |error| {
        let text = "the file of the export cannot be read";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, IssueType::Exception, text).because(error)
    };
    let open = File::open(path).await.map_err(lost)?;
    let compresses = takes_gzip(head);
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/fhir+ndjson"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if compresses {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    } else if head.method == Method::HEAD {
        headers.insert(header::CONTENT_LENGTH, closed.bytes.into());
    }
    if head.method != Method::HEAD {
        let source = Source { file: open, left: closed.bytes, gzip: compresses.then(encoder) };
        let length = (!compresses).then_some(closed.bytes);
        *response.body_mut() = Body::pieces(length, stream::try_unfold(source, Source::piece)).unhurried();
    }
    Ok(response)
}

/// RFC 9110 12.5.3: gzip by name or by `*`, unless its weight is nothing.
fn takes_gzip(head: &Parts) -> bool {
    let fields = head.headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse::<f32>().ok());
        matches!(name.as_str(), "gzip" | "x-gzip" | "*") && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::with_capacity(PIECE), Compression::fast())
}

/// What is left of a file.
struct Source {
    file: File,
    left: u64,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Source {
    async fn piece(mut self) -> Result<Option<(Bytes, Self)>, Broken> {
        let broken = |error: std::io::Error| Broken(Box::new(error));
        loop {
            if self.left == 0 {
                let Some(gzip) = self.gzip.take() else { return Ok(None) };
                return Ok(Some((gzip.finish().map_err(broken)?.into(), self)));
            }
            let mut bytes = vec![0; PIECE.min(usize::try_from(self.left).unwrap_or(PIECE))];
            self.file.read_exact(&mut bytes).await.map_err(broken)?;
            self.left -= bytes.len() as u64;
            let Some(gzip) = &mut self.gzip else { return Ok(Some((bytes.into(), self))) };
            gzip.write_all(&bytes).map_err(broken)?;
            let packed = std::mem::take(gzip.get_mut());
            if !packed.is_empty() {
                return Ok(Some((packed.into(), self)));
            }
        }
    }
}
