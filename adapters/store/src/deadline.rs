//! Statements that end at a deadline.

use std::cell::Cell;
use std::time::Instant;

use adapter::{Error, ErrorKind};
use rusqlite::Connection;

/// Virtual machine steps between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 2_000;

thread_local! {
    /// When the statement that runs on this thread must end. A thread runs one at a time.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes statements of a connection heed [`until`].
pub(crate) fn install(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(|| DEADLINE.get().is_some_and(|deadline| Instant::now() >= deadline)))
}

/// Runs `work`; what it still executes at the deadline is interrupted.
///
/// # Errors
/// `Timeout` when the deadline has passed; else those of `work`.
pub(crate) fn until<T>(deadline: Instant, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    if Instant::now() >= deadline {
        return Err(Error::new(ErrorKind::Timeout, "the store did not finish within the deadline"));
    }
    let _reset = Reset(DEADLINE.replace(Some(deadline)));
    work()
}

/// Puts the deadline before it back, after a panic too.
struct Reset(Option<Instant>);

impl Drop for Reset {
    fn drop(&mut self) {
        DEADLINE.set(self.0);
    }
}
