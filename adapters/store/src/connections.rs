//! Connections that read. A read by key takes one, uses it on the spot and gives it back: about 5 µs, where a hop to another
//! thread alone costs 36.

use std::path::PathBuf;

use adapter::Error;
use parking_lot::Mutex;

use crate::schema::open_reader;
use crate::sql::{self, Connection};

/// Idle connections, as many as were ever in use at once.
pub(crate) struct Connections {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    /// None is open yet.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Reads with a connection.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::Sqlite(open_reader(&self.path).map_err(sql::Error::from)?),
        };
        let result = read(&connection);
        self.idle.lock().push(connection);
        result
    }
}
