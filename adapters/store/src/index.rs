//! Index rows: what the searchable values of a resource become in the database.

use std::borrow::Cow;

use fhir::Version;
use fhir::json::Document;
use search::{IndexValue, ReferenceValue};

use crate::scopes::Scope;
use crate::sql::{Connection, Result, Value, values};

/// Changes whenever the same resource would give other rows: the rows of an older file are then made anew at the start.
pub(crate) const REVISION: u32 = 2;

/// One row of an index table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    /// `token`
    Token { parameter: i64, code: String, system: String },
    /// `text`
    Text { parameter: i64, value: String, exact: String },
    /// `date`
    Date { parameter: i64, low: i64, high: i64 },
    /// `link`
    Link { parameter: i64, target: String, resource_type: &'static str },
}

/// The rows of a document, sorted, each once. They follow from the document alone, so that the rows of an old version can be
/// found again when a new one takes its place.
pub(crate) fn rows(document: Document<'_>, scope: &Scope, version: Version) -> Vec<Row> {
    let mut rows = Vec::with_capacity(32);
    search::extract(document, scope.resource_type, version, &mut |parameter, value| {
        if let Some(key) = scope.parameter(parameter) {
            add(&mut rows, key, value);
        }
    });
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn add(rows: &mut Vec<Row>, parameter: i64, value: IndexValue<'_>) {
    match value {
        IndexValue::Token { system, code, .. } => {
            let (code, system) = (owned(code), owned(system));
            rows.push(Row::Token { parameter, code, system });
        }
        IndexValue::Text { exact, normalized } => {
            rows.push(Row::Text { parameter, value: normalized.into_owned(), exact: exact.into_owned() });
        }
        IndexValue::Date { low, high } => rows.push(Row::Date { parameter, low, high }),
        IndexValue::Uri(uri) => rows.push(Row::Link { parameter, target: uri.into_owned(), resource_type: "" }),
        IndexValue::Reference(reference) => add_reference(rows, parameter, reference),
        // Searched in memory among what the other criteria leave.
        IndexValue::TypedIdentifier { .. }
        | IndexValue::Number { .. }
        | IndexValue::Quantity { .. }
        | IndexValue::Composite { .. } => {}
    }
}

fn add_reference(rows: &mut Vec<Row>, parameter: i64, reference: ReferenceValue<'_>) {
    if let Some((system, value)) = reference.identifier {
        rows.push(Row::Token { parameter, code: value.into_owned(), system: owned(system) });
    }
    if let Some(id) = reference.id {
        let resource_type = reference.resource_type.map_or("", |kind| kind.as_str());
        rows.push(Row::Link { parameter, target: id.into_owned(), resource_type });
    } else if let Some(url) = reference.url {
        rows.push(Row::Link { parameter, target: url.into_owned(), resource_type: "" });
    }
}

/// A missing part is an empty one: FHIR has no empty strings.
fn owned(part: Option<Cow<'_, str>>) -> String {
    part.unwrap_or_default().into_owned()
}

/// Adds the rows of a resource.
pub(crate) fn insert(connection: &Connection, resource: i64, rows: &[Row]) -> Result<()> {
    apply(connection, resource, rows, Row::INSERT)
}

/// Takes the rows of a resource away. They are those that [`rows`] makes of the version that was current.
pub(crate) fn remove(connection: &Connection, resource: i64, rows: &[Row]) -> Result<()> {
    apply(connection, resource, rows, connection.dialect().delete_row())
}

/// Runs the statement of each row's table; `statements` are in the order of [`Row`]'s variants, as the rows are.
fn apply(connection: &Connection, resource: i64, rows: &[Row], statements: [&str; 4]) -> Result<()> {
    for (table, sql) in statements.into_iter().enumerate() {
        let mut own = rows.iter().filter(|row| row.table() == table).peekable();
        if own.peek().is_none() {
            continue;
        }
        connection.execute_each(sql, own.map(|row| row.values(resource)))?;
    }
    Ok(())
}

impl Row {
    const INSERT: [&str; 4] = [
        "INSERT INTO token (parameter, code, resource, system) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO text (parameter, value, resource, exact) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO date (parameter, low, resource, high) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO link (parameter, target, resource, type) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    ];

    /// Its columns, in the order of the statements.
    fn values(&self, resource: i64) -> [Value<'_>; 4] {
        match self {
            Self::Token { parameter, code, system } => values![*parameter, code.as_str(), resource, system.as_str()],
            Self::Text { parameter, value, exact } => values![*parameter, value.as_str(), resource, exact.as_str()],
            Self::Date { parameter, low, high } => values![*parameter, *low, resource, *high],
            Self::Link { parameter, target, resource_type } => {
                values![*parameter, target.as_str(), resource, *resource_type]
            }
        }
    }

    const fn table(&self) -> usize {
        match self {
            Self::Token { .. } => 0,
            Self::Text { .. } => 1,
            Self::Date { .. } => 2,
            Self::Link { .. } => 3,
        }
    }
}

/// Takes every row of a resource away, whatever it was made of. Reads all rows of the scope.
pub(crate) fn remove_all(connection: &Connection, scope: &Scope, resource: i64) -> Result<()> {
    for table in ["token", "text", "date", "link"] {
        connection.execute(
            &format!(
                "DELETE FROM {table} \
                 WHERE parameter IN (SELECT key FROM parameter WHERE scope = ?1) AND resource = ?2"
            ),
            &values![scope.key, resource],
        )?;
    }
    Ok(())
}
