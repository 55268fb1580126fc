//! The order of a search's matches, and where a page begins in it.

use std::fmt::Write as _;

use adapter::Error;
use search::ParameterType;
use search::query::Sort;
use serde::{Deserialize, Serialize};

use super::alternative::not_supported;
use crate::scopes::Scope;
use crate::sql::{Cell, Values};

/// Most keys of `_sort`.
const MOST: usize = 5;

/// `_sort`, resolved to columns. Behind the last key stands the resource's own key, so that the order is total; without any the
/// order is that of creation.
pub(crate) struct Order(Vec<Key>);

struct Key {
    /// A table of its own, made once for the whole search: `token` has no index by resource.
    gathered: Option<String>,
    expression: String,
    parameter: Option<i64>,
    descending: bool,
    /// Where its values lie in order.
    walk: Option<Walk>,
}

/// Reading the values of a parameter in the order of an index, and with each its resource: the first page needs no more of them than
/// it shows.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) parameter: i64,
    pub(crate) table: &'static str,
    /// What the table is ordered by, and what tells rows with the same value apart.
    pub(crate) columns: (&'static str, &'static str),
    pub(crate) descending: bool,
    /// Whether a resource has one value at most.
    pub(crate) is_single: bool,
}

/// What a match is sorted by: what a page link says of the last match before it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum SortValue {
    /// It has no value: last, whatever the direction.
    #[serde(rename = "m")]
    Missing,
    /// A date, or a number ([`crate::number`]).
    #[serde(rename = "i")]
    Integer(i64),
    /// A text.
    #[serde(rename = "t")]
    Text(String),
}

impl Order {
    /// Resolves `_sort`.
    ///
    /// # Errors
    /// `Invalid` for too many keys, and for a parameter that has no order.
    pub(crate) fn new(sort: &[Sort], scope: &Scope) -> Result<Self, Error> {
        if sort.len() > MOST {
            return Err(not_supported(format!("the store sorts by at most {MOST} parameters")));
        }
        sort.iter().map(|sort| Key::new(sort, scope)).collect::<Result<_, _>>().map(Self)
    }

    /// How many keys.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether each key is in descending order.
    pub(crate) fn directions(&self) -> impl Iterator<Item = bool> {
        self.0.iter().map(|key| key.descending)
    }

    /// How the first key is read in its order, where there is an index for that.
    pub(crate) fn walk(&self) -> Option<Walk> {
        self.0.first()?.walk
    }

    /// The same order for rows that are read along an index: `first` is the expression of the first key.
    pub(crate) fn along(&self, first: &str) -> Self {
        let keys = self.0.iter().enumerate().map(|(index, key)| match index {
            0 => Key { gathered: None, expression: first.to_owned(), parameter: None, walk: None, ..*key },
            _ => Key { gathered: key.gathered.clone(), expression: key.expression.clone(), ..*key },
        });
        Self(keys.collect())
    }

    /// `WITH g0 AS …`, or nothing.
    pub(crate) fn with(&self, values: &mut Values) -> String {
        let mut parts = Vec::new();
        for (index, key) in self.0.iter().enumerate() {
            if let Some(gathered) = &key.gathered {
                parts.push(format!("g{index} AS MATERIALIZED ({gathered})"));
                values.extend(key.parameter);
            }
        }
        if parts.is_empty() { String::new() } else { format!("WITH {} ", parts.join(", ")) }
    }

    /// `, … AS s0, … AS s1`
    pub(crate) fn columns(&self, values: &mut Values) -> String {
        let mut sql = String::new();
        for (index, key) in self.0.iter().enumerate() {
            if key.gathered.is_none() {
                values.extend(key.parameter);
            }
            let _ = write!(sql, ", {} AS s{index}", key.expression.replace("{g}", &format!("g{index}")));
        }
        sql
    }

    /// ` LEFT JOIN g0 …`, or nothing.
    pub(crate) fn joins(&self) -> String {
        let mut sql = String::new();
        for (index, _) in self.0.iter().enumerate().filter(|(_, key)| key.gathered.is_some()) {
            let _ = write!(sql, " LEFT JOIN g{index} ON g{index}.resource = r.key");
        }
        sql
    }

    /// `s0 DESC NULLS LAST, s1 NULLS LAST, key`
    pub(crate) fn sql(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (index, key) in self.0.iter().enumerate() {
            parts.push(format!("s{index}{} NULLS LAST", if key.descending { " DESC" } else { "" }));
        }
        parts.push("key".to_owned());
        parts.join(", ")
    }

    /// The test that a match stands behind another one.
    pub(crate) fn behind(&self, last: &[SortValue], last_key: i64, values: &mut Values) -> String {
        let mut alternatives = Vec::new();
        for depth in 0..=self.0.len() {
            let mut parts = Vec::new();
            for (index, (key, value)) in self.0.iter().zip(last).enumerate().take(depth + 1) {
                parts.push(if index == depth { value.behind(index, key.descending) } else { value.same(index) });
                value.bind(values);
            }
            if depth == self.0.len() {
                parts.push("key > ?".to_owned());
                values.push(last_key);
            }
            alternatives.push(format!("({})", parts.join(" AND ")));
        }
        format!("({})", alternatives.join(" OR "))
    }
}

impl Key {
    fn new(sort: &Sort, scope: &Scope) -> Result<Self, Error> {
        let (parameter, descending) = (sort.parameter, sort.descending);
        let plain = |expression: &str| Self {
            gathered: None,
            expression: expression.to_owned(),
            parameter: None,
            descending,
            walk: None,
        };
        let (table, columns) = match parameter.code {
            "_id" => return Ok(plain("r.id")),
            "_lastUpdated" => return Ok(plain("r.updated")),
            code => {
                columns(parameter.kind).ok_or_else(|| not_supported(format!("the store does not sort by `{code}`")))?
            }
        };
        let key = scope.parameter(parameter).unwrap_or(0);
        let (expression, gathered) = expressions(table, columns.0, descending);
        let walk = Walk { parameter: key, table, columns, descending, is_single: parameter.is_single };
        let walk = Some(walk).filter(|_| matches!(table, "date" | "text" | "link"));
        Ok(Self { gathered, expression, parameter: Some(key), descending, walk })
    }
}

/// The table that holds the values of a parameter, what it is sorted by, and what tells rows with the same value apart.
fn columns(kind: ParameterType) -> Option<(&'static str, (&'static str, &'static str))> {
    match kind {
        ParameterType::Date => Some(("date", ("low", "high"))),
        ParameterType::Text => Some(("text", ("value", "exact"))),
        ParameterType::Token => Some(("token", ("code", "system"))),
        ParameterType::Reference | ParameterType::Uri => Some(("link", ("target", "type"))),
        // In base units, where there are any.
        ParameterType::Number | ParameterType::Quantity => Some(("amount", ("least", "most"))),
        ParameterType::Composite | ParameterType::Special => None,
    }
}

/// search.html#sort: of several values the lowest counts in ascending order, the highest in descending.
fn expressions(table: &str, column: &str, descending: bool) -> (String, Option<String>) {
    let best = if descending { "max" } else { "min" };
    if table == "token" {
        let gathered =
            format!("SELECT resource, {best}({column}) AS best FROM token WHERE parameter = ? GROUP BY resource");
        return ("{g}.best".to_owned(), Some(gathered));
    }
    (format!("(SELECT {best}({column}) FROM {table} WHERE resource = r.key AND parameter = ?)"), None)
}

impl SortValue {
    /// The value of a column.
    pub(crate) fn of(column: Cell<'_>) -> Self {
        match column {
            Cell::Integer(value) => Self::Integer(value),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Null | Cell::Blob(_) => Self::Missing,
        }
    }

    /// The test that a match has the same value.
    fn same(&self, index: usize) -> String {
        if *self == Self::Missing { format!("s{index} IS NULL") } else { format!("s{index} = ?") }
    }

    /// The test that a match has a later value: a missing one is the last.
    fn behind(&self, index: usize, descending: bool) -> String {
        let comparison = if descending { "<" } else { ">" };
        if *self == Self::Missing {
            "FALSE".to_owned()
        } else {
            format!("(s{index} {comparison} ? OR s{index} IS NULL)")
        }
    }

    /// Its value, where [`SortValue::same`] or [`SortValue::behind`] have a `?`.
    fn bind(&self, values: &mut Values) {
        match self {
            Self::Missing => {}
            Self::Integer(value) => values.push(*value),
            Self::Text(text) => values.push(text.clone()),
        }
    }
}
