//! Index rows: what the searchable values of a resource become in the database.

use std::borrow::Cow;

use fhir::Version;
use fhir::json::Document;
use search::{Canonical, IndexValue, ReferenceValue, Vocabulary};

use crate::number::ordered;
use crate::scopes::Scope;
use crate::sql::{Connection, Result, Value, values};

/// Changes whenever the same resource would give other rows: the rows of an older file are then made anew at the start.
pub(crate) const REVISION: u32 = 3;

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
    /// `amount`
    Amount { parameter: i64, range: (i64, i64), unit: [String; 3], base: String, canonical: (i64, i64) },
}

/// The rows of a document, sorted, each once. They follow from the document alone, so that the rows of an old version can be
/// found again when a new one takes its place.
pub(crate) fn rows(document: Document<'_>, scope: &Scope, version: Version) -> Vec<Row> {
    let mut rows = Vec::with_capacity(32);
    let vocabulary = Vocabulary { version, ..scope.vocabulary };
    search::extract(document, scope.resource_type, vocabulary, &mut |parameter, value| {
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
        IndexValue::Number { low, high } => {
            let range = (ordered(low), ordered(high));
            let (unit, base) = Default::default();
            rows.push(Row::Amount { parameter, range, unit, base, canonical: range });
        }
        IndexValue::Quantity { low, high, system, code, unit, canonical } => {
            let range = (ordered(low), ordered(high));
            let unit = [owned(system), owned(code), owned(unit)];
            let (base, canonical) = match canonical {
                Some(Canonical { base, low, high }) => (base, (ordered(low), ordered(high))),
                None => (String::new(), range),
            };
            rows.push(Row::Amount { parameter, range, unit, base, canonical });
        }
        // Searched in memory among what the other criteria leave.
        IndexValue::TypedIdentifier { .. } | IndexValue::Composite { .. } => {}
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
    apply(connection, resource, rows, Row::INSERT, true)
}

/// Takes the rows of a resource away. They are those that [`rows`] makes of the version that was current.
pub(crate) fn remove(connection: &Connection, resource: i64, rows: &[Row]) -> Result<()> {
    apply(connection, resource, rows, connection.dialect().delete_row(), false)
}

/// Runs the statement of each row's table; `statements` are in the order of [`Row`]'s variants, as the rows are. They take all columns
/// of a row, or those that tell it from the others.
fn apply(connection: &Connection, resource: i64, rows: &[Row], statements: [&str; 5], is_whole: bool) -> Result<()> {
    for (table, sql) in statements.into_iter().enumerate() {
        let mut own = rows.iter().filter(|row| row.table() == table).peekable();
        if own.peek().is_none() {
            continue;
        }
        connection.execute_each(sql, own.map(|row| row.values(resource, is_whole)))?;
    }
    Ok(())
}

impl Row {
    const INSERT: [&str; 5] = [
        "INSERT INTO token (parameter, code, resource, system) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO text (parameter, value, resource, exact) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO date (parameter, low, resource, high) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO link (parameter, target, resource, type) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        "INSERT INTO amount (parameter, low, resource, high, system, code, unit, base, least, most) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    ];

    /// Its columns, in the order of the statements.
    fn values(&self, resource: i64, is_whole: bool) -> Vec<Value<'_>> {
        match self {
            Self::Token { parameter, code, system } => {
                values![*parameter, code.as_str(), resource, system.as_str()].into()
            }
            Self::Text { parameter, value, exact } => {
                values![*parameter, value.as_str(), resource, exact.as_str()].into()
            }
            Self::Date { parameter, low, high } => values![*parameter, *low, resource, *high].into(),
            Self::Link { parameter, target, resource_type } => {
                values![*parameter, target.as_str(), resource, *resource_type].into()
            }
            Self::Amount { parameter, range: (low, high), unit: [system, code, unit], base, canonical } => {
                let mut all = Vec::with_capacity(10);
                all.extend(values![*parameter, *low, resource, *high, system.as_str(), code.as_str(), unit.as_str()]);
                if is_whole {
                    all.extend(values![base.as_str(), canonical.0, canonical.1]);
                }
                all
            }
        }
    }

    const fn table(&self) -> usize {
        match self {
            Self::Token { .. } => 0,
            Self::Text { .. } => 1,
            Self::Date { .. } => 2,
            Self::Link { .. } => 3,
            Self::Amount { .. } => 4,
        }
    }
}

/// Takes every row of a resource away, whatever it was made of. Reads all rows of the scope.
pub(crate) fn remove_all(connection: &Connection, scope: &Scope, resource: i64) -> Result<()> {
    for table in ["token", "text", "date", "link", "amount"] {
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
