//! A few threads for what may take long: searches and histories. The queue is bounded, and a statement that is still running
//! at its deadline is interrupted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use adapter::{Error, ErrorKind};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::place::Place;
use crate::schema::OpenError;
use crate::sql::Connection;

/// Most searches that wait.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the threads; they end when this is dropped.
pub(crate) struct Searches {
    queue: SyncSender<Job>,
}

impl Searches {
    /// Starts the threads.
    pub(crate) fn start(place: &Place, threads: usize) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let connection = place.reader()?;
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().name("store-search".into()).spawn(move || run(&connection, &jobs))?;
        }
        Ok(Self { queue })
    }

    /// Runs `search` on one of the threads, until the deadline. What it reads is one state of the database.
    pub(crate) async fn run<T, F>(&self, deadline: Instant, search: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        self.read(deadline, |connection| in_one_state(connection, || search(connection))).await
    }

    /// Runs `read`, of one statement, on one of the threads, until the deadline.
    pub(crate) async fn read<T, F>(&self, deadline: Instant, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if answer.is_closed() {
                return;
            }
            let _ = answer.send(connection.until(deadline, || read(connection)));
        });
        match self.queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Error::new(ErrorKind::Shed, "the store has too many searches waiting")
                    .after(Duration::from_secs(1)));
            }
            Err(TrySendError::Disconnected(_)) => return Err(gone()),
        }
        match tokio::time::timeout_at(deadline.into(), answered).await {
            Ok(answer) => answer.map_err(|_| gone())?,
            Err(_) => Err(too_late()),
        }
    }
}

fn run(connection: &Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().recv();
        let Ok(job) = job else { return };
        // A panic in one search ends that search: its answer is dropped, the thread goes on.
        if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
            connection.roll_back();
        }
    }
}

fn in_one_state<T>(connection: &Connection, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    connection.begin_reading()?;
    let result = work();
    connection.roll_back();
    result
}

fn too_late() -> Error {
    Error::new(ErrorKind::Timeout, "the search did not finish within the deadline; narrow it")
}

fn gone() -> Error {
    Error::new(ErrorKind::Internal, "the search failed")
}
