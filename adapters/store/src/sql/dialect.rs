//! Where the databases differ. Whatever is not here is written the same for all.

use super::Values;

/// The SQL that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's. An entry of its B-trees has at most 2704 bytes: texts are indexed by their beginning, `left(column, 200)`, and the
    /// tests say so beside what they test.
    Postgres,
}

/// U+10FFFF is the last character, and none of Unicode's: no text that begins with another one lies behind it and two of these.
const LAST: &str = "\u{10ffff}\u{10ffff}";

impl Dialect {
    /// How many rows are worth being read before they are needed: where asking costs more than reading.
    pub(crate) const fn read_ahead(self) -> usize {
        match self {
            Self::Sqlite => 1,
            Self::Postgres => 16,
        }
    }

    /// The test that an indexed text is this one.
    pub(crate) fn is(self, column: &str, text: &str, values: &mut Values) -> String {
        values.push(text.to_owned());
        match self {
            Self::Sqlite => format!("{column} = ?"),
            Self::Postgres => {
                values.push(text.to_owned());
                format!("left({column}, 200) = left(?, 200) AND {column} = ?")
            }
        }
    }

    /// The test that an indexed text begins with this one.
    pub(crate) fn begins(self, column: &str, text: &str, values: &mut Values) -> String {
        let end = format!("{text}{LAST}");
        values.extend([text.to_owned(), end.clone()]);
        match self {
            Self::Sqlite => format!("{column} >= ? AND {column} < ?"),
            Self::Postgres => {
                values.extend([text.to_owned(), end]);
                format!(
                    "left({column}, 200) >= left(?, 200) AND left({column}, 200) <= left(?, 200) \
                     AND {column} >= ? AND {column} < ?"
                )
            }
        }
    }

    /// The test that a text contains this one.
    pub(crate) fn contains(self, column: &str, text: &str, values: &mut Values) -> String {
        values.push(text.to_owned());
        match self {
            Self::Sqlite => format!("instr({column}, ?) > 0"),
            Self::Postgres => format!("strpos({column}, ?) > 0"),
        }
    }

    /// The test that an indexed text is what an expression says, behind a text where there is one: `expression` has a `?` for it.
    pub(crate) fn same(self, column: &str, expression: &str, before: Option<&str>, values: &mut Values) -> String {
        values.extend(before.map(str::to_owned));
        match self {
            Self::Sqlite => format!("{column} = {expression}"),
            Self::Postgres => {
                values.extend(before.map(str::to_owned));
                format!("left({column}, 200) = left({expression}, 200) AND {column} = {expression}")
            }
        }
    }

    /// What the index of a text begins with, when that is not the text itself: what is read in its order is sorted by both.
    pub(crate) fn beginning(self, column: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(format!("left({column}, 200)")),
        }
    }

    /// What asks for the plan of a statement before it, and the column of the answer that tells it.
    pub(crate) const fn explain(self) -> (&'static str, usize) {
        match self {
            Self::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
            Self::Postgres => ("EXPLAIN (COSTS OFF) ", 0),
        }
    }

    /// Joins that are made in the order in which they are written. PostgreSQL finds it by itself.
    pub(crate) const fn join_in_order(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
        }
    }

    /// Deletes a row of `token`, `text`, `date`, `link` and `amount` by the columns that tell it from the others, in the order in which
    /// they are inserted.
    pub(crate) const fn delete_row(self) -> [&'static str; 5] {
        match self {
            Self::Sqlite => [
                "DELETE FROM token WHERE parameter = ?1 AND code = ?2 AND resource = ?3 AND system = ?4",
                "DELETE FROM text WHERE parameter = ?1 AND value = ?2 AND resource = ?3 AND exact = ?4",
                "DELETE FROM date WHERE parameter = ?1 AND low = ?2 AND resource = ?3 AND high = ?4",
                "DELETE FROM link WHERE parameter = ?1 AND target = ?2 AND resource = ?3 AND type = ?4",
                "DELETE FROM amount WHERE parameter = ?1 AND low = ?2 AND resource = ?3 AND high = ?4 \
                 AND system = ?5 AND code = ?6 AND unit = ?7",
            ],
            Self::Postgres => [
                "DELETE FROM token WHERE parameter = ?1 AND left(code, 200) = left(?2, 200) AND code = ?2 \
                 AND resource = ?3 AND system = ?4",
                "DELETE FROM text WHERE parameter = ?1 AND left(value, 200) = left(?2, 200) AND value = ?2 \
                 AND resource = ?3 AND exact = ?4",
                "DELETE FROM date WHERE parameter = ?1 AND low = ?2 AND resource = ?3 AND high = ?4",
                "DELETE FROM link WHERE parameter = ?1 AND left(target, 200) = left(?2, 200) AND target = ?2 \
                 AND resource = ?3 AND type = ?4",
                "DELETE FROM amount WHERE parameter = ?1 AND low = ?2 AND resource = ?3 AND high = ?4 \
                 AND system = ?5 AND code = ?6 AND unit = ?7",
            ],
        }
    }
}

/// What a new session on PostgreSQL is told. A commit that is answered is on the disk, whatever the server's default; whoever hangs
/// in a transaction does not keep the others from writing for ever.
pub(super) const POSTGRES_SESSION: &str = "\
    SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = 0; \
    SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local');";

/// Begins a transaction in which nobody else writes: the lock is the store's own, one for each schema, and is let go once what was
/// written can be seen. Each statement sees what was committed before it.
pub(super) const POSTGRES_BEGIN_WRITING: &str = "\
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SELECT pg_advisory_xact_lock(1179796563, hashtext(current_schema()));";

/// Begins a transaction that sees one state of the database. Searches are planned for their own values: a plan for any value does not
/// know that one practitioner has a few appointments and one status most of them.
pub(super) const POSTGRES_BEGIN_READING: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan;";

/// Counts what the tables hold, for plans.
pub(super) const POSTGRES_TAKE_STOCK: &str = "ANALYZE resource, version, token, text, date, amount, link";

/// Lets an identity column go on behind the highest key; of a table without one nothing happens.
pub(super) fn postgres_number_on(table: &str) -> String {
    format!(
        "SELECT setval(pg_get_serial_sequence('{table}', 'key'), coalesce(max(key), 1), count(*) > 0) FROM {table};"
    )
}

/// Keys that the identity column of a table gives away.
pub(super) fn postgres_keys(table: &str, count: u32) -> String {
    format!("SELECT nextval(pg_get_serial_sequence('{table}', 'key')) FROM generate_series(1, {count})")
}

/// A statement with its `?` and `?1` as PostgreSQL writes them, `$1`.
pub(super) fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let (mut next, mut is_quoted) = (0, false);
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        is_quoted ^= letter == '\'';
        if letter != '?' || is_quoted {
            out.push(letter);
            continue;
        }
        out.push('$');
        if !letters.peek().is_some_and(char::is_ascii_digit) {
            next += 1;
            out.push_str(&next.to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_marks_become_numbers_except_within_quotes() {
        assert_eq!(numbered("a = ? AND b = '?' AND c = ?"), "a = $1 AND b = '?' AND c = $2");
        assert_eq!(numbered("a = ?2 AND b = ?1 OR ?2"), "a = $2 AND b = $1 OR $2");
    }
}
