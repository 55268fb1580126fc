//! Cross-origin requests (fetch standard): anybody may read what is public, registered origins may call the rest.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::listener::Body;

/// What a page may send.
const REQUEST_FIELDS: &str = "accept, authorization, content-type, idempotency-key, if-match, if-modified-since, \
     if-none-exist, if-none-match, prefer, traceparent, tracestate, x-request-id";
/// What a page may read beside what it always may.
const RESPONSE_FIELDS: &str = "content-location, etag, expires, last-modified, location, preference-applied, ratelimit, \
     ratelimit-policy, retry-after, www-authenticate, x-frontdesk-warnings, x-progress, x-request-id";

/// Who may read an answer from a page of another origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Nobody: no origin was named, or none that is registered.
    Nobody,
    /// Everybody.
    Everybody,
    /// The origin that asked.
    Origin(HeaderValue),
}

impl Readers {
    /// Decides for a request; `registered` says whether an origin may call what is not public.
    pub fn of(headers: &HeaderMap, public: bool, registered: impl FnOnce(&str) -> bool) -> Self {
        let Some(origin) = headers.get(header::ORIGIN) else { return Self::Nobody };
        match origin.to_str() {
            Ok(_) if public => Self::Everybody,
            Ok(text) if registered(text) => Self::Origin(origin.clone()),
            _ => Self::Nobody,
        }
    }

    /// Tells the browser.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let origin = match self {
            Self::Nobody => return,
            Self::Everybody => HeaderValue::from_static("*"),
            Self::Origin(origin) => origin.clone(),
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_FIELDS));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Answers OPTIONS: the methods, and to a preflight the fields.
#[must_use]
pub fn preflight(request: &HeaderMap, allow: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    if request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allow));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_FIELDS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_what_is_public_and_only_a_registered_one_the_rest() {
        let mut headers = HeaderMap::new();
        assert_eq!(Readers::of(&headers, true, |_| true), Readers::Nobody);
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://portal.example"));
        assert_eq!(Readers::of(&headers, true, |_| false), Readers::Everybody);
        assert_eq!(Readers::of(&headers, false, |_| false), Readers::Nobody);
        let told = Readers::of(&headers, false, |origin| origin == "https://portal.example");
        let mut answer = HeaderMap::new();
        told.tell(&mut answer);
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://portal.example");
        assert_eq!(answer[header::VARY], "Origin");
    }
}
