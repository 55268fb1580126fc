//! Bundles of what a back end lists, with page links that are sealed: a client can follow them, and cannot make a back end read
//! anything else.

use std::time::Duration;

pub(crate) use adapter::page::PARAMETER;
use adapter::{Call, Error, ErrorKind, Host, page};
use fhir::{Interaction, Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document::head;

/// The longest cursor and query that go into a token.
const LONGEST: usize = 4_000;

/// One entry of a page.
pub(crate) struct Entry<'a> {
    pub(crate) resource: Option<&'a RawValue>,
    pub(crate) full_url: Option<&'a str>,
    /// `search.mode`
    pub(crate) mode: Option<&'static str>,
    pub(crate) request: Option<&'a RawValue>,
    pub(crate) response: Option<&'a RawValue>,
}

/// A page of a search or a history.
pub(crate) struct Page<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
    pub(crate) total: Option<u64>,
    /// What leads to the next page, in the back end's words.
    pub(crate) next: Option<&'a str>,
}

/// What a token holds: the search as it began, and where to go on.
#[derive(Serialize, Deserialize)]
pub(crate) struct Continuation {
    pub(crate) query: String,
    pub(crate) cursor: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle<'a> {
    resource_type: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    link: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entry: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Link {
    relation: &'static str,
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    full_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Mode {
    mode: &'static str,
}

/// The query of a listing as it began, and where it goes on when the call follows a page link.
///
/// # Errors
/// [`ErrorKind::Invalid`] when the link is not ours, was made for another search, practice or compartment, or has expired.
pub(crate) fn opened(host: &Host, call: &Call) -> Result<(Query, Option<String>), Error> {
    let Some(query) = query(call) else { return Ok((Query::default(), None)) };
    let Some(token) = query.first(PARAMETER) else { return Ok((query.clone(), None)) };
    let invalid = |text: String| Error::new(ErrorKind::Invalid, text);
    let plain = host.seal.open(&context(host, call), token, host.clock.now()).map_err(|e| invalid(e.to_string()))?;
    let known: Continuation =
        serde_json::from_slice(&plain).map_err(|_| invalid("the page link is not one of this server's".to_owned()))?;
    Ok((Query::parse(&known.query), Some(known.cursor)))
}

/// The Bundle of a page. `began` is the query of the first page.
///
/// # Errors
/// [`ErrorKind::BadReply`] for an entry without a type or id, or a cursor that is too long to be carried.
pub(crate) fn bundle(
    host: &Host,
    call: &Call,
    began: &Query,
    page: &Page<'_>,
    lifetime: Duration,
) -> Result<Vec<u8>, Error> {
    let is_search = matches!(call.interaction, Interaction::SearchType { .. } | Interaction::SearchSystem { .. });
    let mut link = vec![Link { relation: "self", url: own(call) }];
    if let Some(cursor) = page.next {
        link.push(Link { relation: "next", url: next(host, call, began, cursor, lifetime)? });
    }
    let bundle = Bundle {
        resource_type: "Bundle",
        r#type: if is_search { "searchset" } else { "history" },
        total: page.total,
        link,
        entry: page.entries.iter().map(|entry| written(call, entry, is_search)).collect::<Result<_, _>>()?,
    };
    serde_json::to_vec(&bundle).map_err(|error| Error::new(ErrorKind::Internal, "cannot write a Bundle").because(error))
}

fn written<'a>(call: &Call, entry: &Entry<'a>, is_search: bool) -> Result<Written<'a>, Error> {
    let bad = |text: &str| Error::new(ErrorKind::BadReply, text);
    let mode = entry.mode.or(is_search.then_some("match"));
    let full_url = match (entry.full_url, entry.resource) {
        (Some(url), _) => Some(url.to_owned()),
        (None, Some(resource)) => {
            let head = head(resource.get().as_bytes())?;
            let resource_type = head.resource_type.ok_or_else(|| bad("expected `resourceType` in every entry"))?;
            let asked = call.interaction.resource_type();
            if mode == Some("match") && asked.is_some_and(|asked| asked != resource_type) {
                return Err(bad("expected matches of the type that was searched"));
            }
            match head.id {
                Some(id) => Some(format!("{}/{resource_type}/{id}", call.base)),
                None if mode == Some("outcome") => None,
                None => return Err(bad("expected `id` in every entry")),
            }
        }
        (None, None) => None,
    };
    let search = mode.map(|mode| Mode { mode });
    Ok(Written { full_url, resource: entry.resource, search, request: entry.request, response: entry.response })
}

fn next(host: &Host, call: &Call, began: &Query, cursor: &str, lifetime: Duration) -> Result<String, Error> {
    let query = began.encode();
    if query.len() + cursor.len() > LONGEST {
        return Err(Error::new(ErrorKind::BadReply, format!("expected a page cursor below {LONGEST} bytes")));
    }
    let plain = serde_json::to_vec(&Continuation { query, cursor: cursor.to_owned() }).unwrap_or_default();
    let token = host.seal.seal(&context(host, call), &plain, host.clock.now() + lifetime);
    Ok(page::link_to(call, &token))
}

/// The link to the call itself.
fn own(call: &Call) -> String {
    page::link(call, &query(call).map(Query::encode).unwrap_or_default())
}

pub(crate) fn query(call: &Call) -> Option<&Query> {
    page::query(&call.interaction)
}

/// What a token is good for.
fn context(host: &Host, call: &Call) -> String {
    page::context(&format!("http-json {}", host.name), call)
}
