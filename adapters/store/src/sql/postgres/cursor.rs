//! Results of any size, read in parts.

use std::ops::ControlFlow;

use super::Connection;
use crate::sql::{Error, Result, Row, Value};

/// Rows in a part.
const PART: usize = 64;

/// Shows each row to `visit`, which may use the connection.
pub(super) fn each<E: From<Error>>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut visit: impl FnMut(&Row<'_>) -> std::result::Result<ControlFlow<()>, E>,
) -> std::result::Result<(), E> {
    // Named by depth: a cursor inside of another one has a name of its own, and the statement is still a prepared one.
    let cursor = Open::new(connection);
    let mut rows = cursor.first(sql, values)?;
    loop {
        for row in &rows {
            if visit(&Row::Postgres(row))?.is_break() {
                cursor.close();
                return Ok(());
            }
        }
        if rows.len() < PART {
            cursor.close();
            return Ok(());
        }
        rows = cursor.more()?;
    }
}

struct Open<'c> {
    connection: &'c Connection,
    depth: u32,
}

impl<'c> Open<'c> {
    fn new(connection: &'c Connection) -> Self {
        let depth = connection.cursors.get();
        connection.cursors.set(depth + 1);
        Self { connection, depth }
    }

    fn first(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>> {
        let declare = format!("DECLARE each{} NO SCROLL CURSOR FOR {sql}", self.depth);
        let fetch = self.fetch();
        self.connection.ask(async |session, before| session.open_cursor(before, &declare, values, &fetch).await)
    }

    fn more(&self) -> Result<Vec<tokio_postgres::Row>> {
        let fetch = self.fetch();
        self.connection.ask(async |session, before| session.fetch(before, &fetch).await)
    }

    fn fetch(&self) -> String {
        format!("FETCH {PART} FROM each{}", self.depth)
    }

    fn close(&self) {
        self.connection.defer(&format!("CLOSE each{};", self.depth));
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // What was not closed ends with the job or transaction that failed.
        self.connection.cursors.set(self.depth);
    }
}
