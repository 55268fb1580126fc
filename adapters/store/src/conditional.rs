//! What a condition of a write comes to, decided on the writing thread (http.html#cond-update).

use std::time::{Duration, Instant};

use adapter::{Call, Error, ErrorKind, Reply, Status};
use fhir::Id;

use crate::query;
use crate::record;
use crate::scopes::Scope;
use crate::sql::Connection;
use crate::store::absent;
use crate::write::Draft;

/// Longest that a condition may hold the writer up.
pub(crate) const CONDITION: Duration = Duration::from_secs(2);

/// Until when a call's conditions may.
pub(crate) fn condition_deadline(call: &Call) -> Instant {
    call.deadline.min(Instant::now() + CONDITION)
}

/// The one resource that meets a condition (http.html#ccreate: more than one is 412).
pub(crate) fn one_match(connection: &Connection, condition: &query::Condition) -> Result<Option<Id>, Error> {
    let mut found = condition.first_two(connection)?;
    if found.len() > 1 {
        let text = "the criteria match more than one resource; expected at most one";
        return Err(Error::new(ErrorKind::MultipleMatches, text));
    }
    Ok(found.pop())
}

pub(crate) fn existing(connection: &Connection, scope: &Scope, id: Id) -> Result<Reply, Error> {
    record::current_version(connection, scope.key, id.as_str())?.ok_or_else(|| absent(scope.resource_type))?.into_reply(
        Status::Ok,
        scope.resource_type,
        id,
    )
}

/// No match: the id that the resource brought along, unless somebody has it (http.html#cond-update), or a new one.
pub(crate) fn unmatched(connection: &Connection, draft: &Draft, fresh: Id) -> Result<Id, Error> {
    let Some(own) = draft.id.clone() else { return Ok(fresh) };
    match record::current(connection, draft.scope.key, own.as_str())? {
        Some(current) if !current.is_deleted => {
            Err(Error::new(ErrorKind::Conflict, "the criteria match nothing, yet a resource with that `id` exists"))
        }
        _ => Ok(own),
    }
}
