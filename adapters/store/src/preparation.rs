//! Makes the database ready: its schema, its scopes, its index. A server that is down does not keep the gateway from starting: it is
//! tried again until it answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use fhir::Version;

use crate::place::Place;
use crate::reindex;
use crate::schema::{OpenError, migrate};
use crate::scopes::Scopes;
use crate::sql::{self, Connection};

/// How long until a server that did not answer is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether the database is ready.
pub(crate) struct Preparation {
    version: Version,
    scopes: Arc<Scopes>,
    is_done: AtomicBool,
}

impl Preparation {
    /// Prepares the database now, or goes on trying when it is a server that does not answer.
    ///
    /// # Errors
    /// When it answers that it cannot be used.
    pub(crate) fn start(
        place: &Place,
        connection: &Connection,
        version: Version,
        scopes: &Arc<Scopes>,
    ) -> Result<Arc<Self>, OpenError> {
        let own = Arc::new(Self { version, scopes: Arc::clone(scopes), is_done: AtomicBool::new(false) });
        match own.prepare(connection) {
            Err(OpenError::Database(sql::Error::Lost(error))) => {
                let cause = sql::Error::Lost(error);
                tracing::warn!(%cause, "the database cannot be reached; the store goes on trying");
                let (weak, place) = (Arc::downgrade(&own), place.clone());
                std::thread::Builder::new().name("store-prepare".into()).spawn(move || keep_trying(&weak, &place))?;
            }
            prepared => prepared?,
        }
        Ok(own)
    }

    /// Whether the database is ready.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    fn prepare(&self, connection: &Connection) -> Result<(), OpenError> {
        // A file is migrated when it is opened.
        if matches!(connection, Connection::Postgres(_)) {
            migrate(connection)?;
        }
        reindex::load(connection, self.version, &self.scopes)?;
        self.is_done.store(true, Ordering::Release);
        Ok(())
    }
}

fn keep_trying(preparation: &Weak<Preparation>, place: &Place) {
    loop {
        std::thread::sleep(PAUSE);
        let Some(preparation) = preparation.upgrade() else { return };
        match place.writer().and_then(|connection| preparation.prepare(&connection)) {
            Ok(()) => return tracing::info!("the database is ready"),
            Err(OpenError::Database(sql::Error::Lost(_))) => {}
            Err(error) => {
                // Only what this crate says itself: a database's own text may quote a value.
                let cause = (!matches!(error, OpenError::Database(_))).then(|| error.to_string());
                tracing::error!(cause, "the database cannot be used; the store goes on trying");
            }
        }
    }
}
