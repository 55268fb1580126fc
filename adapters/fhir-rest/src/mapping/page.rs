//! Links to pages. The back end's link is sealed into a token: the client can follow it, and cannot make us fetch
//! anything else.

pub(crate) use adapter::page::PARAMETER;
use adapter::{Call, Error, ErrorKind, page};
use fhir::Query;

use crate::Server;

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
    Some(page::link_to(call, &token))
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
    page::query(&call.interaction)?.first(PARAMETER)
}

/// The link to the call itself.
pub(crate) fn own(call: &Call) -> String {
    page::link(call, &page::query(&call.interaction).map(Query::encode).unwrap_or_default())
}

/// What a token is good for.
fn context(server: &Server, call: &Call) -> String {
    page::context(&format!("fhir-rest {}", server.host.name), call)
}
