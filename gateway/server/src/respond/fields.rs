//! Fields that every answer has.

use http::{HeaderName, HeaderValue, Response, header};

use crate::listener::Body;
use crate::receive::Envelope;

/// Puts the fields of every answer on: X-Request-Id, and what keeps patient data out of caches and browsers' guesses.
pub fn finish(response: &mut Response<Body>, envelope: &Envelope, encrypted: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&envelope.trace.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
