//! Where the next page of a listing over several back ends begins: for each of them which of its own pages, and what of it was
//! given already. A link carries positions and never a resource.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub(super) use adapter::page::PARAMETER;
use adapter::{Call, Error, ErrorKind, page};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::{Interaction, Query, ResourceType};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Federation;

/// How long a link holds.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Bytes by which an entry is known again.
const MARK: usize = 6;
/// Marks of one page that are carried to the next.
const CARRIED: usize = 50;

/// What an entry is known by.
pub(super) type Mark = [u8; MARK];

/// A position in a listing.
#[derive(Serialize, Deserialize)]
pub(super) struct Position {
    /// What was asked, encoded.
    #[serde(rename = "q")]
    pub(super) query: String,
    /// Matches in all, when every back end said.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    /// Those that have more.
    #[serde(rename = "a")]
    pub(super) at: Vec<At>,
    /// Those that failed on an earlier page.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) failed: Vec<Arc<str>>,
    /// Whether it is the beginning of the listing.
    #[serde(skip)]
    pub(super) is_first: bool,
}

/// A position in one back end's answers.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct At {
    /// The adapter's name.
    #[serde(rename = "n")]
    pub(super) name: Arc<str>,
    /// The one type that it is asked for, where it has no search of the system.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<ResourceType>,
    /// The query of its page; none for its first.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<String>,
    /// Marks of what was given of that page already.
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    seen: String,
}

impl At {
    /// The beginning.
    pub(super) fn first(name: &Arc<str>) -> Self {
        Self { name: Arc::clone(name), of: None, page: None, seen: String::new() }
    }

    /// The beginning of one type.
    pub(super) fn of_type(name: &Arc<str>, of: ResourceType) -> Self {
        Self { of: Some(of), ..Self::first(name) }
    }

    /// The page behind this one. A back end that repeats the end of a page there does no harm.
    pub(super) fn next(&self, page: String, last: &[Mark]) -> Self {
        let carried = last.get(last.len().saturating_sub(CARRIED)..).unwrap_or(last);
        Self { page: Some(page), ..self.behind(carried) }
    }

    /// What was given already.
    pub(super) fn seen(&self) -> HashSet<Mark> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.seen).unwrap_or_default();
        bytes.as_chunks::<MARK>().0.iter().copied().collect()
    }

    /// The same page, with more of it given.
    pub(super) fn behind<'m>(&self, given: impl IntoIterator<Item = &'m Mark>) -> Self {
        let bytes: Vec<u8> = given.into_iter().flatten().copied().collect();
        Self { seen: URL_SAFE_NO_PAD.encode(bytes), ..self.clone() }
    }
}

/// The mark of an entry.
pub(super) fn mark(identity: &str) -> Mark {
    let digest = Sha256::digest(identity.as_bytes());
    digest.first_chunk().copied().unwrap_or_default()
}

/// The position that a call asks for: sealed in its link, or the beginning.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a link that is not ours, is of another practice, type or compartment, or has expired.
pub(super) fn asked(
    federation: &Federation,
    call: &Call,
    first: impl Fn() -> Result<Vec<At>, Error>,
) -> Result<Position, Error> {
    let query = query(&call.interaction).cloned().unwrap_or_default();
    let Some(token) = query.first(PARAMETER) else {
        return Ok(Position { query: query.encode(), total: None, at: first()?, failed: Vec::new(), is_first: true });
    };
    let invalid = |text: String| Error::new(ErrorKind::Invalid, text);
    let opened = federation.seal.open(&context(call), token, federation.clock.now());
    let content = opened.map_err(|error| invalid(error.to_string()))?;
    serde_json::from_slice(&content).map_err(|_| invalid("the page link is not one of this server's".to_owned()))
}

/// The link to a position.
pub(super) fn link(federation: &Federation, call: &Call, position: &Position) -> Option<String> {
    let content = serde_json::to_vec(position).ok()?;
    let token = federation.seal.seal(&context(call), &content, federation.clock.now() + LIFETIME);
    Some(page::link_to(call, &token))
}

/// The query of a member's own link to its next page; none for a link that leads elsewhere. A link behind the search of a compartment
/// may carry the compartment and stand at the type.
pub(super) fn followed(call: &Call, url: &str) -> Option<String> {
    let (path, query) = url.strip_prefix(&*call.base)?.split_once('?')?;
    let is_here = path == page::place(&call.interaction);
    let is_at_type = || call.interaction.resource_type().is_some_and(|of| path.strip_prefix('/') == Some(of.as_str()));
    let carries = matches!(call.interaction, Interaction::SearchType { compartment: Some(_), .. });
    (is_here || (carries && is_at_type())).then(|| query.to_owned())
}

/// What a link is good for.
fn context(call: &Call) -> String {
    page::context("federation", call)
}

/// The parameters of a listing.
pub(super) const fn query(interaction: &Interaction) -> Option<&Query> {
    match interaction {
        Interaction::SearchType { query, .. }
        | Interaction::SearchSystem { query, .. }
        | Interaction::HistoryType { query, .. }
        | Interaction::HistorySystem { query } => Some(query),
        _ => None,
    }
}

/// The same interaction with other parameters.
pub(super) fn with_query(mut interaction: Interaction, other: Query) -> Interaction {
    if let Interaction::SearchType { query, .. }
    | Interaction::SearchSystem { query, .. }
    | Interaction::HistoryType { query, .. }
    | Interaction::HistorySystem { query } = &mut interaction
    {
        *query = other;
    }
    interaction
}
