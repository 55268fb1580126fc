//! The embedded store: FHIR resources in SQLite. One thread writes in groups, reads by key happen on the spot, searches run on a
//! few threads of their own. README.md says how it is laid out.

mod backup;
mod capability;
mod checkpoint;
mod connections;
mod failure;
mod history;
mod index;
mod instant;
mod query;
mod record;
mod reindex;
mod schema;
mod scopes;
mod searches;
mod settings;
mod sql;
mod store;
mod write;
mod writer;

pub use backup::{BackupError, backup};
pub use schema::OpenError;
pub use settings::Settings;
pub use sql::Error as DatabaseError;
pub use store::Store;

use adapter::{AdapterKind, ConnectError, Host};

/// The kind `store`.
pub struct Kind;

#[async_trait::async_trait]
impl AdapterKind for Kind {
    const NAME: &'static str = "store";
    type Settings = Settings;
    type Adapter = Store;

    fn offers(settings: &Settings) -> Option<fhir::Capability> {
        Some(capability::capability(settings.fhir_version))
    }

    async fn connect(settings: Settings, host: Host) -> Result<Store, ConnectError> {
        // Opening may migrate and index: not on a thread that serves.
        tokio::task::spawn_blocking(move || Store::open(&settings, &host))
            .await
            .map_err(|_| ConnectError::Storage("opening the store failed".into()))?
            .map_err(|error| ConnectError::Storage(error.to_string()))
    }
}
