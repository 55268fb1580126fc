//! The criteria of a conditional write, decided inside the writer's transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use adapter::{Error, ErrorKind};
use fhir::{Compartment, Id, Query};
use search::{Criterion, Handling};

use super::filter::Filter;
use super::sight::Sight;
use crate::scopes::Scope;
use crate::sql::{Connection, Values};

/// Criteria of which the matches are counted: none, one, more.
pub(crate) struct Condition {
    scope: Arc<Scope>,
    criteria: Vec<Criterion>,
    compartments: Vec<Compartment>,
    sight: Arc<Sight>,
}

impl Condition {
    /// Reads the criteria; what lies outside of the compartment does not match, also where reads of its type are free.
    ///
    /// # Errors
    /// `Invalid` when they are not sound, or none: a condition without criteria would match everything.
    pub(crate) fn new(
        scope: &Arc<Scope>,
        criteria: &Query,
        confined_to: Option<&Compartment>,
        sight: Sight,
    ) -> Result<Self, Error> {
        let search = search::parse(criteria, sight.vocabulary(), Some(scope.resource_type), Handling::Strict)
            .map_err(|issues| Error::from_issues(ErrorKind::Invalid, issues))?;
        if search.criteria.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "expected at least one search parameter as a criterion"));
        }
        let compartments = confined_to.cloned().into_iter().collect();
        Ok(Self { scope: Arc::clone(scope), criteria: search.criteria, compartments, sight: Arc::new(sight) })
    }

    /// The ids of the first two matches.
    ///
    /// # Errors
    /// `Invalid` for criteria that the store does not offer.
    pub(crate) fn first_two(&self, connection: &Connection) -> Result<Vec<Id>, Error> {
        self.first(connection, 2)
    }

    /// The ids of the first so many matches.
    ///
    /// # Errors
    /// `Invalid` for criteria that the store does not offer.
    pub(crate) fn first(&self, connection: &Connection, count: usize) -> Result<Vec<Id>, Error> {
        let (criteria, compartments) = (self.criteria.clone(), self.compartments.clone());
        let filter = Filter::new(connection, &self.scope, criteria, compartments, &self.sight)?;
        let mut values = Values::new(connection);
        let range = filter.sql((self.scope.first(), self.scope.last()), &mut values);
        let sql = format!("SELECT r.current, r.id FROM resource AS r WHERE {range}");
        let mut found = Vec::new();
        connection.each(&sql, &values, |row| {
            if filter.admits(connection, row.get(0)?, &self.scope)? {
                found.extend(row.get::<String>(1)?.parse::<Id>());
            }
            Ok::<_, Error>(if found.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }
}
