//! An open session: its client, and the statements that it has prepared.

use std::collections::HashMap;

use futures_util::future::{join, try_join_all};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::deferred::{Deferred, for_many};
use super::source::Source;
use crate::sql::dialect::numbered;
use crate::sql::{Error, Result, Value};

/// Statements kept prepared; then they are all let go, which costs each one round trip more.
const STATEMENTS: usize = 256;

/// Requests on the way at once.
const PIPELINE: usize = 256;

pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Carries the client's bytes; ends with it.
    carrier: tokio::task::JoinHandle<()>,
}

impl Session {
    pub(super) async fn open(source: &Source) -> Result<Self> {
        let (client, connection) = source.connect().await?;
        let carrier = tokio::spawn(async move {
            // How it ended is told to whoever waits for an answer.
            let _ = connection.run().await;
        });
        let session = Self { client, statements: HashMap::new(), carrier };
        session.batch(crate::sql::dialect::POSTGRES_SESSION).await?;
        Ok(session)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn execute(&mut self, before: &str, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let before = self.prepare(before, sql).await?;
        let statement = self.statement(sql)?;
        let parameters = parameters(values);
        self.behind(before, self.client.execute(statement, &parameters)).await
    }

    pub(super) async fn query(&mut self, before: &str, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let before = self.prepare(before, sql).await?;
        let statement = self.statement(sql)?;
        let parameters = parameters(values);
        self.behind(before, self.client.query(statement, &parameters)).await
    }

    pub(super) async fn execute_each<'v, R: AsRef<[Value<'v>]>>(
        &mut self,
        before: &str,
        sql: &str,
        rows: &[R],
    ) -> Result<()> {
        let mut before = self.prepare(before, sql).await?;
        let statement = self.statement(sql)?;
        for rows in rows.chunks(PIPELINE) {
            let parameters: Vec<_> = rows.iter().map(|row| parameters(row.as_ref())).collect();
            let all = try_join_all(parameters.iter().map(|parameters| self.client.execute(statement, parameters)));
            self.behind(std::mem::take(&mut before), all).await?;
        }
        Ok(())
    }

    /// Runs what was put off, a stage at a time; all rows of an insertion in one statement.
    pub(super) async fn execute_all(&mut self, before: &str, deferred: &Deferred) -> Result<()> {
        let mut before = before.to_owned();
        for stage in deferred.stages() {
            let mut runs = Vec::with_capacity(stage.len());
            for one in stage {
                before = self.prepare(&before, &one.sql).await?;
                let many =
                    if one.rows.len() > 1 { for_many(&one.sql, self.statement(&one.sql)?.params()) } else { None };
                if let Some(many) = &many {
                    before = self.prepare(&before, many).await?;
                    runs.push(Run { statement: self.statement(many)?.clone(), values: columns(&one.rows) });
                    continue;
                }
                let statement = self.statement(&one.sql)?;
                runs.extend(one.rows.iter().map(|row| Run { statement: statement.clone(), values: cells(row) }));
            }
            for runs in runs.chunks(PIPELINE) {
                let all = try_join_all(runs.iter().map(|run| run.on(&self.client)));
                self.behind(std::mem::take(&mut before), all).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn query_each<'v, R: AsRef<[Value<'v>]>>(
        &mut self,
        before: &str,
        sql: &str,
        rows: &[R],
    ) -> Result<Vec<Vec<Row>>> {
        let before = self.prepare(before, sql).await?;
        let statement = self.statement(sql)?;
        let parameters: Vec<_> = rows.iter().map(|row| parameters(row.as_ref())).collect();
        let all = try_join_all(parameters.iter().map(|parameters| self.client.query(statement, parameters)));
        self.behind(before, all).await
    }

    /// Declares a cursor and reads its first rows in one round trip.
    pub(super) async fn open_cursor(
        &mut self,
        before: &str,
        declare: &str,
        values: &[Value<'_>],
        fetch: &str,
    ) -> Result<Vec<Row>> {
        let before = self.prepare(before, declare).await?;
        let statement = self.statement(declare)?;
        let parameters = parameters(values);
        let declared = self.behind(before, self.client.execute(statement, &parameters));
        let (declared, rows) = join(declared, self.client.query_typed(fetch, &[])).await;
        declared?;
        Ok(rows?)
    }

    /// Reads more rows of a cursor.
    pub(super) async fn fetch(&self, before: &str, fetch: &str) -> Result<Vec<Row>> {
        self.behind(before.to_owned(), self.client.query_typed(fetch, &[])).await
    }

    /// Sends `before` and the request in one go; the first failure counts.
    async fn behind<T>(
        &self,
        before: String,
        request: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        if before.is_empty() {
            return Ok(request.await?);
        }
        let (before, answer) = join(self.client.batch_execute(&before), request).await;
        before?;
        Ok(answer?)
    }

    /// Prepares a statement, unless it is. What is to be sent before a statement goes before its preparation as well; what is
    /// left of it.
    async fn prepare(&mut self, before: &str, sql: &str) -> Result<String> {
        if self.statements.contains_key(sql) {
            return Ok(before.to_owned());
        }
        if !before.is_empty() {
            self.batch(before).await?;
        }
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let statement = self.client.prepare(&numbered(sql)).await?;
        self.statements.insert(sql.to_owned(), statement);
        Ok(String::new())
    }

    fn statement(&self, sql: &str) -> Result<&Statement> {
        self.statements.get(sql).ok_or(Error::Column)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// A statement with its values.
struct Run<'v> {
    statement: Statement,
    values: Vec<Box<dyn ToSql + Sync + 'v>>,
}

impl Run<'_> {
    async fn on(&self, client: &Client) -> std::result::Result<u64, tokio_postgres::Error> {
        let values: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|value| &**value as _).collect();
        client.execute(&self.statement, &values).await
    }
}

fn cells<'v>(row: &'v [Value<'static>]) -> Vec<Box<dyn ToSql + Sync + 'v>> {
    row.iter().map(|value| Box::new(value) as _).collect()
}

/// The same values as an array for each column.
fn columns<'v>(rows: &'v [Vec<Value<'static>>]) -> Vec<Box<dyn ToSql + Sync + 'v>> {
    let width = rows.first().map_or(0, Vec::len);
    let column = |number: usize| rows.iter().filter_map(|row| row.get(number)).collect::<Vec<&'v Value<'static>>>();
    (0..width).map(|number| Box::new(column(number)) as _).collect()
}

fn parameters<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
