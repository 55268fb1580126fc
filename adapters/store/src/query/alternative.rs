//! One value of a criterion as a test on index rows.

use adapter::{Error, ErrorKind};
use fhir::{Issue, IssueType};
use rusqlite::types::Value;
use search::{Modifier, Operand, Parameter, ParameterType, Prefix};

use crate::instant::PRECISION;

/// An index table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// `token`
    Token,
    /// `text`
    Text,
    /// `date`
    Date,
    /// `link`
    Link,
}

impl Table {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Text => "text",
            Self::Date => "date",
            Self::Link => "link",
        }
    }

    /// The tables that hold the values of a parameter; none where they are not indexed.
    pub(crate) const fn of(kind: ParameterType) -> &'static [Self] {
        match kind {
            ParameterType::Token => &[Self::Token],
            ParameterType::Text => &[Self::Text],
            ParameterType::Date => &[Self::Date],
            // A logical reference has a row in `token`.
            ParameterType::Reference => &[Self::Link, Self::Token],
            ParameterType::Uri => &[Self::Link],
            ParameterType::Number | ParameterType::Quantity | ParameterType::Composite | ParameterType::Special => &[],
        }
    }
}

/// A test on the rows of a table: SQL with `?` for each value.
pub(crate) struct Alternative {
    /// Whose rows.
    pub(crate) table: Table,
    /// Beside `parameter = ?`.
    pub(crate) test: &'static str,
    /// For each `?` of the test.
    pub(crate) values: Vec<Value>,
    /// Whether a row of one resource is found without reading those of others.
    pub(crate) is_point: bool,
}

impl Alternative {
    fn new(table: Table, test: &'static str, values: Vec<Value>, is_point: bool) -> Self {
        Self { table, test, values, is_point }
    }
}

/// The tests of an operand, one of which must hold; `None` when the index cannot tell.
pub(crate) fn alternatives(
    parameter: &Parameter,
    modifier: Option<Modifier>,
    operand: &Operand,
    base: &str,
) -> Option<Vec<Alternative>> {
    match (modifier, operand) {
        (None | Some(Modifier::Not | Modifier::Identifier), Operand::Token { system, code }) => {
            token(system.as_ref().map(Option::as_deref), code.as_deref()).map(|one| vec![one])
        }
        (None | Some(Modifier::Exact | Modifier::Contains), Operand::Text { exact, normalized }) => {
            Some(vec![text(modifier, exact, normalized)])
        }
        (None, Operand::Date { prefix, low, high }) => date(*prefix, *low, *high).map(|one| vec![one]),
        (None | Some(Modifier::Type(_)), Operand::Reference { resource_type, id, version: None }) => {
            Some(reference(parameter, resource_type.map(fhir::ResourceType::as_str), id, base))
        }
        (None, Operand::Url { url, version: None }) => Some(address(url, base)),
        (None, Operand::Uri(uri)) => Some(vec![url(uri.clone())]),
        _ => None,
    }
}

fn token(system: Option<Option<&str>>, code: Option<&str>) -> Option<Alternative> {
    let of = |test, values: &[&str], is_point| {
        let values = values.iter().map(|value| Value::from((*value).to_owned())).collect();
        Some(Alternative::new(Table::Token, test, values, is_point))
    };
    match (system, code) {
        (None, Some(code)) => of("code = ?", &[code], true),
        (Some(system), Some(code)) => of("code = ? AND system = ?", &[code, system.unwrap_or_default()], true),
        (Some(Some(system)), None) => of("system = ?", &[system], false),
        _ => None,
    }
}

fn text(modifier: Option<Modifier>, exact: &str, normalized: &str) -> Alternative {
    let of = |test, first: &str, second: &str| {
        Alternative::new(Table::Text, test, vec![first.to_owned().into(), second.to_owned().into()], false)
    };
    match modifier {
        Some(Modifier::Exact) => of("value = ? AND exact = ?", normalized, exact),
        Some(Modifier::Contains) => {
            Alternative::new(Table::Text, "instr(value, ?) > 0", vec![normalized.to_owned().into()], false)
        }
        // Every text that begins with it, and no other: U+10FFFF is the last character, and none of Unicode's.
        _ => of("value >= ? AND value < ? || char(1114111, 1114111)", normalized, normalized),
    }
}

/// search.html#prefix, on half-open ranges.
fn date(prefix: Prefix, low: i64, high: i64) -> Option<Alternative> {
    let (test, values) = date_test(prefix, low, high)?;
    Some(Alternative::new(Table::Date, test, values, true))
}

/// The test on columns `low` and `high`.
pub(crate) fn date_test(prefix: Prefix, low: i64, high: i64) -> Option<(&'static str, Vec<Value>)> {
    let (first, second) = (Value::from(low), Value::from(high));
    Some(match prefix {
        Prefix::Eq => ("low >= ? AND high <= ?", vec![first, second]),
        Prefix::Ne => ("(low < ? OR high > ?)", vec![first, second]),
        Prefix::Gt => ("high > ?", vec![second]),
        Prefix::Lt => ("low < ?", vec![first]),
        Prefix::Ge => ("(high > ? OR (low >= ? AND high <= ?))", vec![second.clone(), first, second]),
        Prefix::Le => ("(low < ? OR (low >= ? AND high <= ?))", vec![first.clone(), first, second]),
        Prefix::Sa => ("low >= ?", vec![second]),
        Prefix::Eb => ("high <= ?", vec![first]),
        // "About" depends on now: decided in memory.
        Prefix::Ap => return None,
    })
}

fn reference(parameter: &Parameter, kind: Option<&str>, id: &str, base: &str) -> Vec<Alternative> {
    let Some(kind) = kind else {
        let mut all =
            vec![Alternative::new(Table::Link, "target = ? AND type <> ''", vec![id.to_owned().into()], true)];
        all.extend(parameter.targets.iter().map(|target| url(format!("{base}/{target}/{id}"))));
        return all;
    };
    vec![local(kind, id), url(format!("{base}/{kind}/{id}"))]
}

/// An absolute URL; below the gateway's own base it is what is meant by a relative reference too.
fn address(text: &str, base: &str) -> Vec<Alternative> {
    let mut all = vec![url(text.to_owned())];
    if let Some((kind, id)) = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')?.split_once('/')) {
        all.push(local(kind, id));
    }
    all
}

/// A relative reference, `Patient/1`.
pub(crate) fn local(kind: &str, id: &str) -> Alternative {
    let values = vec![id.to_owned().into(), kind.to_owned().into()];
    Alternative::new(Table::Link, "target = ? AND type = ?", values, true)
}

/// An absolute reference or a uri.
pub(crate) fn url(url: String) -> Alternative {
    Alternative::new(Table::Link, "target = ? AND type = ''", vec![url.into()], true)
}

/// A test on the columns of `resource` itself, for the parameters that are columns.
pub(crate) fn column_test(parameter: &Parameter, operand: &Operand) -> Option<(String, Vec<Value>)> {
    match (parameter.code, operand) {
        ("_id", Operand::Token { system: None, code: Some(id) }) => {
            Some(("id = ?".to_owned(), vec![id.clone().into()]))
        }
        ("_lastUpdated", Operand::Date { prefix, low, high }) => updated_test(*prefix, *low, *high),
        _ => None,
    }
}

/// The time of an update is as wide as its precision: from `updated` up to `updated + PRECISION`.
fn updated_test(prefix: Prefix, low: i64, high: i64) -> Option<(String, Vec<Value>)> {
    Some(match prefix {
        Prefix::Sa => ("updated >= ?".to_owned(), vec![high.into()]),
        Prefix::Eb => ("updated <= ?".to_owned(), vec![low.saturating_sub(PRECISION).into()]),
        _ => {
            let (test, values) = date_test(prefix, low, high.saturating_sub(PRECISION))?;
            (test.replace("high", "updated").replace("low", "updated"), values)
        }
    })
}

/// A criterion that the store does not decide: the search is the client's to change (400), the interaction is served.
pub(crate) fn not_supported(text: impl Into<String>) -> Error {
    Error::from_issues(ErrorKind::Invalid, vec![Issue::error(IssueType::NotSupported, text)])
}
