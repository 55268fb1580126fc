//! Names to integer keys: a scope is one practice's resources of one type; its search parameters have keys as well.

use std::collections::HashMap;
use std::sync::Arc;

use adapter::{Error, Practice, PracticeAdditions};
use fhir::{ResourceType, Version};
use parking_lot::RwLock;
use search::{Parameter, Vocabulary, parameters};

use crate::sql::{self, Connection, values};

/// Bits of a resource key below the scope.
const SEQUENCE_BITS: u32 = 40;

/// One practice's resources of one type.
pub(crate) struct Scope {
    /// Its key.
    pub(crate) key: i64,
    /// The practice.
    pub(crate) practice: Practice,
    /// The type.
    pub(crate) resource_type: ResourceType,
    /// What it is searched by.
    pub(crate) vocabulary: Vocabulary,
    /// Keys of the parameters, sorted by code.
    parameters: Vec<(&'static str, i64)>,
}

impl Scope {
    /// The key of a parameter; `None` for what is not indexed.
    pub(crate) fn parameter(&self, parameter: &Parameter) -> Option<i64> {
        let index = self.parameters.binary_search_by(|(code, _)| (*code).cmp(parameter.code)).ok()?;
        self.parameters.get(index).map(|(_, key)| *key)
    }

    /// The lowest key that a resource of this scope can have.
    pub(crate) const fn first(&self) -> i64 {
        self.key << SEQUENCE_BITS
    }

    /// The highest.
    pub(crate) const fn last(&self) -> i64 {
        self.first() | ((1 << SEQUENCE_BITS) - 1)
    }
}

/// The scopes that are known. They are few, never change and never go.
#[derive(Default)]
pub(crate) struct Scopes {
    known: RwLock<HashMap<(Practice, ResourceType), Arc<Scope>>>,
    additions: PracticeAdditions,
}

impl Scopes {
    /// No scope yet; each will be searched by what its practice's packages add, too.
    pub(crate) fn new(additions: PracticeAdditions) -> Self {
        Self { known: RwLock::default(), additions }
    }

    /// What a practice's resources are searched by.
    pub(crate) fn vocabulary(&self, practice: &Practice, version: Version) -> Vocabulary {
        self.additions.of(practice).on(version)
    }

    /// What packages of any practice add, as text.
    pub(crate) fn additions_as_text(&self, version: Version) -> impl Iterator<Item = String> {
        let of = move |(practice, additions): (&Practice, search::Additions)| {
            format!("{practice}\n{}", additions.on(version).additions_as_text())
        };
        self.additions.iter().map(of)
    }

    /// The scope, when something was ever written to it.
    pub(crate) fn find(&self, practice: &Practice, resource_type: ResourceType) -> Option<Arc<Scope>> {
        self.known.read().get(&(practice.clone(), resource_type)).cloned()
    }

    /// Makes a scope known that is committed.
    pub(crate) fn publish(&self, scope: Scope) -> Arc<Scope> {
        let scope = Arc::new(scope);
        self.known.write().insert((scope.practice.clone(), scope.resource_type), Arc::clone(&scope));
        scope
    }

    /// All that are known.
    pub(crate) fn all(&self) -> Vec<Arc<Scope>> {
        self.known.read().values().cloned().collect()
    }

    /// Reads all scopes at the start, and gives keys to the parameters that this release added.
    pub(crate) fn load(&self, connection: &Connection, version: Version) -> Result<(), Error> {
        let names = connection
            .all("SELECT practice, type FROM scope", &[], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
        for (practice, name) in names {
            // A type that this release does not know any more stays in the file and is not served.
            if let Ok(resource_type) = name.parse() {
                let practice = Practice::new(&practice);
                let vocabulary = self.vocabulary(&practice, version);
                self.publish(intern(connection, &practice, resource_type, vocabulary)?);
            }
        }
        Ok(())
    }
}

/// The scope that another gateway has made meanwhile, if any has.
pub(crate) fn look_up(
    connection: &Connection,
    practice: &Practice,
    resource_type: ResourceType,
    vocabulary: Vocabulary,
) -> Result<Option<Scope>, Error> {
    let values = values![practice.as_str(), resource_type.as_str()];
    let found = connection.one(SCOPE, &values, |row| row.get(0))?;
    let Some(key) = found else { return Ok(None) };
    let known = connection.all("SELECT code, key FROM parameter WHERE scope = ?1", &values![key], |row| {
        Ok((row.get::<String>(0)?, row.get::<i64>(1)?))
    })?;
    let known: HashMap<String, i64> = known.into_iter().collect();
    let parameters = keys(vocabulary, resource_type, |code| Ok(known.get(code).copied()))?;
    Ok(Some(Scope { key, practice: practice.clone(), resource_type, vocabulary, parameters }))
}

const SCOPE: &str = "SELECT key FROM scope WHERE practice = ?1 AND type = ?2";

/// Gives a scope and its parameters their keys, or finds those that they have.
pub(crate) fn intern(
    connection: &Connection,
    practice: &Practice,
    resource_type: ResourceType,
    vocabulary: Vocabulary,
) -> Result<Scope, Error> {
    let name = resource_type.as_str();
    let values = values![practice.as_str(), name];
    connection.execute("INSERT INTO scope (practice, type) VALUES (?1, ?2) ON CONFLICT DO NOTHING", &values)?;
    let key = connection.number(SCOPE, &values)?;
    let parameters = keys(vocabulary, resource_type, |code| intern_parameter(connection, key, code).map(Some))?;
    Ok(Scope { key, practice: practice.clone(), resource_type, vocabulary, parameters })
}

/// The keys of a type's parameters, sorted by code: one for all that have the same values, which `key` finds; `None` where it has
/// none.
fn keys(
    vocabulary: Vocabulary,
    resource_type: ResourceType,
    mut key: impl FnMut(&str) -> sql::Result<Option<i64>>,
) -> sql::Result<Vec<(&'static str, i64)>> {
    let mut keys: Vec<(&'static str, i64)> = Vec::new();
    let mut known: Vec<(&'static Parameter, String, i64)> = Vec::new();
    for parameter in parameters(vocabulary, resource_type).iter().filter(|parameter| !is_column(parameter)) {
        let expression = own_expression(parameter);
        let same = known.iter().find(|(other, its, _)| other.kind == parameter.kind && *its == expression);
        let found = match same {
            Some((_, _, key)) => Some(*key),
            None => key(parameter.code)?,
        };
        if let Some(key) = found {
            known.push((parameter, expression, key));
            keys.push((parameter.code, key));
        }
    }
    keys.sort_unstable();
    Ok(keys)
}

/// Whether a parameter is a column of `resource`, and has no rows in the index.
pub(crate) fn is_column(parameter: &Parameter) -> bool {
    matches!(parameter.code, "_id" | "_lastUpdated")
}

/// The part of a parameter's expression that speaks of its own type. Parameters with the same one, such as `name` and
/// `phonetic`, have the same values, and so the same rows.
fn own_expression(parameter: &Parameter) -> String {
    let own = format!("{}.", parameter.base);
    let parts = parameter.expression.split(" | ").filter(|part| part.trim_start_matches('(').starts_with(&own));
    let parts: Vec<&str> = parts.collect();
    if parts.is_empty() { parameter.expression.to_owned() } else { parts.join(" | ") }
}

fn intern_parameter(connection: &Connection, scope: i64, code: &str) -> sql::Result<i64> {
    let values = values![scope, code];
    let known =
        connection.one("SELECT key FROM parameter WHERE scope = ?1 AND code = ?2", &values, |row| row.get(0))?;
    match known {
        Some(key) => Ok(key),
        None => connection.insert("INSERT INTO parameter (scope, code) VALUES (?1, ?2)", &values),
    }
}
