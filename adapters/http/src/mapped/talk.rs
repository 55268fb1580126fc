//! HTTP to the API: requests, and what its statuses mean.

use adapter::{Call, ConnectError, Error, ErrorKind};
use bytes::Bytes;
use exchange::body::receive_whole;
use exchange::{Authorization, Client, Grant, client};
use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;

use super::settings::{Errors, Settings};
use super::tree::Tree;

/// The API.
pub(super) struct Talk {
    client: Client,
    authorization: Authorization,
    uri: Uri,
    /// The base, without a slash at the end.
    pub(super) base: String,
    prefix: String,
    max_reply: usize,
    errors: Errors,
}

/// A request.
pub(super) struct Asked {
    pub(super) method: Method,
    /// What follows the base.
    pub(super) target: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) if_match: Option<String>,
}

/// A good answer.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
}

/// The longest text of theirs that is passed on.
const LONGEST_TEXT: usize = 500;

impl Talk {
    pub(super) fn new(settings: &Settings) -> Result<Self, ConnectError> {
        let base = settings.base.trim_end_matches('/').to_owned();
        let uri: Uri =
            base.parse().map_err(|_| ConnectError::Settings("`base`: expected an absolute URL".to_owned()))?;
        let authorization = match (&settings.header, &settings.basic, &settings.oauth) {
            (Some(header), ..) => Authorization::header(header)?,
            (None, Some(basic), _) => Authorization::basic(basic)?,
            (None, None, Some(oauth)) => Authorization::oauth(oauth, settings.connection.allow_plain_http)?,
            (None, None, None) => Authorization::None,
        };
        Ok(Self {
            client: Client::new(&settings.connection)?,
            authorization,
            prefix: uri.path().trim_end_matches('/').to_owned(),
            uri,
            base,
            max_reply: settings.max_reply.as_usize(),
            errors: settings.errors.clone(),
        })
    }

    /// One exchange that ends well. A token that is refused is renewed once: a 401 means that nothing was done.
    pub(super) async fn ask(&self, call: &Call, asked: Asked) -> Result<Answer, Error> {
        let uri = client::uri(&self.uri, format!("{}{}", self.prefix, asked.target))?;
        let repeatable = call.interaction.is_repeatable();
        let body = asked.body.map(Bytes::from);
        let mut grant = self.authorization.grant(&self.client, None, call.deadline).await?;
        let mut renewed = false;
        loop {
            let make = || request(call, &asked.method, uri.clone(), body.clone(), asked.if_match.as_deref(), &grant);
            let response = self.client.send(make, repeatable, call.deadline).await?;
            if response.status() == StatusCode::UNAUTHORIZED && !renewed && self.authorization.can_renew() {
                renewed = true;
                grant = self.authorization.grant(&self.client, Some(&grant), call.deadline).await?;
                continue;
            }
            let (head, body) = response.into_parts();
            let bytes = receive_whole(body, self.max_reply, call.deadline).await;
            if head.status.is_success() && head.status != StatusCode::PARTIAL_CONTENT {
                return Ok(Answer { headers: head.headers, bytes: bytes? });
            }
            let bytes = bytes.unwrap_or_default();
            return Err(self.refusal(head.status, &head.headers, &bytes, asked.if_match.is_some()));
        }
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], had_version: bool) -> Error {
        let code = status.as_u16();
        let kind = self
            .errors
            .kinds
            .get(status.as_str())
            .and_then(|name| ErrorKind::ALL.into_iter().find(|kind| kind.code() == name))
            .unwrap_or_else(|| usual(code, had_version));
        let message = self.errors.message.as_ref().and_then(|pointer| {
            Tree::read(body).ok()?.at(pointer)?.text().map(|text| text.chars().take(LONGEST_TEXT).collect::<String>())
        });
        let text = message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("the back end answered {code}"));
        let mut error = Error::new(kind, text).because(format!("the back end answered {code}"));
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        error.retry_after = seconds.map(|seconds| std::time::Duration::from_secs(seconds.min(3600)));
        error
    }
}

const fn usual(status: u16, had_version: bool) -> ErrorKind {
    match status {
        400 => ErrorKind::Invalid,
        401 => ErrorKind::Credentials,
        403 | 451 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::NotSupported,
        408 | 504 => ErrorKind::Timeout,
        409 | 412 if had_version => ErrorKind::VersionMismatch,
        409 => ErrorKind::Conflict,
        410 => ErrorKind::Gone,
        413 | 414 | 431 => ErrorKind::TooCostly,
        423 => ErrorKind::Locked,
        428 => ErrorKind::VersionRequired,
        429 => ErrorKind::Throttled,
        406 | 415 => ErrorKind::BadReply,
        402..=499 => ErrorKind::Unprocessable,
        502 | 503 => ErrorKind::Unavailable,
        507 => ErrorKind::Storage,
        500..=599 => ErrorKind::BackEndFault,
        // What is neither success nor refusal: a redirect above all, which is never followed.
        _ => ErrorKind::BadReply,
    }
}

fn request(
    call: &Call,
    method: &Method,
    uri: Uri,
    body: Option<Bytes>,
    if_match: Option<&str>,
    grant: &Grant,
) -> Result<Request<Full<Bytes>>, Error> {
    let has_body = body.is_some();
    let mut request = Request::new(Full::new(body.unwrap_or_default()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontdesk/", env!("CARGO_PKG_VERSION"))));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let trace = &call.trace;
    for (name, text) in [
        (IF_MATCH, if_match),
        (HeaderName::from_static("x-request-id"), Some(&*trace.request_id).filter(|id| !id.is_empty())),
        (HeaderName::from_static("traceparent"), trace.traceparent.as_deref()),
        (HeaderName::from_static("tracestate"), trace.tracestate.as_deref()),
        (HeaderName::from_static("idempotency-key"), call.idempotency_key.as_deref()),
    ] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(name, value);
        }
    }
    grant.apply(headers);
    Ok(request)
}
