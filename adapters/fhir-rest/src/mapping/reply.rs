//! An HTTP response as a reply.

use std::str::FromStr;

use adapter::reply::Subject;
use adapter::{Call, Error, ErrorKind, Reply, Status};
use bytes::Bytes;
use exchange::body::{Received, receive, receive_whole};
use fhir::{Id, Interaction, ResourceType, VersionId};
use http::header::{CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;

use crate::Server;
use crate::body::{malformed, stream_through};
use crate::mapping::bundle;
use crate::mapping::outcome::{Refusal, issues};
use crate::rewrite::{Bases, Rewriter};

/// The longest error page that is read.
const REFUSAL_LIMIT: usize = 256 << 10;

/// What is needed to read a response.
pub(crate) struct Reading<'a> {
    pub(crate) server: &'a Server,
    pub(crate) call: &'a Call,
    pub(crate) to_gateway: &'a Bases,
    pub(crate) had_version: bool,
}

impl Reading<'_> {
    /// Reads a response to its end, or as far as its body is not streamed.
    ///
    /// # Errors
    /// What the back end refused, and [`ErrorKind::BadReply`] for what is no answer to what was asked.
    pub(crate) async fn read(&self, response: Response<Incoming>) -> Result<Reply, Error> {
        let (head, body) = response.into_parts();
        let Some(status) = status(head.status) else {
            return Err(self.refusal(head.status, &head.headers, body).await);
        };
        let mut reply = Reply::new(status);
        reply.subject = self.subject(&head.headers);
        reply.last_modified = text(&head.headers, &LAST_MODIFIED).and_then(|date| httpdate::parse_http_date(date).ok());
        if status == Status::NoContent {
            return Ok(reply);
        }
        match self.call.interaction {
            Interaction::Read { .. } | Interaction::Vread { .. } => self.resource(reply, &head.headers, body).await,
            _ => self.document(reply, &head.headers, body).await,
        }
    }

    /// One resource: streamed when it is large.
    async fn resource(&self, mut reply: Reply, headers: &HeaderMap, body: Incoming) -> Result<Reply, Error> {
        is_json(headers)?;
        let rewriter = Rewriter::new(self.to_gateway.clone());
        let limit = self.server.settings.stream_from.as_usize();
        match receive(body, limit, self.call.deadline).await? {
            Received::Whole(bytes) => {
                let (bytes, rewriter) = rewritten(rewriter, &bytes)?;
                self.expected().check(&rewriter, true)?;
                self.complete(&mut reply, &bytes);
                Ok(reply.with_body(bytes))
            }
            Received::Begun(first, rest) => {
                let expected = self.expected();
                reply.body = stream_through(first, rest, rewriter, move |rewriter| expected.check(rewriter, false))?;
                Ok(reply)
            }
        }
    }

    /// Anything else: held, because its links, its subject or its issues have to be looked at.
    async fn document(&self, mut reply: Reply, headers: &HeaderMap, body: Incoming) -> Result<Reply, Error> {
        let limit = self.server.settings.max_reply.as_usize();
        let bytes = receive_whole(body, limit, self.call.deadline).await?;
        if bytes.is_empty() {
            return if self.call.interaction.is_safe() { Err(bad("an empty answer")) } else { Ok(reply) };
        }
        is_json(headers)?;
        let (bytes, rewriter) = rewritten(Rewriter::new(self.to_gateway.clone()), &bytes)?;
        if rewriter.resource_type() == Some("OperationOutcome") && !self.call.interaction.is_safe() {
            reply.issues = issues(&bytes, str::to_owned).unwrap_or_default();
            return Ok(reply);
        }
        if is_listing(&self.call.interaction) {
            let (bytes, issues) = bundle::relink(self.server, self.call, bytes)?;
            reply.issues = issues;
            return Ok(reply.with_body(bytes));
        }
        self.expected().check(&rewriter, true)?;
        self.complete(&mut reply, &bytes);
        Ok(reply.with_body(bytes))
    }

    async fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: Incoming) -> Error {
        // What cannot be read of it is of no use either.
        let body = receive_whole(body, REFUSAL_LIMIT, self.call.deadline).await.unwrap_or_default();
        let refusal = Refusal {
            status,
            headers,
            body: &body,
            had_version: self.had_version,
            interaction: &self.call.interaction,
        };
        refusal.error(self.server.host.clock.now(), |text| {
            self.server.bases.iter().fold(text.to_owned(), |text, base| text.replace(base, &self.call.base))
        })
    }

    /// The resource that the head speaks of: by the call, or by Location; its version by ETag.
    fn subject(&self, headers: &HeaderMap) -> Option<Subject> {
        let resource_type = self.call.interaction.resource_type()?;
        if matches!(self.call.interaction, Interaction::Operation { .. }) || is_listing(&self.call.interaction) {
            return None;
        }
        let located = text(headers, &LOCATION)
            .or_else(|| text(headers, &CONTENT_LOCATION))
            .and_then(|location| located(location, resource_type));
        let (located_id, located_version) = located.unzip();
        let id = self.call.interaction.id().cloned().or(located_id)?;
        let version_id = text(headers, &ETAG).and_then(version).or(located_version.flatten());
        Some(Subject { resource_type, id, version_id })
    }

    /// Servers that leave out Location or ETag say the same in the resource.
    fn complete(&self, reply: &mut Reply, bytes: &[u8]) {
        if reply.subject.as_ref().is_some_and(|subject| subject.version_id.is_some()) {
            return;
        }
        let Ok(head) = serde_json::from_slice::<Head<'_>>(bytes) else { return };
        let version_id = head.meta.and_then(|meta| meta.version_id.parse().ok());
        match (&mut reply.subject, self.call.interaction.resource_type(), head.id.and_then(|id| id.parse().ok())) {
            (Some(subject), _, _) => subject.version_id = version_id,
            (None, Some(resource_type), Some(id)) if !is_listing(&self.call.interaction) => {
                reply.subject = Some(Subject { resource_type, id, version_id });
            }
            _ => {}
        }
    }

    /// What the body must be.
    fn expected(&self) -> Expected {
        let id = match &self.call.interaction {
            Interaction::Read { id, .. } | Interaction::Vread { id, .. } | Interaction::Update { id, .. } => Some(id),
            _ => None,
        };
        let resource_type = match &self.call.interaction {
            Interaction::Operation { .. } => None,
            Interaction::Batch { .. } => Some(ResourceType::BUNDLE),
            Interaction::Capabilities => Some(ResourceType::CAPABILITY_STATEMENT),
            other => other.resource_type(),
        };
        Expected { resource_type, id: id.cloned() }
    }
}

struct Expected {
    resource_type: Option<ResourceType>,
    id: Option<Id>,
}

impl Expected {
    /// Compares what was read; what a body did not say yet is an error only when it is `whole`.
    fn check(&self, found: &Rewriter, whole: bool) -> Result<(), Error> {
        let differs = |found: Option<&str>, expected: Option<&str>| match (found, expected) {
            (Some(found), Some(expected)) => found != expected,
            (None, Some(_)) => whole,
            (_, None) => false,
        };
        if differs(found.resource_type(), self.resource_type.map(ResourceType::as_str)) {
            return Err(bad("another resource type than was asked for"));
        }
        if differs(found.id(), self.id.as_ref().map(Id::as_str)) {
            return Err(bad("another resource than was asked for"));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a str>,
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "versionId", default)]
    version_id: &'a str,
}

const fn status(status: StatusCode) -> Option<Status> {
    match status.as_u16() {
        200 => Some(Status::Ok),
        201 => Some(Status::Created),
        202 => Some(Status::Accepted),
        204 => Some(Status::NoContent),
        _ => None,
    }
}

const fn is_listing(interaction: &Interaction) -> bool {
    matches!(
        interaction,
        Interaction::SearchType { .. }
            | Interaction::SearchSystem { .. }
            | Interaction::HistoryInstance { .. }
            | Interaction::HistoryType { .. }
            | Interaction::HistorySystem { .. }
    )
}

fn rewritten(mut rewriter: Rewriter, bytes: &Bytes) -> Result<(Bytes, Rewriter), Error> {
    let written = rewriter.push(bytes).map_err(malformed)?;
    rewriter.finish().map_err(malformed)?;
    Ok((written, rewriter))
}

/// FHIR http.html#mime-type; `application/json` is what many send, `json+fhir` what old ones do.
fn is_json(headers: &HeaderMap) -> Result<(), Error> {
    let content_type = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let known = ["application/fhir+json", "application/json", "application/json+fhir"];
    if !known.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Err(bad("something else than application/fhir+json"));
    }
    // Nothing was offered in Accept-Encoding.
    match text(headers, &CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(_) => Err(bad("an encoding that was not asked for")),
    }
}

/// `[base]/Patient/1/_history/2`, absolute or not.
fn located(location: &str, resource_type: ResourceType) -> Option<(Id, Option<VersionId>)> {
    let mut parts = location.split(['?', '#']).next()?.rsplit('/');
    let last = parts.next()?;
    let before = parts.next()?;
    if before == "_history" {
        let id = parts.next()?.parse().ok()?;
        return (parts.next()? == resource_type.as_str()).then(|| (id, last.parse().ok()));
    }
    let id = Id::from_str(last).ok()?;
    (before == resource_type.as_str()).then_some((id, None))
}

/// `W/"3"`, and `"3"` from those who mean it.
fn version(etag: &str) -> Option<VersionId> {
    etag.trim().trim_start_matches("W/").trim_matches('"').parse().ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn bad(found: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("the back end answered with {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_names_id_and_version() {
        let patient = ResourceType::PATIENT;
        for (location, id, version) in [
            ("https://e.example/fhir/Patient/a-1/_history/2", "a-1", Some("2")),
            ("Patient/a-1", "a-1", None),
            ("/fhir/Patient/a-1?x=1", "a-1", None),
        ] {
            let (found, found_version) = located(location, patient).unwrap();
            assert_eq!((found.as_str(), found_version.as_ref().map(VersionId::as_str)), (id, version));
        }
        for location in ["", "Patient/", "Slot/1", "https://e.example/Patient/a b", "Slot/1/_history/2"] {
            assert!(located(location, patient).is_none(), "{location}");
        }
    }

    #[test]
    fn an_etag_is_read_weak_or_strong() {
        for etag in ["W/\"3\"", "\"3\"", "3"] {
            assert_eq!(version(etag).unwrap().as_str(), "3");
        }
        assert!(version("W/\"a b\"").is_none());
    }
}
