//! Stage 7: reply to HTTP response, audit. The only place that writes header fields and OperationOutcomes.

pub mod account;
mod conditional;
pub mod cors;
mod fields;
pub mod markup;
mod pretty;

use std::time::SystemTime;

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Issue, Version};
use futures_util::TryStreamExt;
use http::response::Builder;
use http::{HeaderValue, Method, Response, StatusCode, header};

use crate::failure::Failure;
use crate::listener::{Body, Broken};
use crate::receive::{Format, Preferences, Request, Returns};

pub use fields::finish;

/// How the client wants to be answered; outlives the request.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What the client would like.
    pub preferences: Preferences,
    /// HEAD: everything but the body.
    pub head: bool,
    /// Whether the answer is that of a write, whose body is a matter of `Prefer`.
    write: bool,
    /// Whether a resource comes of it: its answer says where.
    create: bool,
    /// The release that the client speaks.
    pub version: Version,
    /// The base that `Location` is built on.
    base: std::sync::Arc<str>,
}

impl Manner {
    /// Reads it off the request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let interaction = &request.interaction;
        Self {
            preferences: request.preferences.clone(),
            head: request.target.method == Method::HEAD,
            write: is_write(interaction),
            create: matches!(
                interaction,
                Interaction::Create { .. }
                    | Interaction::Update { .. }
                    | Interaction::ConditionalUpdate { .. }
                    | Interaction::Patch { .. }
                    | Interaction::ConditionalPatch { .. }
            ),
            version: request.version,
            base: std::sync::Arc::clone(&request.base),
        }
    }

    /// Of a GET or HEAD that is no interaction with a back end.
    #[must_use]
    pub fn to_read(preferences: Preferences, head: bool, version: Version) -> Self {
        Self { preferences, head, write: false, create: false, version, base: std::sync::Arc::from("") }
    }

    /// Whether the request changes something.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.write
    }

    /// Whether the answer needs the resource although the back end sent none.
    #[must_use]
    pub fn wants_resource(&self, reply: &Reply) -> bool {
        self.create
            && matches!(reply.body, adapter::Body::Empty)
            && !matches!(self.preferences.returns, Some(Returns::Minimal | Returns::OperationOutcome))
    }
}

fn is_write(interaction: &Interaction) -> bool {
    matches!(
        interaction,
        Interaction::Create { .. }
            | Interaction::Update { .. }
            | Interaction::ConditionalUpdate { .. }
            | Interaction::Patch { .. }
            | Interaction::ConditionalPatch { .. }
            | Interaction::Delete { .. }
            | Interaction::ConditionalDelete { .. }
    )
}

/// The response to a reply, whose body is in the format of the answer already. `warnings` are what validation let pass.
#[must_use]
pub fn reply(manner: &Manner, mut reply: Reply, warnings: &[Issue]) -> Response<Body> {
    reply.issues.extend_from_slice(warnings);
    if !manner.write && conditional::is_current(&manner.preferences, &reply) {
        return respond(versioned(Response::builder().status(StatusCode::NOT_MODIFIED), &reply), Body::empty());
    }
    let mut builder = versioned(Response::builder().status(status(&reply)), &reply);
    if manner.create {
        builder = located(builder, manner, &reply);
    }
    if !reply.issues.is_empty() {
        builder = builder.header("x-frontdesk-warnings", reply.issues.len());
    }
    match (manner.write, manner.preferences.returns) {
        (true, Some(Returns::Minimal)) => {
            respond(builder.header("preference-applied", "return=minimal"), Body::empty())
        }
        (true, Some(Returns::OperationOutcome)) => {
            let status = if reply.status == Status::NoContent { StatusCode::OK } else { status(&reply) };
            let builder = builder.status(status).header("preference-applied", "return=OperationOutcome");
            let outcome = markup::outcome(manner.preferences.format, reply.issues);
            content(builder, manner, Body::whole(outcome))
        }
        _ => representation(builder, manner, reply.body),
    }
}

/// The response to a failure: an OperationOutcome (http.html#Status-Codes).
#[must_use]
pub fn failure(format: Format, failure: Failure) -> Response<Body> {
    let body = markup::outcome(format, failure.issues);
    let mut response = respond(
        Response::builder().status(failure.status).header(header::CONTENT_TYPE, format.content_type()),
        Body::whole(body),
    );
    response.headers_mut().extend(*failure.headers);
    response
}

/// A JSON document that is no FHIR resource.
#[must_use]
pub fn json(status: StatusCode, bytes: impl Into<Bytes>) -> Response<Body> {
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    respond(builder, Body::whole(bytes))
}

/// A whole resource that the gateway itself made, in the format of the answer.
///
/// # Errors
/// When it has no XML, which no resource of ours should happen to have.
pub fn resource(manner: &Manner, bytes: impl Into<Bytes>) -> Result<Response<Body>, Failure> {
    let body = markup::body(&manner.preferences, manner.version, adapter::Body::Bytes(bytes.into()))?;
    Ok(representation(Response::builder(), manner, body))
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    respond(Response::builder().status(status), Body::empty())
}

fn representation(builder: Builder, manner: &Manner, body: adapter::Body) -> Response<Body> {
    match body {
        adapter::Body::Empty => respond(builder, Body::empty()),
        adapter::Body::Bytes(bytes) => content(builder, manner, whole(manner, bytes)),
        adapter::Body::Stream(length, pieces) => {
            let pieces = pieces.map_err(|error| Broken(Box::new(error)));
            content(builder, manner, Body::pieces(length, pieces))
        }
    }
}

fn whole(manner: &Manner, bytes: Bytes) -> Body {
    if manner.preferences.pretty && !manner.preferences.format.is_xml() {
        Body::whole(pretty::print(&bytes))
    } else {
        Body::whole(bytes)
    }
}

fn content(builder: Builder, manner: &Manner, body: Body) -> Response<Body> {
    let builder = builder.header(header::CONTENT_TYPE, manner.preferences.format.content_type());
    if !manner.head {
        return respond(builder, body);
    }
    // RFC 9110 9.3.2: the fields of a HEAD are those of the GET.
    let builder = match body.length() {
        Some(length) => builder.header(header::CONTENT_LENGTH, length),
        None => builder,
    };
    respond(builder, Body::empty())
}

fn status(reply: &Reply) -> StatusCode {
    match reply.status {
        Status::Ok => StatusCode::OK,
        Status::Created => StatusCode::CREATED,
        Status::Accepted => StatusCode::ACCEPTED,
        Status::NoContent => StatusCode::NO_CONTENT,
    }
}

/// http.html#versioning: ETag is the version id, weak; Last-Modified is `meta.lastUpdated`.
fn versioned(mut builder: Builder, reply: &Reply) -> Builder {
    if let Some(version) = reply.subject.as_ref().and_then(|subject| subject.version_id.as_ref()) {
        builder = builder.header(header::ETAG, format!("W/\"{version}\""));
    }
    if let Some(modified) = reply.last_modified.filter(|at| *at >= SystemTime::UNIX_EPOCH) {
        builder = builder.header(header::LAST_MODIFIED, httpdate::fmt_http_date(modified));
    }
    builder
}

/// http.html#create: where the version is. An update that made nothing new has no Location.
fn located(builder: Builder, manner: &Manner, reply: &Reply) -> Builder {
    let Some(subject) = &reply.subject else { return builder };
    let mut location = format!("{}/{}/{}", manner.base, subject.resource_type, subject.id);
    if let Some(version) = &subject.version_id {
        location.push_str("/_history/");
        location.push_str(version.as_str());
    }
    let name = if reply.status == Status::Created { header::LOCATION } else { header::CONTENT_LOCATION };
    builder.header(name, location)
}

/// A builder fails on broken fields only, and ours hold ids and dates.
fn respond(builder: Builder, body: Body) -> Response<Body> {
    builder.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        response
    })
}

#[cfg(test)]
mod tests;
