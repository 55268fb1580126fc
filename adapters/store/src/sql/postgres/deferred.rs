//! Statements whose answers nobody reads. They wait until somebody asks for something or the job ends, and go to the server
//! together: one round trip, and one statement for all rows of a table.

use tokio_postgres::types::Type;

use crate::sql::Value;
use crate::sql::dialect::numbered;

/// Bytes of values that wait at most.
const LARGEST: usize = 4 << 20;

/// Writes that wait, in their order as far as it matters.
#[derive(Default)]
pub(super) struct Deferred {
    statements: Vec<Statement>,
    size: usize,
}

/// One statement and the rows of values that it runs with.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) rows: Vec<Vec<Value<'static>>>,
}

impl Deferred {
    /// Adds a row: to the same statement where that waits already and nothing but insertions stands in between.
    pub(super) fn add(&mut self, sql: &str, row: Vec<Value<'static>>) {
        self.size += sql.len() + row.iter().map(|value| value.size() + size_of::<Value<'_>>()).sum::<usize>();
        let kind = kind(sql);
        let mut same = self.statements.iter_mut().rev().take_while(|statement| kind == self::kind(&statement.sql));
        match same.find(|statement| statement.sql == sql) {
            Some(statement) => statement.rows.push(row),
            None => self.statements.push(Statement { sql: sql.to_owned(), rows: vec![row] }),
        }
    }

    /// Whether no more should wait.
    pub(super) const fn is_full(&self) -> bool {
        self.size >= LARGEST
    }

    /// What waits, in stages: the statements of a stage may run in any order.
    pub(super) fn stages(&self) -> impl Iterator<Item = &[Statement]> {
        self.statements.chunk_by(|one, other| kind(&one.sql) == kind(&other.sql))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

/// What a statement does: its first word.
fn kind(sql: &str) -> &str {
    sql.split(' ').next().unwrap_or_default()
}

/// The same insertion for many rows, whose values come as one array for each column. `None` when it is none, or has something else
/// than a `?` for a column.
pub(super) fn for_many(sql: &str, types: &[Type]) -> Option<String> {
    let sql = numbered(sql);
    let (head, rest) = sql.split_once(" VALUES (")?;
    let (list, tail) = rest.split_once(')')?;
    let column = |mark: &str| mark.strip_prefix('$')?.parse::<usize>().ok().map(|number| format!("column{number}"));
    let columns: Option<Vec<String>> = list.split(", ").map(column).collect();
    let arrays: Vec<String> = (1..).zip(types).map(|(number, kind)| format!("${number}::{}[]", kind.name())).collect();
    let names: Vec<String> = (1..=types.len()).map(|number| format!("column{number}")).collect();
    Some(format!(
        "{head} SELECT {} FROM unnest({}) AS given ({}){tail}",
        columns?.join(", "),
        arrays.join(", "),
        names.join(", ")
    ))
}

/// An insertion with its key as one more value, behind the others.
pub(super) fn with_key(sql: &str, values: usize) -> Option<String> {
    let (head, rest) = sql.split_once(" (")?;
    let (columns, list) = rest.split_once(" VALUES (")?;
    Some(format!("{head} (key, {columns} VALUES (?{}, {list}", values + 1))
}

/// The table that an insertion goes into.
pub(super) fn table(sql: &str) -> Option<&str> {
    sql.strip_prefix("INSERT INTO ")?.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::values;

    #[test]
    fn rows_of_the_same_insertion_go_together_but_not_past_a_deletion() {
        let mut deferred = Deferred::default();
        for sql in ["INSERT INTO a", "INSERT INTO b", "INSERT INTO a", "DELETE FROM a", "INSERT INTO a"] {
            deferred.add(sql, values![1_i64].to_vec());
        }
        let stages: Vec<Vec<(&str, usize)>> = deferred
            .stages()
            .map(|stage| stage.iter().map(|one| (one.sql.as_str(), one.rows.len())).collect())
            .collect();
        let expected =
            [vec![("INSERT INTO a", 2), ("INSERT INTO b", 1)], vec![("DELETE FROM a", 1)], vec![("INSERT INTO a", 1)]];
        assert_eq!(stages, expected);
    }

    #[test]
    fn an_insertion_takes_arrays_and_a_key() {
        let many = for_many("INSERT INTO a (x, y) VALUES (?2, ?1) ON CONFLICT DO NOTHING", &[Type::INT8, Type::TEXT]);
        let expected = "INSERT INTO a (x, y) SELECT column2, column1 FROM unnest($1::int8[], $2::text[]) \
                        AS given (column1, column2) ON CONFLICT DO NOTHING";
        assert_eq!(many.as_deref(), Some(expected));
        assert_eq!(for_many("INSERT INTO a (x) VALUES (now())", &[]), None);
        assert_eq!(for_many("DELETE FROM a WHERE x = ?1", &[Type::INT8]), None);
        let keyed = with_key("INSERT INTO a (x, y) VALUES (?1, ?2)", 2);
        assert_eq!(keyed.as_deref(), Some("INSERT INTO a (key, x, y) VALUES (?3, ?1, ?2)"));
    }
}
