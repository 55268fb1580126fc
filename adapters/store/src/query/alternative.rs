//! One value of a criterion as a test on index rows.

use adapter::{Error, ErrorKind};
use fhir::{Issue, IssueType};
use search::{Canonical, Modifier, Operand, Parameter, ParameterType, Prefix};

use super::range::{Columns, Range};
use crate::instant::PRECISION;
use crate::sql::{Value, Values};

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
    /// `amount`
    Amount,
}

impl Table {
    /// Whether it has an index by resource.
    pub(crate) const fn is_by_resource(self) -> bool {
        !matches!(self, Self::Token)
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Text => "text",
            Self::Date => "date",
            Self::Link => "link",
            Self::Amount => "amount",
        }
    }

    /// Its first column behind the parameter, and its last.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => ("code", "system"),
            Self::Text => ("value", "exact"),
            Self::Date | Self::Amount => ("low", "high"),
            Self::Link => ("target", "type"),
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
            ParameterType::Number | ParameterType::Quantity => &[Self::Amount],
            ParameterType::Composite | ParameterType::Special => &[],
        }
    }
}

/// A test on the rows of a table.
pub(crate) struct Alternative {
    /// Whose rows.
    pub(crate) table: Table,
    /// What is tested beside the parameter.
    pub(crate) test: Test,
    /// Whether a row of one resource is found without reading those of others.
    pub(crate) is_point: bool,
}

/// What a row must hold. The first column is what the table is ordered by within a parameter, the second stands last:
/// `code, system`, `value, exact`, `target, type`.
pub(crate) enum Test {
    /// Anything.
    Any,
    /// This text in the first column.
    First(String),
    /// These texts in both columns.
    Both(String, String),
    /// This text in the second column.
    Second(String),
    /// This text in the first column, and any but the empty one in the second.
    FirstWithSecond(String),
    /// A text in the first column that begins with this one.
    Begins(String),
    /// A text in the first column that contains this one.
    Contains(String),
    /// A test on the ends of a range.
    Range(Range),
}

impl Alternative {
    const fn new(table: Table, test: Test, is_point: bool) -> Self {
        Self { table, test, is_point }
    }

    /// The test as SQL, for rows of that parameter.
    pub(crate) fn sql(&self, parameter: i64, values: &mut Values) -> String {
        values.push(parameter);
        let dialect = values.dialect();
        let (first, second) = self.table.columns();
        let test = match &self.test {
            Test::Any => return "parameter = ?".to_owned(),
            Test::First(text) => dialect.is(first, text, values),
            Test::FirstWithSecond(text) => format!("{} AND {second} <> ''", dialect.is(first, text, values)),
            Test::Both(one, two) => {
                let one = dialect.is(first, one, values);
                values.push(two.clone());
                format!("{one} AND {second} = ?")
            }
            Test::Second(text) => {
                values.push(text.clone());
                format!("{second} = ?")
            }
            Test::Begins(text) => dialect.begins(first, text, values),
            Test::Contains(text) => dialect.contains(first, text, values),
            Test::Range(range) => range.sql(values),
        };
        format!("parameter = ? AND {test}")
    }

    /// The keys of the resources that have such a row, perhaps repeated: a `SELECT` for each part of an index that is read.
    pub(crate) fn selects(&self, parameter: i64, values: &mut Values) -> Vec<String> {
        let tests = match &self.test {
            Test::Range(range) => {
                let all = |values: &mut Values| {
                    values.push(parameter);
                    "parameter = ?".to_owned()
                };
                range.parts(&all, values)
            }
            _ => vec![self.sql(parameter, values)],
        };
        tests.into_iter().map(|test| format!("SELECT resource FROM {} WHERE {test}", self.table.name())).collect()
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
        (None, Operand::Date { prefix, low, high }) => Some(vec![date(*prefix, *low, *high)]),
        (None, Operand::Number { prefix, value, low, high }) => Some(vec![number(*prefix, (*value, *low, *high))]),
        (None, Operand::Quantity { .. }) => quantity(operand).map(|one| vec![one]),
        (None | Some(Modifier::Type(_)), Operand::Reference { resource_type, id, version: None }) => {
            Some(reference(parameter, resource_type.map(fhir::ResourceType::as_str), id, base))
        }
        (None, Operand::Url { url, version: None }) => Some(address(url, base)),
        (None, Operand::Uri(uri)) => Some(vec![url(uri.clone())]),
        (Some(Modifier::Below), Operand::Uri(uri)) => Some(below(uri)),
        (Some(Modifier::Above), Operand::Uri(uri)) => Some(above(uri)),
        _ => None,
    }
}

fn token(system: Option<Option<&str>>, code: Option<&str>) -> Option<Alternative> {
    let (test, is_point) = match (system, code) {
        (None, Some(code)) => (Test::First(code.to_owned()), true),
        (Some(system), Some(code)) => (Test::Both(code.to_owned(), system.unwrap_or_default().to_owned()), true),
        (Some(Some(system)), None) => (Test::Second(system.to_owned()), false),
        _ => return None,
    };
    Some(Alternative::new(Table::Token, test, is_point))
}

fn text(modifier: Option<Modifier>, exact: &str, normalized: &str) -> Alternative {
    let test = match modifier {
        Some(Modifier::Exact) => Test::Both(normalized.to_owned(), exact.to_owned()),
        Some(Modifier::Contains) => Test::Contains(normalized.to_owned()),
        _ => Test::Begins(normalized.to_owned()),
    };
    Alternative::new(Table::Text, test, true)
}

fn date(prefix: Prefix, low: i64, high: i64) -> Alternative {
    Alternative::new(Table::Date, Test::Range(Range::of_date(prefix, low, high)), true)
}

fn number(prefix: Prefix, number: (f64, f64, f64)) -> Alternative {
    Alternative::new(Table::Amount, Test::Range(Range::of_number(Columns::Written, prefix, number)), true)
}

/// search.html#quantity: in base units where UCUM has the unit, else as written.
fn quantity(operand: &Operand) -> Option<Alternative> {
    let Operand::Quantity { prefix, value, low, high, system, code, canonical } = operand else { return None };
    let range = match canonical {
        Some((value, Canonical { base, low, high })) => {
            let range = Range::of_number(Columns::Base, *prefix, (*value, *low, *high));
            range.with_unit("base = ?", vec![base.clone()])
        }
        None => {
            let range = Range::of_number(Columns::Written, *prefix, (*value, *low, *high));
            match (system.clone(), code.clone()) {
                (None, None) => range,
                (None, Some(code)) => range.with_unit("(code = ? OR unit = ?)", vec![code.clone(), code]),
                (Some(system), None) => range.with_unit("system = ?", vec![system]),
                (Some(system), Some(code)) => range.with_unit("system = ? AND code = ?", vec![system, code]),
            }
        }
    };
    Some(Alternative::new(Table::Amount, Test::Range(range), true))
}

fn reference(parameter: &Parameter, kind: Option<&str>, id: &str, base: &str) -> Vec<Alternative> {
    let Some(kind) = kind else {
        let mut all = vec![Alternative::new(Table::Link, Test::FirstWithSecond(id.to_owned()), true)];
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

/// search.html#uri: the URI itself and what is under it, by whole segments; a URN has none.
fn below(uri: &str) -> Vec<Alternative> {
    if uri.starts_with("urn:") {
        return Vec::new();
    }
    let root = uri.strip_suffix('/').unwrap_or(uri);
    vec![url(root.to_owned()), Alternative::new(Table::Link, Test::Begins(format!("{root}/")), true)]
}

/// The URI itself and what it is under, each with a slash at its end or without.
fn above(uri: &str) -> Vec<Alternative> {
    if uri.starts_with("urn:") {
        return Vec::new();
    }
    let ends = uri.match_indices('/').map(|(end, _)| end).chain([uri.len()]);
    let roots = ends.filter_map(|end| uri.get(..end));
    roots.flat_map(|root| [url(root.to_owned()), url(format!("{root}/"))]).collect()
}

/// A relative reference, `Patient/1`.
pub(crate) fn local(kind: &str, id: &str) -> Alternative {
    Alternative::new(Table::Link, Test::Both(id.to_owned(), kind.to_owned()), true)
}

/// An absolute reference or a uri.
pub(crate) fn url(url: String) -> Alternative {
    Alternative::new(Table::Link, Test::Both(url, String::new()), true)
}

/// An absolute reference to any version of what stands at that URL.
pub(crate) fn versions(url: &str) -> Alternative {
    Alternative::new(Table::Link, Test::Begins(format!("{url}/_history/")), true)
}

/// A test on the columns of `resource` itself, for the parameters that are columns.
pub(crate) fn column_test(parameter: &Parameter, operand: &Operand) -> Option<(String, Vec<Value<'static>>)> {
    match (parameter.code, operand) {
        ("_id", Operand::Token { system: None, code: Some(id) }) => {
            Some(("id = ?".to_owned(), vec![id.clone().into()]))
        }
        ("_lastUpdated", Operand::Date { prefix, low, high }) => Some(updated_test(*prefix, *low, *high)),
        _ => None,
    }
}

/// The time of an update is as wide as its precision: from `updated` up to `updated + PRECISION`.
fn updated_test(prefix: Prefix, low: i64, high: i64) -> (String, Vec<Value<'static>>) {
    // What ends before `high`, and what ends behind `low`, by where it begins.
    let (last, behind) = (high.saturating_sub(PRECISION), low.saturating_sub(PRECISION));
    let (test, values) = match prefix {
        Prefix::Eq => ("updated BETWEEN ? AND ?", vec![low, last]),
        Prefix::Ne => ("updated NOT BETWEEN ? AND ?", vec![low, last]),
        Prefix::Gt => ("updated > ?", vec![last]),
        Prefix::Lt => ("updated < ?", vec![low]),
        Prefix::Ge => ("updated >= ?", vec![low.min(last.saturating_add(1))]),
        Prefix::Le => ("updated <= ?", vec![last.max(low.saturating_sub(1))]),
        Prefix::Sa => ("updated >= ?", vec![high]),
        Prefix::Eb => ("updated <= ?", vec![behind]),
        Prefix::Ap => ("updated < ? AND updated > ?", vec![high, behind]),
    };
    (test.to_owned(), values.into_iter().map(Value::from).collect())
}

/// A criterion that the store does not decide: the search is the client's to change (400), the interaction is served.
pub(crate) fn not_supported(text: impl Into<String>) -> Error {
    Error::from_issues(ErrorKind::Invalid, vec![Issue::error(IssueType::NotSupported, text)])
}
