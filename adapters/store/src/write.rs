//! Writes, as they run on the writing thread inside its transaction: what they decide nobody can change meanwhile.

use std::sync::Arc;

use adapter::reply::{Body, Reply, Status};
use adapter::{Error, ErrorKind};
use bytes::Bytes;
use fhir::json::{Document, Limits, Node, Stamp, scan, splice};
use fhir::{Id, Resource, VersionId};

use crate::index::{self, Row};
use crate::instant::{PRECISION, instant, system_time};
use crate::record::{self, Current, Method, Version};
use crate::scopes::Scope;
use crate::sql::Connection;

/// A resource ready to be written: scanned, its index rows made. All that needs no transaction is done.
pub(crate) struct Draft {
    pub(crate) scope: Arc<Scope>,
    resource: Resource,
    nodes: Arc<[Node]>,
    rows: Vec<Row>,
    /// The id that it brought along.
    pub(crate) id: Option<Id>,
}

impl Draft {
    /// Scans and indexes a resource.
    ///
    /// # Errors
    /// `Invalid` when it is no JSON object, or its id is none.
    pub(crate) fn new(scope: Arc<Scope>, resource: Resource) -> Result<Self, Error> {
        let nodes = match &resource.index {
            Some(nodes) => Arc::clone(nodes),
            None => scanned(&resource.bytes)?.into(),
        };
        let document = Document::new(&resource.bytes, &nodes);
        let rows = index::rows(document, &scope, resource.version);
        let id = own_id(document)?;
        Ok(Self { scope, nodes, rows, id, resource })
    }

    /// The id to write it under, when the URL names one.
    ///
    /// # Errors
    /// `Invalid` when it brought another (http.html#update).
    pub(crate) fn check_id(&self, id: &Id) -> Result<(), Error> {
        match &self.id {
            Some(own) if own != id => Err(Error::new(ErrorKind::Invalid, "expected `id` to be the id of the URL")),
            _ => Ok(()),
        }
    }

    fn stamped(&self, id: &str, number: i64, updated: i64) -> Result<Vec<u8>, Error> {
        let (number, updated) = (number.to_string(), instant(updated));
        let stamp = Stamp { id: Some(id), version_id: Some(&number), last_updated: Some(&updated) };
        let mut bytes = Vec::with_capacity(self.resource.bytes.len() + 128);
        splice(Document::new(&self.resource.bytes, &self.nodes), stamp, &mut bytes)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        Ok(bytes)
    }
}

/// Scans bytes that nobody has scanned yet.
pub(crate) fn scanned(bytes: &[u8]) -> Result<Vec<Node>, Error> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, Limits::default())
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("expected a resource in JSON: {error}")))?;
    Ok(nodes)
}

fn own_id(document: Document<'_>) -> Result<Option<Id>, Error> {
    let Some(id) = document.root().and_then(|root| root.member("id")) else { return Ok(None) };
    let id = id.text().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| Error::new(ErrorKind::Invalid, "expected `id` to be an id"))
}

/// Writes a new resource under an id that nobody has.
pub(crate) fn create(connection: &Connection, draft: &Draft, id: Id, now: i64) -> Result<Reply, Error> {
    put(connection, draft, id, None, Method::Create, now)
}

/// Nobody may have the id.
///
/// # Errors
/// `VersionMismatch` (RFC 9110 13.1.2, as of `If-None-Match: *`).
pub(crate) fn check_absent(connection: &Connection, draft: &Draft, id: &Id) -> Result<(), Error> {
    match record::current(connection, draft.scope.key, id.as_str())? {
        Some(current) if !current.is_deleted => {
            Err(Error::new(ErrorKind::VersionMismatch, "expected an id that is not in use"))
        }
        _ => Ok(()),
    }
}

/// Writes a new version of what is there, or the first one of what is not (http.html#upsert).
pub(crate) fn update(
    connection: &Connection,
    draft: &Draft,
    id: Id,
    if_match: Option<&VersionId>,
    now: i64,
) -> Result<Reply, Error> {
    let current = record::current(connection, draft.scope.key, id.as_str())?;
    check_match(current.as_ref(), if_match)?;
    let is_new = current.is_none_or(|current| current.is_deleted);
    put(connection, draft, id, current, if is_new { Method::Put } else { Method::Update }, now)
}

/// Deletes what is there. What is not there, or was deleted before, is as the client wants it (http.html#delete).
pub(crate) fn delete(
    connection: &Connection,
    scope: &Scope,
    version: fhir::Version,
    id: Id,
    if_match: Option<&VersionId>,
    now: i64,
) -> Result<Reply, Error> {
    let current = record::current(connection, scope.key, id.as_str())?;
    check_match(current.as_ref(), if_match)?;
    let mut reply = Reply::new(Status::NoContent);
    if let Some(current) = current.filter(|current| !current.is_deleted) {
        unindex(connection, scope, version, &current)?;
        let tombstone = following(Some(&current), Method::Delete, None, now);
        record::append(connection, scope, id.as_str(), Some(&current), &tombstone)?;
        reply.last_modified = Some(system_time(tombstone.updated));
        reply.subject = Some(record::subject(scope.resource_type, id, tombstone.number));
    }
    Ok(reply)
}

/// http.html#concurrency: the version that the client has seen must be the current one.
pub(crate) fn check_match(current: Option<&Current>, if_match: Option<&VersionId>) -> Result<(), Error> {
    let Some(expected) = if_match else { return Ok(()) };
    let found = current.filter(|current| !current.is_deleted).map(|current| current.number.to_string());
    match found {
        Some(found) if found == expected.as_str() => Ok(()),
        Some(found) => {
            Err(Error::new(ErrorKind::VersionMismatch, format!("expected the current version, W/\"{found}\"")))
        }
        None => Err(Error::new(ErrorKind::VersionMismatch, "expected a resource that exists: there is no such one")),
    }
}

fn put(
    connection: &Connection,
    draft: &Draft,
    id: Id,
    current: Option<Current>,
    method: Method,
    now: i64,
) -> Result<Reply, Error> {
    let scope = &draft.scope;
    let mut version = following(current.as_ref(), method, None, now);
    let body = draft.stamped(id.as_str(), version.number, version.updated)?;
    version.body = Some(body);
    if let Some(current) = current.filter(|current| !current.is_deleted) {
        unindex(connection, scope, draft.resource.version, &current)?;
    }
    let key = record::append(connection, scope, id.as_str(), current.as_ref(), &version)?;
    index::insert(connection, key, &draft.rows)?;
    let mut reply = Reply::new(if method == Method::Update { Status::Ok } else { Status::Created });
    reply.last_modified = Some(system_time(version.updated));
    reply.subject = Some(record::subject(scope.resource_type, id, version.number));
    reply.body = version.body.map_or(Body::Empty, |body| Body::Bytes(Bytes::from(body)));
    Ok(reply)
}

/// The next version. Its time is later than the one before it, even when the clock was set back.
fn following(current: Option<&Current>, method: Method, body: Option<Vec<u8>>, now: i64) -> Version {
    let number = current.map_or(1, |current| current.number + 1);
    let updated = current.map_or(now, |current| now.max(current.updated.saturating_add(PRECISION)));
    Version { number, updated, method, body }
}

/// Takes the index rows of the current version away.
fn unindex(connection: &Connection, scope: &Scope, version: fhir::Version, current: &Current) -> Result<(), Error> {
    let body = record::body(connection, current.version)?.unwrap_or_default();
    match scanned(&body) {
        Ok(nodes) => {
            let rows = index::rows(Document::new(&body, &nodes), scope, version);
            index::remove(connection, current.key, &rows)?;
        }
        // What was stored does not scan any more: its file was damaged. Its rows are looked for one by one.
        Err(_) => index::remove_all(connection, scope, current.key)?,
    }
    Ok(())
}
