//! The store: FHIR resources in a SQLite file or a PostgreSQL database. One thread writes in groups, searches run on a few threads of
//! their own, reads by key happen on the spot where the database is a file. README.md says how it is laid out.

mod backup;
mod capability;
mod checkpoint;
mod conditional;
mod connections;
mod failure;
mod history;
mod index;
mod instant;
mod number;
mod place;
mod preparation;
mod query;
mod record;
mod reindex;
mod schema;
mod scopes;
mod searches;
mod settings;
mod sql;
mod store;
mod transaction;
mod transfer;
mod write;
mod writer;

pub use backup::{BackupError, backup};
pub use schema::OpenError;
pub use settings::{ConditionalDelete, DatabaseUrl, Settings};
pub use sql::{Error as DatabaseError, SourceError};
pub use store::Store;
pub use transfer::{Location, MoveError, Moved, migrate};

use adapter::{AdapterKind, ConnectError, Host};

/// The kind `store`.
pub struct Kind;

#[async_trait::async_trait]
impl AdapterKind for Kind {
    const NAME: &'static str = "store";
    type Settings = Settings;
    type Adapter = Store;

    fn offers(settings: &Settings) -> Option<fhir::Capability> {
        Some(capability::capability(settings.fhir_version, settings.conditional_delete))
    }

    async fn connect(settings: Settings, host: Host) -> Result<Store, ConnectError> {
        // Opening may migrate and index: not on a thread that serves.
        tokio::task::spawn_blocking(move || Store::open(&settings, &host))
            .await
            .map_err(|_| ConnectError::Storage("opening the store failed".into()))?
            .map_err(|error| match error {
                OpenError::Source(_) | OpenError::Settings(_) => ConnectError::Settings(error.to_string()),
                error => ConnectError::Storage(error.to_string()),
            })
    }
}
