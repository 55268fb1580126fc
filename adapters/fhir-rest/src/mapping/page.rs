//! Links to pages. The back end's link is sealed into a token: the client can follow it, and cannot make us fetch
//! anything else.

use adapter::{Call, Error, ErrorKind};
use fhir::{Interaction, Query};

use crate::Server;

/// The parameter that carries a token.
pub(crate) const PARAMETER: &str = "_page";

/// The longest link that is followed.
const LONGEST: usize = 4_000;

/// A link for the client that leads to `target`, which follows the back end's base: `?_getpages=…`, `/Patient?…`.
/// None for what is no place below the base.
pub(crate) fn link(server: &Server, call: &Call, target: &str) -> Option<String> {
    let is_below = target.starts_with(['/', '?']) && !target.contains("/../") && target.len() <= LONGEST;
    if !is_below || target.bytes().any(|byte| byte.is_ascii_control() || byte == b'#' || byte == b'\\') {
        return None;
    }
    let expires = server.host.clock.now() + *server.settings.page_lifetime;
    let token = server.host.seal.seal(&context(server, call), target.as_bytes(), expires);
    Some(format!("{}{}?{PARAMETER}={token}", call.base, place(call)))
}

/// Where a token leads: what follows the back end's base.
///
/// # Errors
/// [`ErrorKind::Invalid`] when it is not ours, was made for another search, practice or compartment, or has expired.
pub(crate) fn open(server: &Server, call: &Call, token: &str) -> Result<String, Error> {
    let target = server
        .host
        .seal
        .open(&context(server, call), token, server.host.clock.now())
        .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
    String::from_utf8(target).map_err(|_| Error::new(ErrorKind::Invalid, "the page link is not one of this server's"))
}

/// The token that a call follows.
pub(crate) fn asked(call: &Call) -> Option<&str> {
    query(call)?.first(PARAMETER)
}

/// The link to the call itself.
pub(crate) fn own(call: &Call) -> String {
    let query = query(call).filter(|query| !query.is_empty()).map(|query| format!("?{}", query.encode()));
    format!("{}{}{}", call.base, place(call), query.unwrap_or_default())
}

fn query(call: &Call) -> Option<&Query> {
    match &call.interaction {
        Interaction::SearchType { query, .. }
        | Interaction::SearchSystem { query, .. }
        | Interaction::HistoryInstance { query, .. }
        | Interaction::HistoryType { query, .. }
        | Interaction::HistorySystem { query } => Some(query),
        _ => None,
    }
}

/// What a token is good for.
fn context(server: &Server, call: &Call) -> String {
    let token = match &call.confined_to {
        Some(compartment) => format!("{}/{}", compartment.resource_type, compartment.id),
        None => String::new(),
    };
    format!("fhir-rest {} {} {} {token}", server.host.name, call.practice, place(call))
}

/// The path of a listing, below a base.
fn place(call: &Call) -> String {
    match &call.interaction {
        Interaction::SearchType { resource_type, compartment: Some(owner), .. } => {
            format!("/{}/{}/{resource_type}", owner.resource_type, owner.id)
        }
        Interaction::SearchType { resource_type, .. } => format!("/{resource_type}"),
        Interaction::HistoryInstance { resource_type, id, .. } => format!("/{resource_type}/{id}/_history"),
        Interaction::HistoryType { resource_type, .. } => format!("/{resource_type}/_history"),
        Interaction::HistorySystem { .. } => "/_history".to_owned(),
        _ => String::new(),
    }
}
