//! What a condition of a write comes to, decided on the writing thread (http.html#cond-update).

use std::time::{Duration, Instant};

use adapter::{Call, Error, ErrorKind, Reply, Status};
use fhir::{Id, Version};

use crate::query::{self, Condition};
use crate::record;
use crate::scopes::Scope;
use crate::settings::ConditionalDelete;
use crate::sql::Connection;
use crate::store::absent;
use crate::write::{self, Draft};

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

/// Resources that one delete takes, at most: it holds the writer up for all of them.
const MOST_DELETED: usize = 1_000;

/// What a delete with criteria takes (http.html#cond-delete), before the deadline of its condition.
pub(crate) struct Deletion {
    pub(crate) how: ConditionalDelete,
    pub(crate) deadline: Instant,
    pub(crate) version: Version,
    pub(crate) now: i64,
}

impl Deletion {
    /// Deletes what meets the condition. The reply speaks of a resource where it is one.
    pub(crate) fn run(&self, connection: &Connection, scope: &Scope, condition: &Condition) -> Result<Reply, Error> {
        let found = match self.how {
            ConditionalDelete::Single => {
                connection.until(self.deadline, || one_match(connection, condition))?.into_iter().collect()
            }
            ConditionalDelete::Multiple => {
                connection.until(self.deadline, || condition.first(connection, MOST_DELETED + 1))?
            }
        };
        if found.len() > MOST_DELETED {
            let text = format!("the criteria match more than {MOST_DELETED} resources; expected fewer in one delete");
            return Err(Error::new(ErrorKind::TooCostly, text));
        }
        let is_one = found.len() == 1;
        let mut reply = Reply::new(Status::NoContent);
        for id in found {
            let one = write::delete(connection, scope, self.version, id, None, self.now)?;
            if is_one {
                reply = one;
            }
        }
        Ok(reply)
    }
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
