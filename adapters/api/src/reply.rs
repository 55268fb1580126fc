//! What comes back from an adapter.

use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use fhir::{Id, Issue, ResourceType, VersionId};
use futures_util::Stream;

use crate::Error;

/// How an interaction ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 200
    Ok,
    /// 201
    Created,
    /// 202
    Accepted,
    /// 204
    NoContent,
}

/// A successful answer.
#[derive(Debug)]
pub struct Reply {
    /// How it ended.
    pub status: Status,
    /// The resource that was read or written, where there is one: type, id, version.
    pub subject: Option<Subject>,
    /// When that version was made (Last-Modified), to the second at least.
    pub last_modified: Option<SystemTime>,
    /// The resource or the Bundle, in the call's version, with the id and meta the back end gave it.
    /// A write may leave it empty when the back end answered so; the gateway reads it when the client wants it.
    pub body: Body,
    /// What the client should know beside the answer.
    pub issues: Vec<Issue>,
}

/// The resource that a reply speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: Id,
    /// Its version, when the back end has versions.
    pub version_id: Option<VersionId>,
}

/// A body: whole or in pieces.
pub enum Body {
    /// Nothing.
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// As it arrives, with its length where it is known. An error ends it: the client sees the connection break, never a
    /// shorter document.
    Stream(Option<u64>, Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(length, _) => write!(f, "Stream({length:?})"),
        }
    }
}

impl Reply {
    /// An answer without anything.
    #[must_use]
    pub const fn new(status: Status) -> Self {
        Self { status, subject: None, last_modified: None, body: Body::Empty, issues: Vec::new() }
    }

    /// The same answer with a body.
    #[must_use]
    pub fn with_body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }
}
