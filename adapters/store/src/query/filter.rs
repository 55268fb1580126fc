//! Which resources a search means: clauses for SQL, and what is decided on the body of each candidate.

use std::sync::Arc;

use adapter::{Error, ErrorKind};
use fhir::Compartment;
use fhir::json::Document;
use search::Criterion;

use super::alternative::{local, url, versions};
use super::clause::{Clause, Decided, decide};
use super::range::Range;
use super::sight::Sight;
use crate::record;
use crate::scopes::Scope;
use crate::sql::{self, Connection, Values};
use crate::write::scanned;

/// Rows that are looked at to guess how selective a clause is.
const PROBE: i64 = 2_000;

/// Where there are more of every clause, one that has less than this part of all resources is worth being read as a whole, up to
/// [`MOST_DRIVING`] rows of it: a day of a large practice.
const PART: i64 = 20;
const MOST_DRIVING: i64 = 50_000;

/// Most tests of a search: values of its criteria, and the forms of each. SQLite takes 500 in one `UNION`.
const MOST: usize = 400;

/// Which resources of a scope are meant.
pub(crate) struct Filter {
    clauses: Vec<Clause>,
    /// Which of the clauses is evaluated first.
    driving: Option<usize>,
    in_memory: Vec<Criterion>,
    compartments: Vec<Compartment>,
    sight: Arc<Sight>,
}

impl Filter {
    /// Compiles criteria, and confines them to compartments.
    ///
    /// # Errors
    /// `Invalid` for what the store does not offer, `TooCostly` for too many values or too much behind a reference.
    pub(crate) fn new(
        connection: &Connection,
        scope: &Scope,
        criteria: Vec<Criterion>,
        compartments: Vec<Compartment>,
        sight: &Arc<Sight>,
    ) -> Result<Self, Error> {
        let sight = Arc::clone(sight);
        let mut filter = Self { clauses: Vec::new(), driving: None, in_memory: Vec::new(), compartments, sight };
        for criterion in criteria {
            let is_single = matches!(&criterion, Criterion::Plain(condition) if condition.parameter.is_single);
            match decide(connection, criterion, scope, &filter.sight)? {
                Decided::Here(clause) => filter.add(clause, is_single),
                Decided::InMemory(criterion) => filter.in_memory.push(criterion),
            }
        }
        for compartment in &filter.compartments {
            filter.clauses.push(confined(scope, compartment, &filter.sight));
        }
        if filter.len() > MOST {
            let text = "the search has too many values; expected a few hundred at most";
            return Err(Error::new(ErrorKind::TooCostly, text));
        }
        filter.driving = filter.best(connection, scope)?;
        Ok(filter)
    }

    /// Two ranges of the one value that a parameter has are one range: `date=ge2024-05-01&date=lt2024-05-02` reads a day.
    fn add(&mut self, clause: Clause, is_single: bool) {
        let other = self.clauses.iter_mut().filter(|_| is_single).find_map(|known| known.same_range(&clause));
        match (other, clause.range()) {
            (Some(known), Some((_, range))) => *known = known.clone().and(range.clone()),
            _ => self.clauses.push(clause),
        }
    }

    /// Whether candidates come from a clause of their own.
    pub(crate) const fn is_driven(&self) -> bool {
        self.driving.is_some()
    }

    /// The range that values of a parameter must lie in, where there is one.
    pub(crate) fn range(&self, parameter: i64) -> Option<&Range> {
        self.clauses.iter().filter_map(Clause::range).find(|(of, _)| *of == parameter).map(|(_, range)| range)
    }

    /// How many tests it makes.
    pub(crate) fn len(&self) -> usize {
        self.clauses.iter().map(Clause::len).sum()
    }

    /// The number of matches where one clause alone decides, read from its index without looking at the resources. Right only
    /// for what is in the scope now.
    pub(crate) fn count_by_index(&self, connection: &Connection) -> Result<Option<u64>, Error> {
        let [clause] = self.clauses.as_slice() else { return Ok(None) };
        if !self.is_complete() || !clause.can_drive() {
            return Ok(None);
        }
        let mut values = Values::new(connection);
        let sql = format!("SELECT count(*) FROM ({}) AS found", clause.distinct_keys(&mut values));
        Ok(Some(connection.number(&sql, &values)?.unsigned_abs()))
    }

    /// Whether SQL alone decides.
    pub(crate) fn is_complete(&self) -> bool {
        self.in_memory.is_empty() && self.compartments.is_empty()
    }

    /// The `WHERE` over `resource AS r`, from the most selective clause on.
    pub(crate) fn sql(&self, keys: (i64, i64), values: &mut Values) -> String {
        let mut parts = Vec::new();
        if let Some(clause) = self.driving.and_then(|index| self.clauses.get(index)) {
            parts.push(clause.driving(values));
        }
        // With a driving clause the range is only a test.
        parts.push(format!("{}r.key BETWEEN ? AND ?", if self.driving.is_some() { "+" } else { "" }));
        values.extend([keys.0, keys.1]);
        parts.push("r.deleted = 0".to_owned());
        for (index, clause) in self.clauses.iter().enumerate() {
            if Some(index) != self.driving {
                parts.push(clause.testing(values));
            }
        }
        parts.join(" AND ")
    }

    /// The clause with the fewest rows. None when even that has many of all there are and is cheap to test: reading in order then comes
    /// to the end of a page sooner.
    fn best(&self, connection: &Connection, scope: &Scope) -> Result<Option<usize>, Error> {
        let (index, clause, rows) = match self.fewest(connection, PROBE)? {
            Some(best) => best,
            None => return Ok(None),
        };
        if rows < PROBE || !clause.is_point() {
            return Ok(Some(index));
        }
        let few = ((record::newest_key(connection, scope)? - scope.first()) / PART).min(MOST_DRIVING);
        if few <= PROBE {
            return Ok(None);
        }
        Ok(self.fewest(connection, few)?.filter(|(_, _, rows)| *rows < few).map(|(index, ..)| index))
    }

    /// The clause with the fewest rows of those that can drive, counted up to a limit.
    fn fewest(&self, connection: &Connection, limit: i64) -> Result<Option<(usize, &Clause, i64)>, Error> {
        let mut best: Option<(usize, &Clause, i64)> = None;
        for (index, clause) in self.clauses.iter().enumerate().filter(|(_, clause)| clause.can_drive()) {
            let rows = probe(connection, clause, limit)?;
            if best.is_none_or(|(_, _, fewest)| rows < fewest) {
                best = Some((index, clause, rows));
            }
        }
        Ok(best)
    }

    /// Whether the body of a candidate meets what SQL cannot decide. What does not scan is damaged, and meets nothing.
    pub(crate) fn admits(&self, connection: &Connection, version: i64, scope: &Scope) -> Result<bool, Error> {
        if self.is_complete() {
            return Ok(true);
        }
        let body = record::body(connection, version)?.unwrap_or_default();
        let Ok(nodes) = scanned(&body) else { return Ok(false) };
        let document = Document::new(&body, &nodes);
        let is_inside = |compartment| {
            let Sight { version, base, .. } = &*self.sight;
            search::compartment::contains(document, scope.resource_type, *version, compartment, Some(base))
        };
        let is_hidden = self.sight.hides(scope.resource_type, document);
        Ok(!is_hidden && self.compartments.iter().all(is_inside) && search::matches(document, &self.in_memory))
    }
}

fn probe(connection: &Connection, clause: &Clause, limit: i64) -> sql::Result<i64> {
    let mut values = Values::new(connection);
    let sql = format!("SELECT count(*) FROM ({} LIMIT ?) AS probed", clause.keys(&mut values));
    values.push(limit);
    connection.number(&sql, &values)
}

/// compartmentdefinition.html: one of the compartment's parameters refers to its owner. A type that is not in the compartment
/// gives nothing, never everything.
fn confined(scope: &Scope, compartment: &Compartment, sight: &Sight) -> Clause {
    let Sight { version, base, .. } = sight;
    let (kind, id) = (compartment.resource_type, compartment.id.as_str());
    if kind == scope.resource_type {
        return Clause::Column { scope: scope.key, test: "id = ?".to_owned(), values: vec![id.to_owned().into()] };
    }
    let codes = search::compartment::parameters(kind, scope.resource_type, *version).unwrap_or_default();
    let parameters = codes.iter().filter_map(|code| search::parameter(sight.vocabulary(), scope.resource_type, code));
    let keys: Vec<i64> = parameters.filter_map(|parameter| scope.parameter(parameter)).collect();
    let absolute = format!("{base}/{kind}/{id}");
    let any_of = || vec![local(kind.as_str(), id), url(absolute.clone()), versions(&absolute)];
    match keys.as_slice() {
        [] => Clause::Nothing,
        keys => Clause::AnyOf(
            keys.iter().map(|key| Clause::Rows { parameter: *key, any_of: any_of(), is_negated: false }).collect(),
        ),
    }
}
