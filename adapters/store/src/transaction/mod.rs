//! Transactions (http.html#trules): all entries of a Bundle in one work of the writer, or none.
//!
//! What needs no database is done before ([`prepare`]); what it decides runs on the writing thread ([`perform`]): deletions, then who
//! the conditional writes are, then creates and updates with their references resolved ([`references`]), then reads.

mod perform;
mod prepare;
mod references;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use adapter::reply::Body;
use adapter::{Call, Error, Reply, Status};
use fhir::bundle::Answer;
use fhir::{Id, Resource, ResourceType, Version, VersionId};

use crate::instant::{instant, micros};
use crate::query::{Condition, Pages};
use crate::scopes::Scope;
use crate::settings::ConditionalDelete;
use crate::sql::Connection;
use crate::write::Draft;

/// A transaction, ready for the writer.
pub(crate) struct Transaction {
    /// In the order of the Bundle.
    entries: Vec<Entry>,
    /// What references may be resolved to, by full URL. `None` until a condition is decided.
    names: HashMap<String, Option<Target>>,
    /// Conditional references, as they are written.
    conditions: HashMap<String, Option<Condition>>,
    base: Arc<str>,
    /// What a delete with criteria may take.
    deletes: ConditionalDelete,
    version: Version,
    now: i64,
    /// Until when conditions and reads may hold the writer up.
    deadline: Instant,
}

/// One entry.
struct Entry {
    /// Where it stands in the Bundle.
    index: usize,
    full_url: Option<String>,
    action: Action,
}

/// What an entry does.
enum Action {
    Write(Write),
    Delete { scope: Option<Arc<Scope>>, id: Id, if_match: Option<VersionId> },
    ConditionalDelete { scope: Arc<Scope>, condition: Condition },
    Look(Look),
}

/// A create or an update.
struct Write {
    scope: Arc<Scope>,
    /// Whether it is a POST: those go first.
    is_post: bool,
    place: Place,
    content: Content,
    if_match: Option<VersionId>,
    must_create: bool,
}

/// Where a write goes.
enum Place {
    /// A new id.
    New(Id),
    /// The id of the URL.
    At(Id),
    /// What a condition finds, or this id when it finds nothing: a new one, or the one that the resource brought along. The text
    /// is the condition's own.
    Where { text: String, condition: Box<Condition>, otherwise: Id, is_own: bool },
    /// The condition of a create found this: nothing is written.
    Found(Id),
}

/// What is written.
enum Content {
    /// References to what is not known yet.
    Open(Resource),
    /// Ready.
    Ready(Box<Draft>),
}

/// What a full URL is here.
#[derive(Clone)]
struct Target {
    resource_type: ResourceType,
    id: Id,
}

/// A read or a search on the writer's connection: it sees what the transaction did.
pub(crate) type Look = Box<dyn FnOnce(&Connection) -> Result<Told, Error> + Send>;

/// What was found, as a reply.
pub(crate) type Told = Box<dyn FnOnce(&Pages, &Call, SystemTime) -> Result<Reply, Error> + Send>;

/// What came of an entry.
pub(crate) enum Done {
    /// A write.
    Written(Reply),
    /// A read.
    Seen(Told),
}

/// The answer that a reply is.
pub(crate) fn answer(reply: Reply, base: &str, is_write: bool) -> Answer {
    let subject = reply.subject;
    let location = subject.as_ref().filter(|_| is_write).map(|subject| {
        let version = subject.version_id.as_ref().map(|version| format!("/_history/{version}"));
        format!("{}/{}{}", subject.resource_type, subject.id, version.unwrap_or_default())
    });
    Answer {
        status: match reply.status {
            Status::Ok => 200,
            Status::Created => 201,
            Status::Accepted => 202,
            Status::NoContent => 204,
        },
        full_url: subject.as_ref().map(|subject| format!("{base}/{}/{}", subject.resource_type, subject.id)),
        location,
        version_id: subject.and_then(|subject| subject.version_id),
        last_modified: reply.last_modified.map(|at| instant(micros(at))),
        resource: match reply.body {
            Body::Bytes(bytes) => Some(bytes),
            _ => None,
        },
        outcome: None,
    }
}

/// The failure by the place of its entry.
pub(crate) fn located(mut error: Error, index: usize) -> Error {
    for issue in &mut error.issues {
        if issue.expression.as_deref().is_none_or(|path| !path.starts_with("Bundle.")) {
            issue.expression = Some(format!("Bundle.entry[{index}]"));
        }
    }
    error
}
