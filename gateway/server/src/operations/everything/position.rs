//! Where the next page begins. A link carries positions and marks, never a resource, and is sealed for the practice and the record.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::{Compartment, IssueType, Query, ResourceType};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::asked::Asked;
use crate::failure::Failure;
use crate::operations::Running;
use crate::operations::ask::Search;

/// The parameter that carries a page.
pub(super) const PARAMETER: &str = adapter::page::PARAMETER;
/// How long a link holds.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What a resource is known again by: a few bytes of a digest, so that a link stays short.
pub(super) type Mark = [u8; 6];

/// A position in the walk.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Position {
    /// What was asked, encoded.
    #[serde(rename = "q")]
    query: String,
    #[serde(rename = "a")]
    pub(super) at: At,
    /// Marks of what came along on earlier pages.
    #[serde(rename = "c")]
    came: String,
}

/// A page of the searches of one type.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct At {
    /// The type.
    #[serde(rename = "t")]
    pub(super) of: String,
    /// By which of the ways to search it.
    #[serde(rename = "w")]
    pub(super) way: usize,
    /// The query of the back end's page; none for its first.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<String>,
    /// Whether that page is asked for in the compartment.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) inside: bool,
    /// Marks of what of that page was given already.
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    seen: String,
}

impl At {
    /// Where the searches of a type begin.
    pub(super) fn first(of: ResourceType, way: usize) -> Self {
        Self { of: of.as_str().to_owned(), way, page: None, inside: false, seen: String::new() }
    }

    /// The page behind this one.
    pub(super) fn next(&self, page: &Search) -> Self {
        let (inside, query) = (page.compartment.is_some(), page.query.encode());
        Self { page: Some(query), inside, seen: String::new(), ..self.clone() }
    }

    /// The same page, with so much of it given.
    pub(super) fn behind(&self, given: &HashSet<Mark>) -> Self {
        Self { seen: encoded(given), ..self.clone() }
    }

    /// What was given of it.
    pub(super) fn seen(&self) -> HashSet<Mark> {
        decoded(&self.seen)
    }
}

impl Position {
    /// Opens a link.
    ///
    /// # Errors
    /// 400 for one that is not ours, is of another record, practice or compartment, or has expired.
    pub(super) fn open(running: &Running<'_>, owner: &Compartment, token: &str) -> Result<Self, Failure> {
        let pipeline = running.pipeline;
        let invalid = |text: String| Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, text);
        let opened = pipeline.seal.open(&context(running, owner), token, pipeline.clock.now());
        let content = opened.map_err(|error| invalid(error.to_string()))?;
        serde_json::from_slice(&content).map_err(|_| invalid("the page link is not one of this server's".to_owned()))
    }

    /// The link to a position.
    pub(super) fn link(running: &Running<'_>, asked: &Asked, at: At, came: &HashSet<Mark>) -> Option<String> {
        let position = Self { query: asked.query.encode(), at, came: encoded(came) };
        let content = serde_json::to_vec(&position).ok()?;
        let (pipeline, owner) = (running.pipeline, &asked.owner);
        let token = pipeline.seal.seal(&context(running, owner), &content, pipeline.clock.now() + LIFETIME);
        Some(format!("{}?{PARAMETER}={token}", place(asked)))
    }

    /// What was asked.
    pub(super) fn query(&self) -> Query {
        Query::parse(&self.query)
    }

    /// What came along on earlier pages.
    pub(super) fn came(&self) -> HashSet<Mark> {
        decoded(&self.came)
    }
}

/// The link to what was asked.
pub(super) fn own(asked: &Asked) -> String {
    let query = asked.query.encode();
    let question = if query.is_empty() { "" } else { "?" };
    format!("{}{question}{query}", place(asked))
}

fn place(asked: &Asked) -> String {
    format!("{}/{}/{}/$everything", asked.base, asked.owner.resource_type, asked.owner.id)
}

/// What a resource is known again by.
pub(super) fn mark(identity: &str) -> Mark {
    Sha256::digest(identity.as_bytes()).first_chunk().copied().unwrap_or_default()
}

fn context(running: &Running<'_>, owner: &Compartment) -> String {
    let confined = running.permitted.reach().patient().map(|patient| patient.id.as_str()).unwrap_or_default();
    format!("everything {} {}/{} {confined}", running.request().practice, owner.resource_type, owner.id)
}

fn encoded(marks: &HashSet<Mark>) -> String {
    URL_SAFE_NO_PAD.encode(marks.iter().flatten().copied().collect::<Vec<u8>>())
}

fn decoded(marks: &str) -> HashSet<Mark> {
    let bytes = URL_SAFE_NO_PAD.decode(marks).unwrap_or_default();
    bytes.as_chunks::<6>().0.iter().copied().collect()
}
