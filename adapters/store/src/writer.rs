//! The one thread that writes. It takes the writes that wait, up to [`GROUP`], into one transaction, a savepoint each, commits
//! once, and then answers: one fsync for all of them, and nothing acknowledged that is not on the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adapter::{Error, ErrorKind, Health};
use tokio::sync::{mpsc, oneshot};

use crate::checkpoint::Checkpoints;
use crate::failure::{Disk, disk, disk_behind, failure};
use crate::sql::{self, Connection, Dialect};

/// Most writes in one transaction.
const GROUP: usize = 64;

/// Most writes that wait; whoever comes then waits outside, until its deadline.
const QUEUE: usize = 1024;

/// The way to the writing thread.
pub(crate) struct Writer {
    // Behind `Option` so that the queue is closed before the thread is waited for.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection, checkpoints: Option<Checkpoints>) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Loop { connection, checkpoints, state: shared }.run(jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), state })
    }

    /// Runs `work` inside a transaction, and returns once that is committed. Work that fails leaves nothing behind and does
    /// not disturb the others of its group. Whatever must be written together with a resource, such as a message for an
    /// outbox, goes into the same `work`.
    pub(crate) async fn write<T, F>(&self, deadline: Instant, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Pending { work: Some(work), result: None, answer: Some(answer), deadline });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        match tokio::time::timeout_at(deadline.into(), queue.send(job)).await {
            Ok(Ok(())) => answered.await.map_err(|_| stopped())?,
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(Error::new(ErrorKind::Shed, "the store has too many writes waiting; nothing was written")
                .after(Duration::from_secs(1))),
        }
    }

    /// How writing goes.
    pub(crate) fn health(&self) -> Health {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Health::Down("the writing thread has ended: restart; reads go on".into());
        }
        match self.state.0.load(Ordering::Acquire) {
            State::WELL => Health::Up,
            State::FULL => Health::Degraded("the disk is full: writes are refused, reads go on".into()),
            _ => Health::Down("writing failed and was stopped: check the disk, then restart; reads go on".into()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // What was taken is committed and answered before the store is gone.
            let _ = thread.join();
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "the store does not take writes any more; nothing was written")
}

#[derive(Default)]
struct State(AtomicU8);

impl State {
    const WELL: u8 = 0;
    const FULL: u8 = 1;
    const STOPPED: u8 = 2;

    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::STOPPED
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Release);
    }
}

/// How one write went.
enum Outcome {
    /// It is done.
    Done,
    /// It must leave nothing behind; and what that says about the disk.
    Refused(Disk),
}

/// One write, type-erased.
trait Job: Send {
    /// Does it.
    fn run(&mut self, connection: &Connection) -> Outcome;
    /// Answers, once the group is committed or has failed.
    fn answer(self: Box<Self>, group: Result<(), &sql::Error>);
}

struct Pending<T, F> {
    work: Option<F>,
    result: Option<Result<T, Error>>,
    answer: Option<oneshot::Sender<Result<T, Error>>>,
    deadline: Instant,
}

impl<T, F> Job for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Error> + Send,
{
    fn run(&mut self, connection: &Connection) -> Outcome {
        let result = match self.work.take() {
            Some(_) if Instant::now() >= self.deadline => {
                Err(Error::new(ErrorKind::Timeout, "the write waited until its deadline; nothing was written"))
            }
            // A panic in one write ends that write: its savepoint is rolled back.
            Some(work) => catch_unwind(AssertUnwindSafe(|| {
                let result = work(connection)?;
                // What a server refuses of it must not be the next one's fault.
                connection.settle()?;
                Ok(result)
            }))
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the store failed; nothing was written"))),
            None => Err(stopped()),
        };
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Refused(disk_behind(error)),
        };
        self.result = Some(result);
        outcome
    }

    fn answer(mut self: Box<Self>, group: Result<(), &sql::Error>) {
        let result = match (self.result.take(), group) {
            // Refused by itself, whatever became of the others.
            (Some(Err(own)), _) => Err(own),
            (_, Err(error)) => Err(failure(error)),
            (Some(own), Ok(())) => own,
            (None, Ok(())) => Err(stopped()),
        };
        if let Some(answer) = self.answer.take() {
            // Nobody waits any more when the client's task was dropped; the write stands.
            let _ = answer.send(result);
        }
    }
}

struct Loop {
    connection: Connection,
    checkpoints: Option<Checkpoints>,
    state: Arc<State>,
}

impl Loop {
    fn run(self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = jobs.blocking_recv() {
            group.push(first);
            while group.len() < GROUP
                && let Ok(next) = jobs.try_recv()
            {
                group.push(next);
            }
            self.perform(&mut group);
        }
    }

    fn perform(&self, group: &mut Vec<Box<dyn Job>>) {
        if self.state.is_stopped() {
            group.clear();
            return;
        }
        let committed = self.commit(group);
        match &committed {
            Ok(disk) => self.learn(*disk),
            Err(error) => self.failed(error),
        }
        for job in group.drain(..) {
            job.answer(committed.as_ref().map(|_| ()));
        }
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.committed();
        }
    }

    /// Commits a group; what its refused writes say about the disk.
    fn commit(&self, group: &mut [Box<dyn Job>]) -> sql::Result<Option<Disk>> {
        let mut worst = None;
        self.connection.begin_writing()?;
        for job in group {
            self.connection.begin_job()?;
            match job.run(&self.connection) {
                Outcome::Done => worst = worst.or(Some(Disk::Well)),
                Outcome::Refused(disk) => {
                    // SQLite may roll the whole transaction back, such as when the disk is full; a connection may be lost.
                    if !self.connection.is_in_transaction() {
                        return Err(match self.connection.dialect() {
                            Dialect::Sqlite => disk.as_error(),
                            Dialect::Postgres => sql::Error::Lost(None),
                        });
                    }
                    if disk != Disk::Well {
                        worst = Some(disk);
                    }
                    self.connection.undo_job()?;
                }
            }
            self.connection.end_job()?;
        }
        self.connection.commit()?;
        Ok(worst)
    }

    /// `None` when nothing was written, so that nothing is known.
    fn learn(&self, disk: Option<Disk>) {
        match disk {
            Some(Disk::Well) => self.state.set(State::WELL),
            Some(Disk::Full) => self.state.set(State::FULL),
            Some(Disk::Broken) => {
                self.state.set(State::STOPPED);
                tracing::error!("the store stops writing: its disk or its file is broken");
            }
            None => {}
        }
    }

    fn failed(&self, error: &sql::Error) {
        self.connection.roll_back();
        tracing::error!(cause = ?failure(error).cause, "a group of writes was rolled back");
        // After a failed fsync the kernel may have dropped the pages: no later commit could be trusted.
        self.learn(Some(disk(error)).filter(|disk| *disk != Disk::Well));
    }
}
