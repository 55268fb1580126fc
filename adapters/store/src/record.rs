//! Rows of the tables `resource` and `version`.

use std::ops::ControlFlow;

use adapter::{Error, ErrorKind, Reply, Status};
use fhir::{Id, ResourceType, VersionId};

use crate::instant::system_time;
use crate::scopes::Scope;
use crate::sql::{self, Connection, Row, Value, values};

/// Bytes of bodies after which a list of versions ends.
const LARGEST: usize = 8 << 20;

/// What a version came from; `version.method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// POST; in databases of earlier releases PUT of what was not there as well.
    Create = 1,
    /// PUT
    Update = 2,
    /// DELETE
    Delete = 3,
    /// PUT of what was not there.
    Put = 4,
}

impl Method {
    /// The method of a row; what is unknown came from a later release's update.
    pub(crate) const fn from_code(code: i64) -> Self {
        match code {
            1 => Self::Create,
            3 => Self::Delete,
            4 => Self::Put,
            _ => Self::Update,
        }
    }
}

/// Where a resource stands now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Current {
    /// Key of the resource.
    pub(crate) key: i64,
    /// Key of its current version.
    pub(crate) version: i64,
    /// Number of its current version: the version id.
    pub(crate) number: i64,
    /// When that was made.
    pub(crate) updated: i64,
    /// Whether that is a deletion.
    pub(crate) is_deleted: bool,
}

/// One stored version, as it is answered.
#[derive(Clone)]
pub(crate) struct Version {
    /// Its number.
    pub(crate) number: i64,
    /// When it was made.
    pub(crate) updated: i64,
    /// What made it.
    pub(crate) method: Method,
    /// The JSON; `None` of a deletion.
    pub(crate) body: Option<Vec<u8>>,
}

impl Version {
    /// Of `number, updated, method, body`, in that order.
    pub(crate) fn from_row(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            updated: row.get(1)?,
            method: Method::from_code(row.get(2)?),
            body: row.get(3)?,
        })
    }

    /// The reply that carries this version.
    ///
    /// # Errors
    /// `Gone` when it is a deletion.
    pub(crate) fn into_reply(self, status: Status, resource_type: ResourceType, id: Id) -> Result<Reply, Error> {
        let Some(body) = self.body else {
            return Err(Error::new(ErrorKind::Gone, format!("this {resource_type} was deleted")));
        };
        let mut reply = Reply::new(status).with_body(body);
        reply.subject = Some(subject(resource_type, id, self.number));
        reply.last_modified = Some(system_time(self.updated));
        Ok(reply)
    }
}

/// The subject of a reply.
pub(crate) fn subject(resource_type: ResourceType, id: Id, number: i64) -> adapter::reply::Subject {
    adapter::reply::Subject { resource_type, id, version_id: number.to_string().parse::<VersionId>().ok() }
}

/// The current state of a resource, deleted ones included.
pub(crate) fn current(connection: &Connection, scope: i64, id: &str) -> Result<Option<Current>, Error> {
    let sql = "SELECT key, current, number, updated, deleted FROM resource WHERE scope = ?1 AND id = ?2";
    Ok(connection.one(sql, &values![scope, id], |row| {
        Ok(Current {
            key: row.get(0)?,
            version: row.get(1)?,
            number: row.get(2)?,
            updated: row.get(3)?,
            is_deleted: row.get(4)?,
        })
    })?)
}

/// The current version of a resource.
pub(crate) fn current_version(connection: &Connection, scope: i64, id: &str) -> Result<Option<Version>, Error> {
    let sql = "SELECT v.number, v.updated, v.method, v.body \
               FROM resource AS r JOIN version AS v ON v.key = r.current WHERE r.scope = ?1 AND r.id = ?2";
    Ok(connection.one(sql, &values![scope, id], Version::from_row)?)
}

/// One version of a resource.
pub(crate) fn version(connection: &Connection, scope: i64, id: &str, number: i64) -> Result<Option<Version>, Error> {
    let sql = "SELECT v.number, v.updated, v.method, v.body \
               FROM resource AS r JOIN version AS v ON v.resource = r.key AND v.number = ?3 \
               WHERE r.scope = ?1 AND r.id = ?2";
    Ok(connection.one(sql, &values![scope, id, number], Version::from_row)?)
}

/// The key of one version of a resource.
pub(crate) fn version_key(connection: &Connection, resource: i64, number: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT key FROM version WHERE resource = ?1 AND number = ?2";
    Ok(connection.one(sql, &values![resource, number], |row| row.get(0))?)
}

/// Versions by a query for `number, updated, method, body`: fewer when they are large.
pub(crate) fn versions(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<Vec<Version>, Error> {
    let mut versions = Vec::new();
    let mut bytes = 0;
    connection.each(sql, values, |row| {
        let version = Version::from_row(row)?;
        bytes += version.body.as_ref().map_or(0, Vec::len);
        versions.push(version);
        Ok::<_, Error>(if bytes <= LARGEST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(versions)
}

const BODY: &str = "SELECT body FROM version WHERE key = ?1";

/// The body of a version by its key; `None` of a deletion.
pub(crate) fn body(connection: &Connection, version: i64) -> Result<Option<Vec<u8>>, Error> {
    let found = connection.one(BODY, &values![version], |row| row.get(0))?;
    Ok(found.ok_or(sql::Error::NoRow)?)
}

/// Bodies of versions by their keys, one after the other; a server is asked for several at a time.
pub(crate) struct Bodies<'c> {
    connection: &'c Connection,
    versions: std::vec::IntoIter<i64>,
    read: std::vec::IntoIter<Option<Option<Vec<u8>>>>,
}

impl<'c> Bodies<'c> {
    /// None is read yet.
    pub(crate) fn new(connection: &'c Connection, versions: Vec<i64>) -> Self {
        Self { connection, versions: versions.into_iter(), read: Vec::new().into_iter() }
    }

    /// The next one; `None` of a deletion.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.read.len() == 0 {
            let next = self.versions.by_ref().take(self.connection.dialect().read_ahead());
            let rows: Vec<_> = next.map(|version| values![version]).collect();
            self.read = self.connection.one_each(BODY, &rows, |row| row.get(0))?.into_iter();
        }
        Ok(self.read.next().flatten().ok_or(sql::Error::NoRow)?)
    }
}

/// A new version of a resource that is there, or the first one of a new resource: returns the resource's key.
pub(crate) fn append(
    connection: &Connection,
    scope: &Scope,
    id: &str,
    current: Option<&Current>,
    version: &Version,
) -> sql::Result<i64> {
    let key = match current {
        Some(current) => current.key,
        None => connection.next(NEWEST_KEY, &values![scope.first(), scope.last()])?,
    };
    let version_key = connection.insert(
        "INSERT INTO version (resource, number, updated, method, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        &values![key, version.number, version.updated, version.method as i64, version.body.as_deref()],
    )?;
    let is_deleted = version.body.is_none();
    if current.is_some() {
        let sql = "UPDATE resource SET current = ?2, number = ?3, updated = ?4, deleted = ?5 WHERE key = ?1";
        let row = values![key, version_key, version.number, version.updated, is_deleted];
        connection.execute_each(sql, std::iter::once(row))?;
    } else {
        let sql = "INSERT INTO resource (key, scope, id, current, number, updated, deleted) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let row = values![key, scope.key, id, version_key, version.number, version.updated, is_deleted];
        connection.execute_each(sql, std::iter::once(row))?;
    }
    Ok(key)
}

const NEWEST_KEY: &str = "SELECT coalesce(max(key), ?1) FROM resource WHERE key BETWEEN ?1 AND ?2";

/// The newest key of a scope.
pub(crate) fn newest_key(connection: &Connection, scope: &Scope) -> sql::Result<i64> {
    connection.number(NEWEST_KEY, &values![scope.first(), scope.last()])
}
