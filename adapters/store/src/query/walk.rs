//! Sorted searches that read an index in its order, and end when the page is full: where no criterion is selective, sorting all that
//! match would mean reading all there is.

use adapter::Error;

use super::order::{SortValue, Walk};
use super::page::{Part, Wanted};
use crate::sql::{Connection, Values};

/// The statements: what has a value, in the order of the values, then what has none.
pub(super) fn walked(
    part: &Part,
    connection: &Connection,
    walk: Walk,
    wanted: &Wanted<'_>,
) -> Result<Vec<(String, Values)>, Error> {
    let mut statements = Vec::new();
    let last = wanted.position.and_then(|position| position.last.first());
    if last != Some(&SortValue::Missing) {
        let mut values = Values::new(connection);
        let sql = walk.with_value(part, connection, wanted, &mut values)?;
        statements.push((sql, values));
    }
    // Whoever must lie in a range has a value.
    if part.filter.range(walk.parameter).is_none() {
        let mut values = Values::new(connection);
        let sql = walk.without_value(part, wanted, &mut values);
        statements.push((sql, values));
    }
    Ok(statements)
}

impl Walk {
    fn with_value(
        &self,
        part: &Part,
        connection: &Connection,
        wanted: &Wanted<'_>,
        values: &mut Values,
    ) -> Result<String, Error> {
        let Self { parameter, table, columns: (column, _), descending, .. } = *self;
        let order = part.order.along(&format!("o.{column}"));
        let with = order.with(values);
        let keys = order.columns(values);
        let (extra, before) = match (self.beginning(values), descending) {
            (Some(beginning), true) => (format!(", {beginning} AS p0"), "p0 DESC, "),
            (Some(beginning), false) => (format!(", {beginning} AS p0"), "p0, "),
            (None, _) => (String::new(), ""),
        };
        let joins = order.joins();
        values.push(parameter);
        let range = self.range(part, connection, values)?;
        let best = self.best(values);
        let from = self.from(wanted, values);
        let filter = part.filter.sql((part.scope.first(), wanted.newest), values);
        let join = values.dialect().join_in_order();
        // Every row has a value: `NULLS LAST` would keep the index from being read in its order.
        let by = order.sql().replacen(" NULLS LAST", "", 1);
        let end = part.end(&format!("{before}{by}"), wanted, values);
        Ok(format!(
            "{with}SELECT * FROM (SELECT r.key AS key, r.current AS current, r.id AS id{keys}{extra} \
             FROM {table} AS o {join} resource AS r ON r.key = o.resource{joins} \
             WHERE o.parameter = ?{range} AND {best}{from} AND {filter}) AS matched{end}"
        ))
    }

    fn without_value(&self, part: &Part, wanted: &Wanted<'_>, values: &mut Values) -> String {
        let Self { parameter, table, .. } = *self;
        let none = if table == "date" { "CAST(NULL AS bigint)" } else { "CAST(NULL AS text)" };
        let order = part.order.along(none);
        let with = order.with(values);
        let keys = order.columns(values);
        let joins = order.joins();
        values.push(parameter);
        let filter = part.filter.sql((part.scope.first(), wanted.newest), values);
        let end = part.end(&order.sql(), wanted, values);
        format!(
            "{with}SELECT * FROM (SELECT r.key AS key, r.current AS current, r.id AS id{keys} \
             FROM resource AS r{joins} \
             WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE resource = r.key AND parameter = ?) AND {filter}) \
             AS matched{end}"
        )
    }

    /// The bounds of a range that the one value must lie in. Wide values begin far before what they are found by: where there are any,
    /// the lower bound of the others does not count.
    fn range(&self, part: &Part, connection: &Connection, values: &mut Values) -> Result<String, Error> {
        let Some(range) = part.filter.range(self.parameter).filter(|_| self.is_single) else {
            return Ok(String::new());
        };
        let mut its = Values::new(connection);
        its.push(self.parameter);
        let has_wide = match range.wide(&mut its) {
            Some(wide) => {
                let sql = format!(
                    "SELECT count(*) FROM (SELECT 1 FROM {} WHERE parameter = ? AND {wide} LIMIT 1) AS probed",
                    self.table
                );
                connection.number(&sql, &its)? > 0
            }
            None => false,
        };
        Ok(range.bounds("o.", !has_wide, values))
    }

    /// The test that the row is the one of its resource that counts.
    fn best(&self, values: &mut Values) -> String {
        let Self { parameter, table, columns: (column, tie), descending, .. } = *self;
        let better = if descending { ">" } else { "<" };
        values.push(parameter);
        format!(
            "NOT EXISTS (SELECT 1 FROM {table} AS b WHERE b.resource = o.resource AND b.parameter = ? \
             AND (b.{column} {better} o.{column} OR (b.{column} = o.{column} AND b.{tie} {better} o.{tie})))"
        )
    }

    /// From the last value of the page before on.
    fn from(&self, wanted: &Wanted<'_>, values: &mut Values) -> String {
        let comparison = if self.descending { "<=" } else { ">=" };
        let column = format!("o.{}", self.columns.0);
        match wanted.position.and_then(|position| position.last.first()) {
            Some(SortValue::Integer(number)) => {
                values.push(*number);
                format!(" AND {column} {comparison} ?")
            }
            Some(SortValue::Text(text)) => {
                values.push(text.clone());
                match self.beginning(values) {
                    Some(beginning) => format!(" AND {beginning} {comparison} left(?, 200)"),
                    None => format!(" AND {column} {comparison} ?"),
                }
            }
            Some(SortValue::Missing) | None => String::new(),
        }
    }

    /// What the index begins with, when that is not the value itself.
    fn beginning(&self, values: &Values) -> Option<String> {
        let is_text = self.table != "date";
        is_text.then(|| values.dialect().beginning(&format!("o.{}", self.columns.0)))?
    }
}
