//! Where the databases differ. Whatever is not here is written the same for all.

use super::Values;

/// The SQL that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite's.
    Sqlite,
}

/// U+10FFFF is the last character, and none of Unicode's: no text that begins with another one lies behind it and two of these.
const LAST: &str = "\u{10ffff}\u{10ffff}";

impl Dialect {
    /// Begins a transaction in which nobody else writes until it ends.
    pub(super) const fn begin_writing(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    /// Begins a transaction that sees one state of the database.
    pub(super) const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
        }
    }

    /// The test that an indexed text is this one.
    pub(crate) fn is(self, column: &str, text: &str, values: &mut Values) -> String {
        values.push(text.to_owned());
        match self {
            Self::Sqlite => format!("{column} = ?"),
        }
    }

    /// The test that an indexed text begins with this one.
    pub(crate) fn begins(self, column: &str, text: &str, values: &mut Values) -> String {
        values.push(text.to_owned());
        values.push(format!("{text}{LAST}"));
        match self {
            Self::Sqlite => format!("{column} >= ? AND {column} < ?"),
        }
    }

    /// The test that a text contains this one.
    pub(crate) fn contains(self, column: &str, text: &str, values: &mut Values) -> String {
        values.push(text.to_owned());
        match self {
            Self::Sqlite => format!("instr({column}, ?) > 0"),
        }
    }

    /// Deletes a row of `token`, `text`, `date` and `link` by all its columns, in the order in which they are inserted.
    pub(crate) const fn delete_row(self) -> [&'static str; 4] {
        match self {
            Self::Sqlite => [
                "DELETE FROM token WHERE parameter = ?1 AND code = ?2 AND resource = ?3 AND system = ?4",
                "DELETE FROM text WHERE parameter = ?1 AND value = ?2 AND resource = ?3 AND exact = ?4",
                "DELETE FROM date WHERE parameter = ?1 AND low = ?2 AND resource = ?3 AND high = ?4",
                "DELETE FROM link WHERE parameter = ?1 AND target = ?2 AND resource = ?3 AND type = ?4",
            ],
        }
    }
}
