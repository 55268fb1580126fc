//! The seam on PostgreSQL: a connection that one thread owns, with a runtime of its own, that comes back after it was lost.

mod cells;
mod cursor;
mod deferred;
mod session;
mod source;

use std::cell::{Cell as Slot, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{Error, Result, Row, Value};
pub(super) use cells::cell;
use deferred::Deferred;
use session::Session;
pub use source::SourceError;
pub(crate) use source::{Source, check_url};

/// How much longer than a statement's own timeout we wait for its answer before the connection is given up.
const GRACE: Duration = Duration::from_secs(2);

/// Keys of new rows that are fetched at a time.
const KEYS: u32 = 64;

/// Numbers that are this transaction's own: nobody else writes until it ends.
#[derive(Default)]
struct Numbers {
    /// Keys of new rows, by their table.
    keys: HashMap<String, VecDeque<i64>>,
    /// The last one of each series.
    last: HashMap<(String, Vec<Value<'static>>), i64>,
}

/// A connection. Must not be used on a thread that runs async tasks.
pub(crate) struct Connection {
    runtime: Runtime,
    source: Arc<Source>,
    session: RefCell<Option<Session>>,
    /// Statements without an answer of interest, sent along with the next one: savepoints cost no round trip.
    pending: RefCell<String>,
    /// Writes that are sent with whatever is sent next.
    deferred: RefCell<Deferred>,
    /// What this transaction may give away.
    numbers: RefCell<Numbers>,
    /// Whether the savepoint of the running job has been sent, so that there is something to undo.
    is_job_sent: Slot<bool>,
    is_in_transaction: Slot<bool>,
    /// Whether a statement failed: the transaction takes no other until it is undone.
    has_failed: Slot<bool>,
    deadline: Slot<Option<Instant>>,
    cursors: Slot<u32>,
}

impl Connection {
    /// A connection that is made when it is first needed.
    pub(crate) fn new(source: Arc<Source>) -> std::io::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            source,
            session: RefCell::new(None),
            pending: RefCell::new(String::new()),
            deferred: RefCell::default(),
            numbers: RefCell::default(),
            is_job_sent: Slot::new(false),
            is_in_transaction: Slot::new(false),
            has_failed: Slot::new(false),
            deadline: Slot::new(None),
            cursors: Slot::new(0),
        })
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        self.ask(async |session, before| session.execute(before, sql, values).await)
    }

    pub(super) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<()> {
        if !self.is_in_transaction.get() {
            let rows: Vec<R> = rows.collect();
            return self.ask(async |session, before| session.execute_each(before, sql, &rows).await);
        }
        for row in rows {
            self.put_off(sql, row.as_ref().iter().map(Value::owned).collect())?;
        }
        Ok(())
    }

    fn put_off(&self, sql: &str, row: Vec<Value<'static>>) -> Result<()> {
        let is_full = {
            let mut deferred = self.deferred.borrow_mut();
            deferred.add(sql, row);
            deferred.is_full()
        };
        if is_full { self.settle() } else { Ok(()) }
    }

    /// Sends what was put off.
    pub(super) fn settle(&self) -> Result<()> {
        let deferred = self.deferred.take();
        if deferred.is_empty() {
            return Ok(());
        }
        self.tell(async |session, before| session.execute_all(before, &deferred).await)
    }

    /// The key is this side's choice, so that nobody need wait for it.
    pub(super) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        let keyed = deferred::with_key(sql, values.len()).zip(deferred::table(sql));
        let Some((keyed, table)) = keyed.filter(|_| self.is_in_transaction.get()) else {
            return self.one(&format!("{sql} RETURNING key"), values, |row| row.get(0))?.ok_or(Error::NoRow);
        };
        let key = self.key(table)?;
        self.put_off(&keyed, values.iter().map(Value::owned).chain([Value::from(key)]).collect())?;
        Ok(key)
    }

    fn key(&self, table: &str) -> Result<i64> {
        let known = self.numbers.borrow_mut().keys.get_mut(table).and_then(VecDeque::pop_front);
        if let Some(key) = known {
            return Ok(key);
        }
        let keys = self.all(&super::dialect::postgres_keys(table, KEYS), &[], |row| row.get(0))?;
        let mut keys = VecDeque::from(keys);
        let first = keys.pop_front().ok_or(Error::NoRow)?;
        self.numbers.borrow_mut().keys.insert(table.to_owned(), keys);
        Ok(first)
    }

    pub(super) fn next(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        let series = (sql.to_owned(), values.iter().map(Value::owned).collect());
        let last = self.numbers.borrow().last.get(&series).copied();
        let next = match last {
            Some(last) => last,
            None => self.one(sql, values, |row| row.get::<i64>(0))?.ok_or(Error::NoRow)?,
        } + 1;
        if self.is_in_transaction.get() {
            self.numbers.borrow_mut().last.insert(series, next);
        }
        Ok(next)
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let rows = self.query(sql, values)?;
        rows.first().map(|row| read(&Row::Postgres(row))).transpose()
    }

    pub(super) fn one_each<'v, T, R: AsRef<[Value<'v>]>>(
        &self,
        sql: &str,
        rows: &[R],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        let found = self.ask(async |session, before| session.query_each(before, sql, rows).await)?;
        found.iter().map(|rows| rows.first().map(|row| read(&Row::Postgres(row))).transpose()).collect()
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.query(sql, values)?.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>> {
        self.ask(async |session, before| session.query(before, sql, values).await)
    }

    pub(super) fn each<E: From<Error>>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: impl FnMut(&Row<'_>) -> std::result::Result<ControlFlow<()>, E>,
    ) -> std::result::Result<(), E> {
        cursor::each(self, sql, values, visit)
    }

    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        self.ask(async |session, before| session.batch(&format!("{before}{sql}")).await)
    }

    /// Begins a transaction, over a new connection if the old one was lost meanwhile.
    pub(super) fn begin_writing(&self) -> Result<()> {
        self.begin(super::dialect::POSTGRES_BEGIN_WRITING)
    }

    pub(super) fn begin_reading(&self) -> Result<()> {
        let mut begin = super::dialect::POSTGRES_BEGIN_READING.to_owned();
        if let Some(timeout) = self.timeout() {
            begin.push_str(&timeout);
        }
        self.begin(&begin)
    }

    fn begin(&self, sql: &str) -> Result<()> {
        self.pending.borrow_mut().clear();
        self.forget();
        self.is_in_transaction.set(false);
        let begun = self.batch(sql);
        self.has_failed.set(false);
        if begun.is_err() {
            // Half of it may have been done.
            *self.session.borrow_mut() = None;
        }
        self.is_in_transaction.set(begun.is_ok());
        begun
    }

    /// Lets go of what belonged to a transaction.
    fn forget(&self) {
        self.deferred.take();
        self.numbers.take();
    }

    pub(super) fn begin_job(&self) {
        self.defer("SAVEPOINT job;");
        self.is_job_sent.set(false);
    }

    pub(super) fn undo_job(&self) {
        self.deferred.take();
        // After a failed statement nothing else is taken; before the first one there is nothing to undo.
        if self.is_job_sent.get() {
            self.pending.borrow_mut().clear();
            self.defer("ROLLBACK TO SAVEPOINT job;");
        }
        self.has_failed.set(false);
    }

    pub(super) fn end_job(&self) -> Result<()> {
        self.settle()?;
        if self.has_failed.get() {
            return Err(Error::Failed);
        }
        self.defer("RELEASE SAVEPOINT job;");
        Ok(())
    }

    pub(super) fn commit(&self) -> Result<()> {
        self.settle()?;
        // The server would roll back, and call that a success.
        if self.has_failed.get() {
            return Err(Error::Failed);
        }
        let is_open = self.is_in_transaction();
        let committed = self.batch("COMMIT");
        self.is_in_transaction.set(false);
        match committed {
            Err(Error::Lost(_) | Error::Late) if is_open => Err(Error::Unknown),
            other => other,
        }
    }

    pub(super) fn roll_back(&self) {
        self.pending.borrow_mut().clear();
        self.forget();
        self.has_failed.set(false);
        // Even past the deadline: the connection is used again.
        let deadline = self.deadline.replace(None);
        if self.is_in_transaction.replace(false) && self.batch("ROLLBACK").is_err() {
            *self.session.borrow_mut() = None;
        }
        self.deadline.set(deadline);
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.is_in_transaction.get() && self.session.borrow().as_ref().is_some_and(Session::is_open)
    }

    /// Runs `work`. The server ends a statement at the deadline, or we do when it does not answer.
    pub(super) fn until<T, E>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let _reset = Reset { connection: self, before: self.deadline.replace(Some(deadline)) };
        let is_inside = self.is_in_transaction();
        if is_inside && let Some(timeout) = self.timeout() {
            self.defer(&timeout);
        }
        let result = work();
        // A failure is rolled back, and the timeout with it, if it was sent.
        if is_inside && (result.is_ok() || !self.is_job_sent.get()) {
            self.defer("SET LOCAL statement_timeout = 0;");
        }
        result
    }

    fn timeout(&self) -> Option<String> {
        let left = self.deadline.get()?.saturating_duration_since(Instant::now());
        Some(format!("SET LOCAL statement_timeout = {};", left.as_millis().clamp(1, 1 << 30)))
    }

    fn defer(&self, sql: &str) {
        self.pending.borrow_mut().push_str(sql);
    }

    /// Sends a request behind what was put off, and waits for its answer.
    fn ask<T>(&self, request: impl AsyncFn(&mut Session, &str) -> Result<T>) -> Result<T> {
        self.settle()?;
        self.tell(request)
    }

    /// Sends a request together with what is pending, and waits for its answer.
    fn tell<T>(&self, request: impl AsyncFn(&mut Session, &str) -> Result<T>) -> Result<T> {
        let deadline = self.deadline.get();
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::Late);
        }
        let before = std::mem::take(&mut *self.pending.borrow_mut());
        self.is_job_sent.set(true);
        let mut slot = self.session.borrow_mut();
        let is_used = slot.is_some();
        let answer = self.runtime.block_on(within(deadline, async {
            match self.send(&mut slot, &before, &request).await {
                // It was lost while nobody used it: nothing was begun, and a new one may do.
                Err(Error::Lost(_)) if is_used && !self.is_in_transaction.get() => {
                    self.send(&mut slot, &before, &request).await
                }
                answer => answer,
            }
        }));
        if matches!(answer, Err(Error::Late)) {
            *slot = None;
        }
        self.has_failed.set(self.has_failed.get() || answer.is_err());
        answer
    }

    async fn send<T>(
        &self,
        slot: &mut Option<Session>,
        before: &str,
        request: &impl AsyncFn(&mut Session, &str) -> Result<T>,
    ) -> Result<T> {
        let answer = match self.session(slot).await {
            Ok(session) => request(session, before).await,
            Err(error) => Err(error),
        };
        if matches!(answer, Err(Error::Lost(_))) {
            *slot = None;
        }
        answer
    }

    /// The session that is open; outside of a transaction a new one when it was lost.
    async fn session<'s>(&self, slot: &'s mut Option<Session>) -> Result<&'s mut Session> {
        if !slot.as_ref().is_some_and(Session::is_open) {
            *slot = None;
            if self.is_in_transaction.get() {
                return Err(Error::Lost(None));
            }
        }
        match slot {
            Some(session) => Ok(session),
            None => Ok(slot.insert(Session::open(&self.source).await?)),
        }
    }
}

async fn within<T>(deadline: Option<Instant>, answer: impl Future<Output = Result<T>>) -> Result<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at((deadline + GRACE).into(), answer).await.unwrap_or(Err(Error::Late)),
        None => answer.await,
    }
}

/// Puts the deadline before it back, after a panic too.
struct Reset<'c> {
    connection: &'c Connection,
    before: Option<Instant>,
}

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.connection.deadline.set(self.before);
    }
}
