//! The order of a search's matches, and where a page begins in it.

use std::fmt::Write as _;

use adapter::Error;
use rusqlite::types::{Value, ValueRef};
use search::ParameterType;
use search::query::Sort;
use serde::{Deserialize, Serialize};

use super::alternative::not_supported;
use crate::scopes::Scope;

/// Most keys of `_sort`.
const MOST: usize = 5;

/// `_sort`, resolved to columns. Behind the last key stands the resource's own key, so that the order is total; without any the
/// order is that of creation.
pub(crate) struct Order(Vec<Key>);

struct Key {
    /// A table of its own, made once for the whole search: `text`, `token` and `link` have no index by resource.
    gathered: Option<String>,
    expression: String,
    parameter: Option<i64>,
    descending: bool,
}

/// What a match is sorted by: what a page link says of the last match before it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum SortValue {
    /// It has no value: last, whatever the direction.
    #[serde(rename = "m")]
    Missing,
    /// A date.
    #[serde(rename = "i")]
    Integer(i64),
    /// A text.
    #[serde(rename = "t")]
    Text(String),
}

/// Lies above every text and integer: a missing value in ascending order.
const ABOVE: &str = "x''";

/// Lies below every text and every date but the open one: a missing value in descending order.
const BELOW: i64 = i64::MIN + 1;

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

    /// `WITH g0 AS …`, or nothing.
    pub(crate) fn with(&self, values: &mut Vec<Value>) -> String {
        let mut parts = Vec::new();
        for (index, key) in self.0.iter().enumerate() {
            if let Some(gathered) = &key.gathered {
                parts.push(format!("g{index} AS MATERIALIZED ({gathered})"));
                values.extend(key.parameter.map(Value::from));
            }
        }
        if parts.is_empty() { String::new() } else { format!("WITH {} ", parts.join(", ")) }
    }

    /// `, … AS s0, … AS s1`
    pub(crate) fn columns(&self, values: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        for (index, key) in self.0.iter().enumerate() {
            if key.gathered.is_none() {
                values.extend(key.parameter.map(Value::from));
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

    /// `s0 DESC, s1, key`
    pub(crate) fn sql(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (index, key) in self.0.iter().enumerate() {
            parts.push(format!("s{index}{}", if key.descending { " DESC" } else { "" }));
        }
        parts.push("key".to_owned());
        parts.join(", ")
    }

    /// The test that a match stands behind another one.
    pub(crate) fn behind(&self, last: &[SortValue], last_key: i64, values: &mut Vec<Value>) -> String {
        let mut alternatives = Vec::new();
        for depth in 0..=self.0.len() {
            let mut parts = Vec::new();
            for (index, (key, value)) in self.0.iter().zip(last).enumerate().take(depth + 1) {
                let comparison = match (index == depth, key.descending) {
                    (false, _) => "=",
                    (true, false) => ">",
                    (true, true) => "<",
                };
                parts.push(format!("s{index} {comparison} ?"));
                values.push(value.bound(key.descending));
            }
            if depth == self.0.len() {
                parts.push("key > ?".to_owned());
                values.push(last_key.into());
            }
            alternatives.push(format!("({})", parts.join(" AND ")));
        }
        format!("({})", alternatives.join(" OR "))
    }
}

impl Key {
    fn new(sort: &Sort, scope: &Scope) -> Result<Self, Error> {
        let (parameter, descending) = (sort.parameter, sort.descending);
        let plain =
            |expression: &str| Self { gathered: None, expression: expression.to_owned(), parameter: None, descending };
        let column = match parameter.code {
            "_id" => return Ok(plain("r.id")),
            "_lastUpdated" => return Ok(plain("r.updated")),
            code => {
                column(parameter.kind).ok_or_else(|| not_supported(format!("the store does not sort by `{code}`")))?
            }
        };
        let (expression, gathered) = expressions(column, descending);
        Ok(Self { gathered, expression, parameter: Some(scope.parameter(parameter).unwrap_or(0)), descending })
    }
}

fn column(kind: ParameterType) -> Option<(&'static str, &'static str)> {
    match kind {
        ParameterType::Date => Some(("date", "low")),
        ParameterType::Text => Some(("text", "value")),
        ParameterType::Token => Some(("token", "code")),
        ParameterType::Reference | ParameterType::Uri => Some(("link", "target")),
        ParameterType::Number | ParameterType::Quantity | ParameterType::Composite | ParameterType::Special => None,
    }
}

/// search.html#sort: of several values the lowest counts in ascending order, the highest in descending.
fn expressions((table, column): (&str, &str), descending: bool) -> (String, Option<String>) {
    let (best, missing) = if descending { ("max", BELOW.to_string()) } else { ("min", ABOVE.to_owned()) };
    if table == "date" {
        let one = format!("(SELECT {best}(low) FROM date WHERE resource = r.key AND parameter = ?)");
        return (format!("coalesce({one}, {missing})"), None);
    }
    let gathered =
        format!("SELECT resource, {best}({column}) AS best FROM {table} WHERE parameter = ? GROUP BY resource");
    (format!("coalesce({{g}}.best, {missing})"), Some(gathered))
}

impl SortValue {
    /// The value of a column.
    pub(crate) fn of(column: ValueRef<'_>) -> Self {
        match column {
            ValueRef::Integer(BELOW) => Self::Missing,
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            _ => Self::Missing,
        }
    }

    fn bound(&self, descending: bool) -> Value {
        match self {
            Self::Missing if descending => Value::Integer(BELOW),
            Self::Missing => Value::Blob(Vec::new()),
            Self::Integer(value) => Value::Integer(*value),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }
}
