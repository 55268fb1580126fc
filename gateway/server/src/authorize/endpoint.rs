//! The token endpoint: RFC 6749 4.4 with the client authentication of RFC 7523, as SMART Backend Services profiles them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adapter::Practice;
use bytes::Bytes;
use fhir::{Compartment, Id, ResourceType};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::limits::Exceeded;

/// A form is an assertion of a few kilobytes and little else.
const MOST_BYTES: usize = 32 * 1024;

/// A request to the token endpoint.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// Whose endpoint.
    pub practice: &'a Practice,
    /// Content-Type.
    pub content_type: Option<&'a str>,
    /// Whether there is an Authorization field.
    pub has_authorization: bool,
    /// The body.
    pub body: &'a [u8],
    /// The client's address.
    pub address: IpAddr,
}

/// A granted token. Its `Debug` does not show it.
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<Id>,
    /// Who got it.
    #[serde(skip)]
    client: Arc<str>,
}

/// The error codes of RFC 6749 5.2, and of 4.1.2.1 for what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenErrorCode {
    /// Malformed.
    InvalidRequest,
    /// The client is not who it says, or not known.
    InvalidClient,
    /// The client may not have this.
    UnauthorizedClient,
    /// Another grant type.
    UnsupportedGrantType,
    /// No scope that can be granted.
    InvalidScope,
    /// Too many requests.
    TemporarilyUnavailable,
    /// Our fault.
    ServerError,
}

/// Why no token was granted.
#[derive(Debug, thiserror::Error)]
#[error("{description}")]
pub struct TokenError {
    /// What the client branches on.
    pub code: TokenErrorCode,
    /// What a person reads.
    pub description: String,
    /// When to come back.
    pub retry_after: Option<u64>,
    /// What only the log may read.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TokenErrorCode {
    /// The code and its HTTP status.
    #[must_use]
    pub const fn row(self) -> (&'static str, StatusCode) {
        match self {
            Self::InvalidRequest => ("invalid_request", StatusCode::BAD_REQUEST),
            Self::InvalidClient => ("invalid_client", StatusCode::UNAUTHORIZED),
            Self::UnauthorizedClient => ("unauthorized_client", StatusCode::BAD_REQUEST),
            Self::UnsupportedGrantType => ("unsupported_grant_type", StatusCode::BAD_REQUEST),
            Self::InvalidScope => ("invalid_scope", StatusCode::BAD_REQUEST),
            Self::TemporarilyUnavailable => ("temporarily_unavailable", StatusCode::TOO_MANY_REQUESTS),
            Self::ServerError => ("server_error", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl TokenError {
    /// An error with a text: lowercase, no full stop, what was expected.
    pub fn new(code: TokenErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None, cause: None }
    }

    /// The client is not believed.
    pub fn client(description: impl Into<String>) -> Self {
        Self::new(TokenErrorCode::InvalidClient, description)
    }

    /// A fault of ours.
    #[must_use]
    pub fn server(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let text = "the token cannot be issued now";
        Self { cause: Some(cause.into()), ..Self::new(TokenErrorCode::ServerError, text) }
    }

    /// The HTTP response (RFC 6749 5.2).
    #[must_use]
    pub fn into_http(self) -> Response<Bytes> {
        let (code, status) = self.code.row();
        // RFC 6749 5.2: printable ASCII without quotes and backslashes.
        let plain = |letter: char| if letter == '"' { '\'' } else { letter };
        let fits = |letter: &char| matches!(letter, ' '..='~') && *letter != '\\';
        let description: String = self.description.chars().map(plain).filter(fits).collect();
        let mut response = answer(status, &json!({ "error": code, "error_description": description }));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 15.5.2: a 401 names a scheme; the token endpoint itself takes none in Authorization.
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_client\""));
        }
        response
    }
}

impl From<Exceeded> for TokenError {
    fn from(exceeded: Exceeded) -> Self {
        let seconds = exceeded.seconds();
        let text = format!("too many requests: expected the next one in {seconds} s");
        Self { retry_after: Some(seconds), ..Self::new(TokenErrorCode::TemporarilyUnavailable, text) }
    }
}

impl TokenResponse {
    pub(super) fn new(
        access_token: String,
        lifetime: Duration,
        scope: String,
        patient: Option<&Compartment>,
        client: Arc<str>,
    ) -> Self {
        Self {
            access_token,
            // SMART Backend Services: the fixed value is in lower case.
            token_type: "bearer",
            expires_in: lifetime.as_secs(),
            scope,
            patient: patient.map(|patient| patient.id.clone()),
            client,
        }
    }

    /// The HTTP response (RFC 6749 5.1).
    #[must_use]
    pub fn into_http(self) -> Response<Bytes> {
        answer(StatusCode::OK, &self)
    }

    /// The token.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// What was granted.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenResponse({} {})", self.client, self.scope)
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The parameters of a token request.
#[derive(Default)]
pub(super) struct Form {
    grant_type: Option<String>,
    pub(super) scope: Option<String>,
    assertion_type: Option<String>,
    assertion: Option<String>,
    pub(super) client_id: Option<String>,
    /// Ours: the id of the patient in whose context the token is asked for, together with scope `launch/patient`.
    patient: Option<String>,
}

impl Form {
    pub(super) fn read(request: &TokenRequest<'_>) -> Result<Self, TokenError> {
        let malformed = |text: &str| TokenError::new(TokenErrorCode::InvalidRequest, text);
        let essence = request.content_type.and_then(|value| value.split(';').next()).map_or("", str::trim);
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(malformed("expected content-type application/x-www-form-urlencoded"));
        }
        if request.body.len() > MOST_BYTES {
            return Err(malformed("expected a form of at most 32 KiB"));
        }
        // RFC 6749 2.3: one way to authenticate in a request, and here it is the assertion.
        if request.has_authorization {
            return Err(TokenError::client("expected a client_assertion and no Authorization field"));
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(request.body) {
            let Some(field) = form.field(&name) else { continue };
            if field.replace(value.into_owned()).is_some() {
                return Err(malformed("expected each parameter once"));
            }
        }
        form.checked()
    }

    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "grant_type" => &mut self.grant_type,
            "scope" => &mut self.scope,
            "client_assertion_type" => &mut self.assertion_type,
            "client_assertion" => &mut self.assertion,
            "client_id" => &mut self.client_id,
            "patient" => &mut self.patient,
            _ => return None,
        })
    }

    fn checked(self) -> Result<Self, TokenError> {
        match self.grant_type.as_deref() {
            Some("client_credentials") => Ok(self),
            None | Some("") => Err(TokenError::new(TokenErrorCode::InvalidRequest, "expected `grant_type`")),
            Some(_) => Err(TokenError::new(
                TokenErrorCode::UnsupportedGrantType,
                "expected `grant_type` to be client_credentials",
            )),
        }
    }

    pub(super) fn assertion(&self) -> Result<&str, TokenError> {
        const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if self.assertion_type.as_deref() != Some(TYPE) {
            return Err(TokenError::client(format!("expected `client_assertion_type` to be {TYPE}")));
        }
        self.assertion.as_deref().ok_or_else(|| TokenError::client("expected `client_assertion`"))
    }

    pub(super) fn patient(&self) -> Result<Option<Compartment>, TokenError> {
        let Some(patient) = &self.patient else { return Ok(None) };
        let id = patient.strip_prefix("Patient/").unwrap_or(patient).parse();
        let id = id.map_err(|_| {
            TokenError::new(TokenErrorCode::InvalidRequest, "expected `patient` to be the id of a Patient")
        })?;
        Ok(Some(Compartment { resource_type: ResourceType::PATIENT, id }))
    }
}
