//! A criterion as a part of a `WHERE`.

use std::sync::Arc;

use adapter::Error;
use fhir::ResourceType;
use search::{Condition, Criterion, Modifier, Parameter, ParameterType};

use super::alternative::{Alternative, Table, Test, alternatives, column_test, not_supported};
use super::nested::{self, Nested};
use super::range::Range;
use super::sight::Sight;
use crate::scopes::{Scope, is_column};
use crate::sql::{Connection, Value, Values};

/// Whether the store offers a parameter.
pub(crate) fn is_searchable(parameter: &Parameter) -> bool {
    parameter.kind != ParameterType::Special
}

/// A part of a `WHERE` over `resource AS r`.
pub(crate) enum Clause {
    /// A test on the row of `resource` itself; its columns have an index each, by scope.
    Column { scope: i64, test: String, values: Vec<Value<'static>> },
    /// A row of the index must exist, or none.
    Rows { parameter: i64, any_of: Vec<Alternative>, is_negated: bool },
    /// A reference of it leads to one of these.
    RefersTo { parameter: i64, to: Vec<Nested> },
    /// One of these refers to it: to a resource of that type in that scope.
    ReferredToBy { scope: i64, kind: ResourceType, prefix: String, parameter: i64, from: Box<Nested> },
    /// One of several such tests must hold.
    AnyOf(Vec<Clause>),
    /// Whatever there is meets it.
    Everything,
    /// There is nothing that could meet it.
    Nothing,
}

/// What a criterion becomes: a clause, or the criterion itself when the index cannot tell.
pub(crate) enum Decided {
    /// In SQL.
    Here(Clause),
    /// On the body.
    InMemory(Criterion),
}

/// Turns a criterion into a clause.
///
/// # Errors
/// `Invalid` for what the store does not offer at all; `TooCostly` where too much stands behind a reference.
pub(crate) fn decide(
    connection: &Connection,
    criterion: Criterion,
    scope: &Scope,
    sight: &Arc<Sight>,
) -> Result<Decided, Error> {
    let condition = match criterion {
        Criterion::Plain(condition) => condition,
        Criterion::Chain { reference, alternatives } => {
            return nested::chain(connection, scope, reference, alternatives, sight).map(Decided::Here);
        }
        Criterion::Has { resource_type, reference, criterion } => {
            return nested::has(connection, scope, resource_type, reference, *criterion, sight).map(Decided::Here);
        }
    };
    check(&condition)?;
    Ok(match clause(&condition, scope, &sight.base) {
        Some(clause) => Decided::Here(clause),
        None => Decided::InMemory(Criterion::Plain(condition)),
    })
}

fn check(condition: &Condition) -> Result<(), Error> {
    let code = condition.parameter.code;
    if !is_searchable(condition.parameter) {
        return Err(not_supported(format!("the store does not offer the search parameter `{code}`")));
    }
    let instead = match condition.modifier {
        Some(Modifier::In | Modifier::NotIn) => "the codes of the value set, separated by commas",
        // search.html#uri: the path of a URI says what lies below it.
        Some(Modifier::Above | Modifier::Below) if condition.parameter.kind == ParameterType::Uri => return Ok(()),
        Some(Modifier::Above | Modifier::Below) if condition.parameter.kind == ParameterType::Token => {
            "the codes that are meant, separated by commas: the store knows no hierarchy of codes"
        }
        Some(Modifier::Above | Modifier::Below) => {
            "the references that are meant, separated by commas: the store knows no hierarchy of resources"
        }
        _ => return Ok(()),
    };
    Err(not_supported(format!("the store does not offer that modifier of `{code}`; expected {instead}")))
}

fn clause(condition: &Condition, scope: &Scope, base: &str) -> Option<Clause> {
    if is_column(condition.parameter) {
        return columns(condition, scope);
    }
    let tables = Table::of(condition.parameter.kind);
    if tables.is_empty() {
        return None;
    }
    let parameter = scope.parameter(condition.parameter)?;
    if let Some(Modifier::Missing(is_missing)) = condition.modifier {
        let any_of = tables.iter().map(|table| present(*table)).collect();
        return Some(Clause::Rows { parameter, any_of, is_negated: is_missing });
    }
    let mut any_of = Vec::new();
    for operand in &condition.values {
        any_of.extend(alternatives(condition.parameter, condition.modifier, operand, base)?);
    }
    Some(Clause::Rows { parameter, any_of, is_negated: condition.modifier == Some(Modifier::Not) })
}

fn present(table: Table) -> Alternative {
    Alternative { table, test: Test::Any, is_point: table.is_by_resource() }
}

fn columns(condition: &Condition, scope: &Scope) -> Option<Clause> {
    match condition.modifier {
        // Every stored resource has both.
        Some(Modifier::Missing(true)) => return Some(Clause::Nothing),
        Some(Modifier::Missing(false)) => return Some(Clause::Everything),
        None => {}
        Some(_) => return None,
    }
    let mut tests = Vec::new();
    let mut values = Vec::new();
    for operand in &condition.values {
        let (test, its) = column_test(condition.parameter, operand)?;
        tests.push(test);
        values.extend(its);
    }
    Some(Clause::Column { scope: scope.key, test: format!("({})", tests.join(" OR ")), values })
}

impl Clause {
    /// The parameter and the range of its values, when it is that one test.
    pub(crate) fn range(&self) -> Option<(i64, &Range)> {
        match self {
            Self::Rows { parameter, any_of, is_negated: false } => match any_of.as_slice() {
                [Alternative { test: Test::Range(range), .. }] => Some((*parameter, range)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The range of this clause, when the other is a test on the same ends of the same parameter.
    pub(crate) fn same_range(&mut self, other: &Self) -> Option<&mut Range> {
        let (wanted, its) = other.range()?;
        match self {
            Self::Rows { parameter, any_of, is_negated: false } if *parameter == wanted => {
                match any_of.as_mut_slice() {
                    [Alternative { test: Test::Range(range), .. }] => {
                        Some(range).filter(|range| range.columns == its.columns && range.unit == its.unit)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether it can say by itself which resources are meant.
    pub(crate) fn can_drive(&self) -> bool {
        match self {
            Self::Rows { is_negated, .. } => !is_negated,
            Self::AnyOf(clauses) => clauses.iter().all(Self::can_drive),
            Self::Column { .. } | Self::RefersTo { .. } | Self::ReferredToBy { .. } => true,
            Self::Everything | Self::Nothing => false,
        }
    }

    /// The keys of the resources that have such a row, perhaps repeated.
    pub(crate) fn keys(&self, values: &mut Values) -> String {
        let mut selects = Vec::new();
        self.selects(&mut selects, values);
        if selects.is_empty() { "SELECT 0 WHERE FALSE".to_owned() } else { selects.join(" UNION ALL ") }
    }

    /// The keys, each once. Of one value SQLite reads them in order, and needs no table to tell them apart.
    pub(crate) fn distinct_keys(&self, values: &mut Values) -> String {
        let mut selects = Vec::new();
        self.selects(&mut selects, values);
        match selects.as_slice() {
            [one] => one.replacen("SELECT ", "SELECT DISTINCT ", 1),
            [] => "SELECT 0 WHERE FALSE".to_owned(),
            all => all.join(" UNION "),
        }
    }

    fn selects(&self, selects: &mut Vec<String>, values: &mut Values) {
        match self {
            Self::Rows { parameter, any_of, .. } => {
                any_of.iter().for_each(|one| selects.extend(one.selects(*parameter, values)));
            }
            Self::RefersTo { parameter, to } => {
                to.iter().for_each(|target| selects.extend(target.referring(*parameter, values)));
            }
            Self::ReferredToBy { scope, kind, prefix, parameter, from } => {
                selects.extend(from.referred(*scope, (*kind, prefix), *parameter, values));
            }
            Self::AnyOf(clauses) => clauses.iter().for_each(|clause| clause.selects(selects, values)),
            Self::Column { scope, test, values: its } => {
                values.push(*scope);
                values.extend(its.iter().cloned());
                selects
                    .push(format!("SELECT key AS resource FROM resource WHERE scope = ? AND {test} AND deleted = 0"));
            }
            Self::Everything | Self::Nothing => {}
        }
    }

    /// How many tests it makes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Rows { any_of, .. } => any_of.len(),
            Self::RefersTo { to, .. } => to.iter().map(Nested::len).sum::<usize>() * 2,
            Self::ReferredToBy { from, .. } => from.len() * 2,
            Self::AnyOf(clauses) => clauses.iter().map(Self::len).sum(),
            Self::Column { values, .. } => values.len(),
            Self::Everything | Self::Nothing => 1,
        }
    }

    /// Whether testing it on a candidate reads nothing of other resources.
    pub(crate) fn is_point(&self) -> bool {
        match self {
            Self::Rows { any_of, .. } => any_of.iter().all(|one| one.is_point),
            Self::AnyOf(clauses) => clauses.iter().all(Self::is_point),
            Self::RefersTo { .. } | Self::ReferredToBy { .. } => false,
            Self::Column { .. } | Self::Everything | Self::Nothing => true,
        }
    }

    /// It as the clause that is evaluated first: candidates come from it.
    pub(crate) fn driving(&self, values: &mut Values) -> String {
        format!("r.key IN ({})", self.keys(values))
    }

    /// It as a test on each candidate. The unary plus keeps SQLite from letting it drive.
    pub(crate) fn testing(&self, values: &mut Values) -> String {
        match self {
            Self::Column { test, values: its, .. } => {
                values.extend(its.iter().cloned());
                test.clone()
            }
            Self::Everything => "TRUE".to_owned(),
            Self::Nothing => "FALSE".to_owned(),
            Self::AnyOf(clauses) => {
                let tests: Vec<String> = clauses.iter().map(|clause| clause.testing(values)).collect();
                format!("({})", tests.join(" OR "))
            }
            Self::RefersTo { .. } | Self::ReferredToBy { .. } => format!("+r.key IN ({})", self.keys(values)),
            Self::Rows { is_negated, .. } if self.is_point() => {
                let test = self.existing(values);
                if *is_negated { format!("NOT {test}") } else { test }
            }
            Self::Rows { is_negated, .. } => {
                let not = if *is_negated { "NOT " } else { "" };
                format!("+r.key {not}IN ({})", self.keys(values))
            }
        }
    }

    fn existing(&self, values: &mut Values) -> String {
        let Self::Rows { parameter, any_of, .. } = self else { return "FALSE".to_owned() };
        let mut tests = Vec::new();
        for one in any_of {
            let (table, test) = (one.table.name(), one.sql(*parameter, values));
            tests.push(format!("EXISTS (SELECT 1 FROM {table} WHERE {test} AND resource = r.key)"));
        }
        if tests.is_empty() { "(FALSE)".to_owned() } else { format!("({})", tests.join(" OR ")) }
    }
}
