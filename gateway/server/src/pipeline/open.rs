//! What needs no FHIR request: the token endpoint, keys, and checks of the head.

use adapter::Practice;
use bytes::Bytes;
use fhir::IssueType;
use http::request::Parts;
use http::{Method, Response, StatusCode, Version, header};

use super::Pipeline;
use crate::authorize::endpoint::TokenErrorCode;
use crate::authorize::{TokenError, TokenRequest};
use crate::failure::Failure;
use crate::listener::Body;
use crate::receive::{Envelope, Lingering, payload};
use crate::respond::cors::{self, Readers};

/// A form with an assertion is a few kilobytes.
const MOST_FORM: usize = 64 * 1024;

/// RFC 9112 3.2: exactly one Host on HTTP/1.1. Its value is not used: links are built on the public URL.
pub(super) fn check_host(head: &Parts) -> Result<(), Failure> {
    if head.version != Version::HTTP_11 || head.headers.get_all(header::HOST).iter().count() == 1 {
        return Ok(());
    }
    Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, "expected one Host field"))
}

impl Pipeline {
    /// The token endpoint. Its errors are those of RFC 6749 5.2, not OperationOutcomes.
    pub(super) async fn token(
        &self,
        head: &Parts,
        body: Lingering,
        practice: &Practice,
        envelope: &Envelope,
    ) -> Response<Body> {
        match head.method {
            Method::POST => {}
            Method::OPTIONS => return cors::preflight(&head.headers, "POST, OPTIONS"),
            _ => {
                let error = TokenError::new(TokenErrorCode::InvalidRequest, "expected POST");
                let mut response = error.into_http().map(Body::whole);
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response.headers_mut().insert(header::ALLOW, http::HeaderValue::from_static("POST, OPTIONS"));
                return response;
            }
        }
        let answered = match self.form(body, envelope).await {
            Ok(body) => self.grant(head, &body, practice, envelope).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(response) => response,
            Err(error) => {
                if let Some(cause) = &error.cause {
                    tracing::warn!(%cause, request_id = &*envelope.trace.request_id, "no token was issued");
                }
                error.into_http().map(Body::whole)
            }
        }
    }

    async fn grant(
        &self,
        head: &Parts,
        body: &Bytes,
        practice: &Practice,
        envelope: &Envelope,
    ) -> Result<Response<Body>, TokenError> {
        let request = TokenRequest {
            practice,
            content_type: head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()),
            has_authorization: head.headers.contains_key(header::AUTHORIZATION),
            body,
            address: envelope.address,
        };
        let granted = self.authority.token(request).await?;
        Ok(granted.into_http().map(Body::whole))
    }

    async fn form(&self, body: Lingering, envelope: &Envelope) -> Result<Bytes, TokenError> {
        let mut lease = self.limits.budget.lease();
        let deadline = envelope.arrived + self.limits.total;
        payload::read(body, MOST_FORM, &self.limits, deadline, &mut lease).await.map_err(|failure| {
            let text = failure.issues.into_iter().next().map_or_else(String::new, |issue| issue.text);
            TokenError::new(TokenErrorCode::InvalidRequest, text)
        })
    }

    /// Who may read the answer from a page of another origin.
    pub(super) fn readers(&self, head: &Parts, practice: &Practice, public: bool) -> Readers {
        Readers::of(&head.headers, public, |origin| {
            self.origins.iter().any(|known| known == origin) || self.authority.allows_origin(practice, origin)
        })
    }
}
