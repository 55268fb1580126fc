//! Values and cells in PostgreSQL's binary format.

use std::error::Error as Failure;
use std::fmt;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Cell, Error, Result, Value};

/// U+0000 is a character that PostgreSQL's texts cannot hold; this one is no character at all.
const NUL: &str = "\u{fffe}";

/// The driver writes values to its own log: it does not get to see them.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn Failure + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(value) if *kind == Type::INT8 => out.put_i64(*value),
            Self::Integer(value) if *kind == Type::INT4 => out.put_i32(i32::try_from(*value)?),
            Self::Text(value) if *kind == Type::TEXT && value.contains('\0') => {
                out.put_slice(value.replace('\0', NUL).as_bytes());
            }
            Self::Text(value) if *kind == Type::TEXT => out.put_slice(value.as_bytes()),
            Self::Blob(value) if *kind == Type::BYTEA => out.put_slice(value),
            _ => return Err("a value of another type than the statement expects".into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> std::result::Result<Self, Box<dyn Failure + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Self::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::TEXT => Self::Text(std::str::from_utf8(raw)?),
            _ => Self::Blob(raw),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn Failure + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(kind)
    }
}

/// A cell of a row.
pub(in crate::sql) fn cell(row: &tokio_postgres::Row, index: usize) -> Result<Cell<'_>> {
    row.try_get(index).map_err(|_| Error::Column)
}
