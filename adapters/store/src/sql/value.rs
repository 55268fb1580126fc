//! Values that go into statements, and the cells of rows that come out.

use std::borrow::Cow;

use super::{Connection, Dialect, Error, Result};

/// A value for a `?`. Made of what it is with `From`: see the macro `values!`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value<'a> {
    /// No value.
    Null,
    /// A whole number; truth is 0 or 1.
    Integer(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// How many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }

    /// The same, borrowed from nobody.
    pub(crate) fn owned(&self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(value) => Value::Integer(*value),
            Self::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
            Self::Blob(bytes) => Value::Blob(Cow::Owned(bytes.clone().into_owned())),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement that is being put together, in the order of its `?`; and the dialect that it is put together in.
pub(crate) struct Values {
    dialect: Dialect,
    list: Vec<Value<'static>>,
}

impl Values {
    /// None yet.
    pub(crate) const fn new(connection: &Connection) -> Self {
        Self { dialect: connection.dialect(), list: Vec::new() }
    }

    /// The dialect of the statement.
    pub(crate) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Adds the value of the next `?`.
    pub(crate) fn push(&mut self, value: impl Into<Value<'static>>) {
        self.list.push(value.into());
    }

    /// Adds the values of the next `?`s.
    pub(crate) fn extend<T: Into<Value<'static>>>(&mut self, values: impl IntoIterator<Item = T>) {
        self.list.extend(values.into_iter().map(Into::into));
    }
}

impl std::ops::Deref for Values {
    type Target = [Value<'static>];

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

/// A row of a result.
pub(crate) enum Row<'r> {
    /// SQLite's own.
    Sqlite(&'r rusqlite::Row<'r>),
    /// PostgreSQL's own.
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The cell of that column, counted from 0.
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => super::sqlite::cell(row, index),
            Self::Postgres(row) => super::postgres::cell(row, index),
        }
    }

    /// What the cell of that column holds.
    pub(crate) fn get<T: FromCell>(&self, index: usize) -> Result<T> {
        T::from_cell(self.cell(index)?).ok_or(Error::Column)
    }
}

/// What a row holds in one column.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'r> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'r str),
    /// Bytes.
    Blob(&'r [u8]),
}

impl Cell<'_> {
    /// The same as a value.
    pub(crate) fn to_value(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(value) => Value::Integer(value),
            Self::Text(value) => Value::Text(Cow::Owned(value.to_owned())),
            Self::Blob(value) => Value::Blob(Cow::Owned(value.to_vec())),
        }
    }

    /// Writes it so that no two rows of cells are written the same: its kind, its length, itself.
    pub(crate) fn write(self, out: &mut dyn FnMut(&[u8])) {
        let number;
        let (kind, bytes) = match self {
            Self::Null => (b'n', &[][..]),
            Self::Integer(value) => {
                number = value.to_be_bytes();
                (b'i', &number[..])
            }
            Self::Text(value) => (b't', value.as_bytes()),
            Self::Blob(value) => (b'b', value),
        };
        out(&[kind]);
        out(&(bytes.len() as u64).to_be_bytes());
        out(bytes);
    }
}

/// What can be read out of a cell.
pub(crate) trait FromCell: Sized {
    /// `None` when the cell holds something else.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Integer(value) = cell { Some(value) } else { None }
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|value| value != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(value) = cell { Some(value.to_owned()) } else { None }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(value) = cell { Some(value.to_vec()) } else { None }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if matches!(cell, Cell::Null) { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}
