//! Tests on the ends of ranges, in `date` and `amount`, and what of an index must be read to find those that meet them.

use search::Prefix;

use crate::number::ordered;
use crate::sql::Values;

/// Widest range of a date that is no wide one, in microseconds: a day, and what the test of `date_wide` rounds away.
const DAY: i64 = 86_400_000_000 + 4;

/// The two columns of a range, and the test that tells wide ones: the schema has an index of those by their ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// `date`: half-open, in microseconds.
    Date,
    /// `amount`: closed, as written.
    Written,
    /// `amount`: closed, in base units.
    Base,
}

impl Columns {
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Date => ("low", "high", "high / 2 - low / 2 > 43200000000"),
            Self::Written => ("low", "high", "high <> low"),
            Self::Base => ("least", "most", "most <> least"),
        }
    }
}

/// A test on the rows of one parameter.
#[derive(Clone)]
pub(crate) struct Range {
    pub(crate) columns: Columns,
    /// A test on other columns, and its values.
    pub(crate) unit: Option<(&'static str, Vec<String>)>,
    /// Tests on the ends, all of which must hold: `L` and `H` stand for the columns.
    tests: Vec<(&'static str, Vec<i64>)>,
    /// Whatever meets them begins there or later.
    from: Option<i64>,
    /// Whatever is not wide and meets them does.
    narrow_from: Option<i64>,
    /// Whatever meets them begins before that.
    below: Option<i64>,
    /// Whatever is wide and meets them ends there or later.
    until: Option<i64>,
}

impl Range {
    const fn new(columns: Columns, tests: Vec<(&'static str, Vec<i64>)>) -> Self {
        Self { columns, unit: None, tests, from: None, narrow_from: None, below: None, until: None }
    }

    /// search.html#prefix, on half-open ranges.
    pub(crate) fn of_date(prefix: Prefix, first: i64, second: i64) -> Self {
        let new = |test, values| Self::new(Columns::Date, vec![(test, values)]);
        let ends_behind = |range: Self, moment: i64| Self {
            narrow_from: Some(moment.saturating_sub(DAY)),
            until: Some(moment),
            ..range
        };
        match prefix {
            Prefix::Eq => {
                let range = new("L >= ? AND H <= ?", vec![first, second]);
                Self { from: Some(first), below: Some(second), ..range }
            }
            Prefix::Ne => new("(L < ? OR H > ?)", vec![first, second]),
            Prefix::Gt => ends_behind(new("H > ?", vec![second]), second),
            Prefix::Lt => Self { below: Some(first), ..new("L < ?", vec![first]) },
            Prefix::Ge => ends_behind(new("(H > ? OR (L >= ? AND H <= ?))", vec![second, first, second]), first),
            Prefix::Le => {
                Self { below: Some(second), ..new("(L < ? OR (L >= ? AND H <= ?))", vec![first, first, second]) }
            }
            Prefix::Sa => Self { from: Some(second), ..new("L >= ?", vec![second]) },
            Prefix::Eb => Self { below: Some(first), ..new("H <= ?", vec![first]) },
            // search.html leaves it open what is "about" a date: what overlaps.
            Prefix::Ap => {
                Self { below: Some(second), ..ends_behind(new("L < ? AND H > ?", vec![second, first]), first) }
            }
        }
    }

    /// search.html#number, on closed ranges: `low` and `high` are the half-open range of the value's precision.
    pub(crate) fn of_number(columns: Columns, prefix: Prefix, (value, low, high): (f64, f64, f64)) -> Self {
        let new = |test, values| Self::new(columns, vec![(test, values)]);
        let (own, first, second) = (ordered(value), ordered(low), ordered(high));
        let ends_at = |range: Self, number: i64| Self { narrow_from: Some(number), until: Some(number), ..range };
        match prefix {
            Prefix::Eq => {
                Self { from: Some(first), below: Some(second), ..new("L >= ? AND H < ?", vec![first, second]) }
            }
            Prefix::Ne => new("(L < ? OR H >= ?)", vec![first, second]),
            Prefix::Gt => ends_at(new("H > ?", vec![own]), own),
            Prefix::Lt => Self { below: Some(own), ..new("L < ?", vec![own]) },
            Prefix::Ge => ends_at(new("H >= ?", vec![own]), own),
            Prefix::Le => Self { below: Some(own.saturating_add(1)), ..new("L <= ?", vec![own]) },
            Prefix::Sa => Self { from: Some(own), ..new("L > ?", vec![own]) },
            Prefix::Eb => Self { below: Some(own), ..new("H < ?", vec![own]) },
            Prefix::Ap => {
                let tenth = value.abs() / 10.0;
                let (least, most) = (ordered(value - tenth), ordered(value + tenth));
                let range = new("L <= ? AND H >= ?", vec![most, least]);
                Self { below: Some(most.saturating_add(1)), ..ends_at(range, least) }
            }
        }
    }

    /// The same for rows that meet a test on other columns too.
    pub(crate) fn with_unit(self, test: &'static str, values: Vec<String>) -> Self {
        Self { unit: Some((test, values)), ..self }
    }

    /// The test that both hold of one row.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.tests.extend(other.tests);
        Self {
            from: self.from.max(other.from),
            narrow_from: self.narrow_from.max(other.narrow_from),
            below: [self.below, other.below].into_iter().flatten().min(),
            until: self.until.max(other.until),
            ..self
        }
    }

    /// The test as SQL. The unary plus keeps indices for the bounds that [`Range::parts`] adds.
    pub(crate) fn sql(&self, values: &mut Values) -> String {
        let (low, high, _) = self.columns.names();
        let mut parts = Vec::new();
        if let Some((test, its)) = &self.unit {
            parts.push((*test).to_owned());
            values.extend(its.iter().cloned());
        }
        for (test, its) in &self.tests {
            parts.push(test.replace('L', &format!("+{low}")).replace('H', &format!("+{high}")));
            values.extend(its.iter().copied());
        }
        parts.join(" AND ")
    }

    /// The test in parts, all of which are to be read: what is not wide by where it begins, what is wide by where it ends. `all`
    /// is said by each.
    pub(crate) fn parts(&self, all: &dyn Fn(&mut Values) -> String, values: &mut Values) -> Vec<String> {
        let (_, high, wide) = self.columns.names();
        let mut parts = vec![format!("{} AND {}{}", all(values), self.sql(values), self.bounds("", true, values))];
        if let Some(until) = self.until {
            let test = format!("{} AND {}", all(values), self.sql(values));
            values.push(until);
            parts.push(format!("{test} AND {high} >= ? AND {wide}"));
        }
        parts
    }

    /// ` AND low >= ? AND low < ?`: what the index is read by. `narrow`: of those that are not wide.
    pub(crate) fn bounds(&self, alias: &str, narrow: bool, values: &mut Values) -> String {
        let (low, ..) = self.columns.names();
        let mut sql = String::new();
        if let Some(from) = if narrow { self.from.max(self.narrow_from) } else { self.from } {
            sql.push_str(&format!(" AND {alias}{low} >= ?"));
            values.push(from);
        }
        if let Some(below) = self.below {
            sql.push_str(&format!(" AND {alias}{low} < ?"));
            values.push(below);
        }
        sql
    }

    /// The test that a row is wide and ends late enough; `None` when the bounds hold for those too.
    pub(crate) fn wide(&self, values: &mut Values) -> Option<String> {
        let (_, high, wide) = self.columns.names();
        let until = self.until?;
        values.push(until);
        Some(format!("{high} >= ? AND {wide}"))
    }
}
