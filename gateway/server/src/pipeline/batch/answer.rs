//! What an entry is answered with.

use std::time::SystemTime;

use bytes::Bytes;
use fhir::bundle::Answer;
use fhir::{Interaction, Outcome, VersionId};
use http::{HeaderMap, HeaderName, Response, header};
use http_body_util::{BodyExt, Limited};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::Failure;
use crate::listener::Body;
use crate::receive::Returns;

/// How the answer to an entry is read.
pub(super) struct Asked {
    /// The base that a Location begins with.
    pub(super) base: std::sync::Arc<str>,
    /// `Prefer: return`
    pub(super) returns: Option<Returns>,
    /// Whether it is a write, whose body is a matter of `Prefer`.
    pub(super) is_write: bool,
    /// Bytes of a body.
    pub(super) most: usize,
}

impl Asked {
    /// The answer that an HTTP response is.
    pub(super) async fn answer(&self, response: Response<Body>) -> Result<Answer, Failure> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.most).collect().await.map_err(|error| {
            let text = format!("expected an answer of at most {} bytes for each entry", self.most);
            Failure::new(http::StatusCode::BAD_GATEWAY, fhir::IssueType::TooLong, text).because(error)
        })?;
        let body = Some(body.to_bytes()).filter(|bytes| !bytes.is_empty());
        let location =
            text(&head.headers, &header::LOCATION).or_else(|| text(&head.headers, &header::CONTENT_LOCATION));
        let mut answer = Answer {
            status: head.status.as_u16(),
            location: location.map(|url| relative(url, &self.base).to_owned()),
            version_id: text(&head.headers, &header::ETAG).and_then(VersionId::of_etag),
            last_modified: text(&head.headers, &header::LAST_MODIFIED).and_then(instant),
            ..Answer::default()
        };
        answer.full_url = answer.subject().map(|(kind, id, _)| format!("{}/{kind}/{id}", self.base));
        if self.is_write && self.returns == Some(Returns::OperationOutcome) {
            answer.outcome = body;
        } else {
            answer.resource = body;
        }
        Ok(answer)
    }
}

/// The answer that a failure is.
pub(super) fn failed(failure: Failure) -> Answer {
    let outcome = Bytes::from(Outcome(failure.issues).to_json());
    Answer { status: failure.status.as_u16(), outcome: Some(outcome), ..Answer::default() }
}

/// Whether the body of its answer is a matter of `Prefer` (http.html#ops).
pub(super) fn is_write(interaction: &Interaction) -> bool {
    !interaction.is_safe() && !matches!(interaction, Interaction::Operation { .. } | Interaction::Batch { .. })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn relative<'a>(url: &'a str, base: &str) -> &'a str {
    url.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(url)
}

/// An HTTP date as an instant.
fn instant(date: &str) -> Option<String> {
    written(httpdate::parse_http_date(date).ok()?)
}

/// A time as an instant.
pub(super) fn written(at: SystemTime) -> Option<String> {
    OffsetDateTime::from(at).format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fields_of_a_response_are_the_elements_of_an_answer() {
        let response = Response::builder()
            .status(201)
            .header("location", "https://gw.example/fhir/r4/Patient/1/_history/2")
            .header("etag", "W/\"2\"")
            .header("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")
            .body(Body::whole(r#"{"resourceType":"Patient"}"#))
            .unwrap();
        let asked = |returns, most| Asked { base: "https://gw.example/fhir/r4".into(), returns, is_write: true, most };
        let answer = asked(None, 100).answer(response).await.unwrap();
        assert_eq!(answer.location.as_deref(), Some("Patient/1/_history/2"));
        assert_eq!(answer.full_url.as_deref(), Some("https://gw.example/fhir/r4/Patient/1"));
        assert_eq!(answer.last_modified.as_deref(), Some("1994-11-06T08:49:37Z"));
        assert_eq!((answer.version_id.unwrap().as_str(), answer.resource.is_some()), ("2", true));
        let long = || Response::new(Body::whole(r#"{"resourceType":"OperationOutcome"}"#));
        assert!(asked(None, 10).answer(long()).await.is_err());
        let outcome = asked(Some(Returns::OperationOutcome), 100).answer(long()).await.unwrap();
        assert!(outcome.outcome.is_some() && outcome.resource.is_none());
    }
}
