//! What a token of one patient may see and write of a resource, and what any token may see of types that came along.
//!
//! The pipeline asks three times: [`payload`] before a write is sent, [`current`] about the stored resource that a write would
//! change, [`reply`] about what came back. What cannot be parsed is not released. A resource outside is answered like one
//! that does not exist (404 in the same words), so that nobody learns who is a patient here.

mod appointment;
mod bundle;
mod view;

use adapter::{Body, ErrorKind, Reply};
use fhir::{Id, Interaction, IssueType, Resource, ResourceType, VersionId};
use futures_util::TryStreamExt as _;
use http::StatusCode;

use super::Permitted;
use crate::failure::Failure;
pub(super) use view::may_include;
use view::{Seen, View};

/// Whether the stored resource must be found or read first and shown to [`current`]: an update, patch or delete by a confined
/// token, by id or by condition.
#[must_use]
pub fn needs_current(permitted: &Permitted) -> bool {
    let writes = matches!(
        permitted.request().interaction,
        Interaction::Update { .. }
            | Interaction::Patch { .. }
            | Interaction::Delete { .. }
            | Interaction::ConditionalUpdate { .. }
            | Interaction::ConditionalDelete { .. }
    );
    writes && permitted.reach().patient().is_some()
}

/// Checks what a confined token wants to write: it must lie in the compartment and speak of no other patient.
///
/// # Errors
/// 403 that says what was expected.
pub fn payload(permitted: &Permitted) -> Result<(), Failure> {
    let interaction = &permitted.request().interaction;
    let Some(view) = View::of(permitted).filter(View::is_confined) else { return Ok(()) };
    if matches!(interaction, Interaction::Patch { .. } | Interaction::ConditionalPatch { .. }) {
        // What would come of it is known to the back end alone.
        return Err(forbidden("a token of one patient cannot patch where the back end has no versions: send a PUT"));
    }
    let Some(resource) = interaction.resource() else { return Ok(()) };
    if matches!(interaction, Interaction::Create { .. }) && resource.resource_type == ResourceType::PATIENT {
        return Err(forbidden("a token of one patient cannot create patients"));
    }
    if let (Interaction::Update { id, .. }, ResourceType::PATIENT) = (interaction, resource.resource_type)
        && !view.is_patient(id.as_str())
    {
        return Err(absent());
    }
    if view.may_write(&resource.bytes, resource.resource_type) {
        return Ok(());
    }
    Err(forbidden("expected a resource in the compartment of the token's patient that names no other patient"))
}

/// Checks that a confined search by a chain or `_has`, and `:iterate` with scopes for some types, goes to who keeps it inside of what the
/// token sees.
///
/// # Errors
/// 403 that says what is not offered.
pub fn search(permitted: &Permitted, capability: &fhir::Capability) -> Result<(), Failure> {
    let Interaction::SearchType { query, .. } = &permitted.request().interaction else { return Ok(()) };
    let is_confined = permitted.reach().patient().is_some();
    if is_confined && !capability.confines && query.iter().any(|(name, _)| super::access::is_chain(name)) {
        return Err(forbidden("a token of one patient cannot search by chains or `_has` on this back end"));
    }
    // What is left out of the answer may have led to what is not.
    let iterates = |name: &str| name.ends_with(":iterate") || name.ends_with(":recurse");
    let reads_all = || permitted.grant().scopes.may_read_all(permitted.reach().context());
    if !capability.confines && query.iter().any(|(name, _)| iterates(name)) && !reads_all() {
        return Err(forbidden("`:iterate` needs scopes for all types on this back end"));
    }
    Ok(())
}

/// Checks that a read within a confined transaction goes to who fails the transaction when the token does not see what is read, as when
/// it is not there: once it was performed, only the entry could fail.
///
/// # Errors
/// 403 that says what is not offered.
pub fn within_transaction(permitted: &Permitted, capability: &fhir::Capability) -> Result<(), Failure> {
    let is_confined = permitted.reach().patient().is_some();
    if is_confined && permitted.request().interaction.is_safe() && !capability.confines {
        return Err(forbidden("a token of one patient cannot read within a transaction on this back end"));
    }
    Ok(())
}

/// Checks the stored resource that a confined token wants to change.
///
/// # Errors
/// 404 when it is outside; 403 when it concerns other patients too.
pub fn current(permitted: &Permitted, current: &Resource) -> Result<(), Failure> {
    let Some(view) = View::of(permitted).filter(View::is_confined) else { return Ok(()) };
    match view.see(&current.bytes) {
        Seen::Hidden => Err(absent()),
        Seen::Whole if view.may_write(&current.bytes, current.resource_type) => Ok(()),
        _ => Err(forbidden("the resource concerns other patients too: a token of one patient cannot change it")),
    }
}

/// The ids of the matches in a searchset that the token sees something of: all, where it is confined to nobody.
///
/// # Errors
/// 502 when it is no Bundle.
pub fn matches(permitted: &Permitted, bundle: &[u8]) -> Result<Vec<Id>, Failure> {
    let view = View::of(permitted).filter(View::is_confined);
    bundle::matches(view.as_ref(), bundle).ok_or_else(unreadable)
}

/// Ties a write to the version that [`current`] was shown, so that nothing else is changed; a version that the client named
/// stays.
#[must_use]
pub fn pinned(mut interaction: Interaction, version: Option<&VersionId>) -> Interaction {
    if let Interaction::Update { if_match, .. }
    | Interaction::Patch { if_match, .. }
    | Interaction::Delete { if_match, .. } = &mut interaction
        && if_match.is_none()
    {
        *if_match = version.cloned();
    }
    interaction
}

/// Checks what came back and takes out what the token does not reach. `most` bounds a streamed body that has to be held.
///
/// # Errors
/// 404 when the answer is a resource outside, 502 when it cannot be checked.
pub async fn reply(permitted: &Permitted, reply: Reply, most: usize) -> Result<Reply, Failure> {
    let Some(view) = View::of(permitted) else { return Ok(reply) };
    let Reply { status, subject, last_modified, body, issues } = reply;
    let is_write = !permitted.request().interaction.is_safe();
    let body = match collect(body, most).await? {
        None if is_write => Body::Empty,
        None => return Err(absent()),
        Some(bytes) => match shown(&view, permitted, &bytes) {
            Ok(Seen::Whole) => Body::Bytes(bytes),
            Ok(Seen::Redacted(bytes)) => Body::Bytes(bytes.into()),
            // The write was permitted and has happened; what came of it is outside and is not shown.
            Ok(Seen::Hidden) | Err(_) if is_write => Body::Empty,
            Ok(Seen::Hidden) => return Err(absent()),
            Err(failure) => return Err(failure),
        },
    };
    Ok(Reply { status, subject, last_modified, body, issues })
}

/// Checks that a resource is seen, whole or in part.
///
/// # Errors
/// 404 when it is outside.
pub fn visible(permitted: &Permitted, bytes: &[u8]) -> Result<(), Failure> {
    let is_hidden = View::of(permitted).is_some_and(|view| view.see(bytes) == Seen::Hidden);
    if is_hidden { Err(absent()) } else { Ok(()) }
}

/// Whether a confined token is shown an empty history of a resource: of one that is outside it must not be told from one that never
/// was, see [`absent`].
#[must_use]
pub fn is_blank_history(permitted: &Permitted, reply: &Reply) -> bool {
    let is_history = matches!(permitted.request().interaction, Interaction::HistoryInstance { .. });
    let Body::Bytes(bytes) = &reply.body else { return false };
    is_history && permitted.reach().patient().is_some() && bundle::is_empty(bytes)
}

/// The failure that an adapter's error becomes: a confined token is told "no such resource" in the words of [`reply`].
#[must_use]
pub fn error(permitted: &Permitted, error: adapter::Error) -> Failure {
    let is_absence = matches!(error.kind, ErrorKind::NotFound | ErrorKind::Gone);
    if is_absence && permitted.reach().patient().is_some() { absent() } else { error.into() }
}

fn shown(view: &View<'_>, permitted: &Permitted, bytes: &[u8]) -> Result<Seen, Failure> {
    match permitted.request().interaction {
        Interaction::SearchType { .. }
        | Interaction::SearchSystem { .. }
        | Interaction::HistoryInstance { .. }
        | Interaction::HistoryType { .. }
        | Interaction::HistorySystem { .. } => bundle::filtered(view, bytes).ok_or_else(unreadable),
        _ => Ok(view.see(bytes)),
    }
}

async fn collect(body: Body, most: usize) -> Result<Option<bytes::Bytes>, Failure> {
    match body {
        Body::Empty => Ok(None),
        Body::Bytes(bytes) => Ok(Some(bytes)),
        Body::Stream(length, _) if length.is_some_and(|length| length > most as u64) => Err(unreadable()),
        Body::Stream(_, mut stream) => {
            let mut all = Vec::new();
            while let Some(piece) = stream.try_next().await? {
                if all.len() + piece.len() > most {
                    return Err(unreadable());
                }
                all.extend_from_slice(&piece);
            }
            Ok(Some(all.into()))
        }
    }
}

/// The one answer for what does not exist and what is outside.
#[must_use]
pub fn absent() -> Failure {
    let text = "there is no such resource, or the token does not reach it";
    Failure::new(StatusCode::NOT_FOUND, IssueType::NotFound, text)
}

pub(crate) fn forbidden(text: &str) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text)
}

fn unreadable() -> Failure {
    let text = "the answer of the back end cannot be checked against the token, so it is withheld";
    Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, text)
}
