//! Criteria on other resources than those that are returned: chains and `_has` (search.html#chaining, search.html#has), a sub-select
//! for each link.

use std::ops::ControlFlow;
use std::sync::Arc;

use adapter::{Error, ErrorKind};
use fhir::ResourceType;
use search::{Criterion, Parameter};

use super::clause::Clause;
use super::filter::Filter;
use super::sight::Sight;
use crate::scopes::Scope;
use crate::sql::{Connection, Values};

/// Bodies that are read to decide a criterion inside of a chain or `_has` that has no index.
const MOST_BODIES: usize = 10_000;

/// Resources of one type that meet a criterion and that the call sees.
pub(crate) struct Nested {
    scope: Arc<Scope>,
    /// `{base}/Patient/`
    prefix: String,
    selection: Selection,
}

enum Selection {
    /// Decided in SQL.
    Filter(Filter),
    /// Decided on bodies beforehand.
    Keys(Vec<i64>),
}

/// `subject:Patient.name=peter`: a clause on what has the reference.
pub(super) fn chain(
    connection: &Connection,
    scope: &Scope,
    reference: &Parameter,
    alternatives: Vec<(ResourceType, Criterion)>,
    sight: &Arc<Sight>,
) -> Result<Clause, Error> {
    let Some(parameter) = scope.parameter(reference) else { return Ok(Clause::Nothing) };
    let mut to = Vec::new();
    for (resource_type, criterion) in alternatives {
        to.extend(Nested::new(connection, resource_type, criterion, sight)?);
    }
    Ok(if to.is_empty() { Clause::Nothing } else { Clause::RefersTo { parameter, to } })
}

/// `_has:Observation:patient:code=1234`: a clause on what is referred to.
pub(super) fn has(
    connection: &Connection,
    scope: &Scope,
    resource_type: ResourceType,
    reference: &Parameter,
    criterion: Criterion,
    sight: &Arc<Sight>,
) -> Result<Clause, Error> {
    let Some(from) = Nested::new(connection, resource_type, criterion, sight)? else { return Ok(Clause::Nothing) };
    let Some(parameter) = from.scope.parameter(reference) else { return Ok(Clause::Nothing) };
    let (kind, prefix) = (scope.resource_type, sight.prefix(scope.resource_type));
    Ok(Clause::ReferredToBy { scope: scope.key, kind, prefix, parameter, from: Box::new(from) })
}

impl Nested {
    /// `None` when nothing of the type was ever stored.
    fn new(
        connection: &Connection,
        resource_type: ResourceType,
        criterion: Criterion,
        sight: &Arc<Sight>,
    ) -> Result<Option<Self>, Error> {
        let Some(scope) = sight.scope(connection, resource_type)? else { return Ok(None) };
        let compartments = sight.confinement(resource_type).cloned().into_iter().collect();
        let filter = Filter::new(connection, &scope, vec![criterion], compartments, sight)?;
        let prefix = sight.prefix(resource_type);
        let selection =
            if filter.is_complete() { Selection::Filter(filter) } else { decided(connection, &scope, &filter)? };
        Ok(Some(Self { scope, prefix, selection }))
    }

    /// How many tests it makes.
    pub(super) fn len(&self) -> usize {
        match &self.selection {
            Selection::Filter(filter) => filter.len() + 1,
            Selection::Keys(_) => 1,
        }
    }

    /// The test on `resource AS r` that it is one of these.
    fn sql(&self, values: &mut Values) -> String {
        match &self.selection {
            Selection::Filter(filter) => filter.sql((self.scope.first(), self.scope.last()), values),
            Selection::Keys(keys) if keys.is_empty() => "FALSE".to_owned(),
            Selection::Keys(keys) => {
                let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
                format!("r.key IN ({})", keys.join(","))
            }
        }
    }

    /// The keys of what refers to one of these, by a relative reference and by one below the gateway's own base.
    pub(super) fn referring(&self, parameter: i64, values: &mut Values) -> [String; 2] {
        let relative = self.joined("r.id", self.scope.resource_type.as_str(), parameter, values);
        let absolute = self.joined("? || r.id", "", parameter, values);
        [relative, absolute]
    }

    fn joined(&self, target: &str, kind: &'static str, parameter: i64, values: &mut Values) -> String {
        let dialect = values.dialect();
        values.push(parameter);
        values.push(kind);
        let same = dialect.same("l.target", target, if kind.is_empty() { Some(&self.prefix) } else { None }, values);
        let these = self.sql(values);
        format!(
            "SELECT l.resource FROM resource AS r JOIN link AS l ON l.parameter = ? AND l.type = ? AND {same} \
             WHERE {these}"
        )
    }

    /// The keys of the resources of a scope that these refer to.
    pub(super) fn referred(
        &self,
        scope: i64,
        (kind, prefix): (ResourceType, &str),
        parameter: i64,
        values: &mut Values,
    ) -> [String; 2] {
        // SQLite keeps the order of a CROSS JOIN: from these over their own references to what is referred to, whatever it guesses of
        // the numbers of rows.
        let found = |these: &str| {
            format!(
                "SELECT t.key FROM (SELECT r.key AS key FROM resource AS r WHERE {these}) AS found \
                 CROSS JOIN link AS l CROSS JOIN resource AS t WHERE l.resource = found.key AND l.parameter = ?"
            )
        };
        let these = self.sql(values);
        values.extend([parameter]);
        values.push(kind.as_str());
        values.push(scope);
        let relative =
            format!("{} AND l.type = ? AND t.scope = ? AND t.id = l.target AND t.deleted = 0", found(&these));
        let these = self.sql(values);
        values.extend([parameter]);
        let begins = values.dialect().begins("l.target", prefix, values);
        values.push(scope);
        let absolute = format!(
            "{} AND l.type = '' AND {begins} AND t.scope = ? AND t.id = substr(l.target, {}) AND t.deleted = 0",
            found(&these),
            prefix.chars().count() + 1
        );
        [relative, absolute]
    }
}

/// Decides on bodies, of which there may not be many.
fn decided(connection: &Connection, scope: &Scope, filter: &Filter) -> Result<Selection, Error> {
    let mut values = Values::new(connection);
    let range = filter.sql((scope.first(), scope.last()), &mut values);
    let sql = format!("SELECT r.key, r.current FROM resource AS r WHERE {range}");
    let (mut keys, mut bodies) = (Vec::new(), 0);
    connection.each(&sql, &values, |row| {
        bodies += 1;
        if bodies > MOST_BODIES {
            let text = format!(
                "a criterion behind a reference has no index and would have to look at more than {MOST_BODIES} \
                 {} resources; expected another criterion beside it",
                scope.resource_type
            );
            return Err(Error::new(ErrorKind::TooCostly, text));
        }
        if filter.admits(connection, row.get(1)?, scope)? {
            keys.push(row.get(0)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Selection::Keys(keys))
}
