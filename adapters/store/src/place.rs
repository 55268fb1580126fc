//! Where the database is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter::Host;

use crate::schema::{self, OpenError, open_reader, open_writer};
use crate::settings::Settings;
use crate::sql::{Connection, Source};

/// A file, or a server.
#[derive(Clone)]
pub(crate) enum Place {
    /// A SQLite file.
    File {
        /// Its path.
        path: PathBuf,
        /// Its largest size, in bytes.
        max_size: Option<u64>,
    },
    /// A PostgreSQL database, which other gateways may write to as well.
    Server(Arc<Source>),
}

impl Place {
    /// The place that the settings name.
    ///
    /// # Errors
    /// When they cannot work.
    pub(crate) fn new(settings: &Settings, host: &Host) -> Result<Self, OpenError> {
        let Some(url) = &settings.database else {
            if settings.password.is_some() || settings.ca.is_some() {
                return Err(OpenError::Settings("`password` and `ca` belong to a `database`, which is not set"));
            }
            let max_size = settings.max_size.map(|size| size.0);
            return Ok(Self::File { path: host.storage.join(&settings.file), max_size });
        };
        if settings.max_size.is_some() {
            return Err(OpenError::Settings(
                "`max-size` limits a file; the size of a `database` is its server's to limit",
            ));
        }
        let source = Source::new(url.as_str(), settings.password.as_ref(), settings.ca.as_deref())?;
        Ok(Self::Server(Arc::new(source)))
    }

    /// The path of the file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Server(_) => None,
        }
    }

    /// A connection that writes. That of a server is made when it is first needed.
    pub(crate) fn writer(&self) -> Result<Connection, OpenError> {
        match self {
            Self::File { path, max_size } => {
                let connection = open_writer(path)?;
                if let Some(bytes) = max_size {
                    schema::limit(&connection, *bytes)?;
                }
                Ok(Connection::Sqlite(connection))
            }
            Self::Server(source) => Ok(Connection::to_server(source)?),
        }
    }

    /// A connection that reads.
    pub(crate) fn reader(&self) -> Result<Connection, OpenError> {
        match self {
            Self::File { path, .. } => Ok(Connection::Sqlite(open_reader(path)?)),
            Self::Server(source) => Ok(Connection::to_server(source)?),
        }
    }
}
