//! The adapter trait and what crosses it. Only FHIR crosses: native formats live in an adapter's `mapping.rs`.

pub mod call;
pub mod contract;
pub mod error;
pub mod health;
pub mod host;
pub mod kind;
pub mod page;
pub mod reply;
pub mod seal;
pub mod setting;

pub use call::{Call, Practice, Trace};
pub use error::{Error, ErrorKind, Retry};
pub use health::Health;
pub use host::{Clock, Host, PracticeAdditions, Submit};
pub use kind::{AdapterKind, ConnectError};
pub use reply::{Body, Reply, Status};

use std::sync::Arc;

use fhir::Capability;

/// A back end as the gateway sees it. Three methods, so that every wrapper and every transport stays small.
#[async_trait::async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// What the back end offers now; may change while it runs. Cheap: it is asked on every request.
    fn capability(&self) -> Arc<Capability>;

    /// Performs one interaction. Dropping the future may leave a write half done, so the gateway never does:
    /// it runs in a task of its own until `call.deadline`.
    ///
    /// # Errors
    /// What the back end refused or how it failed; [`ErrorKind`] says which, and whether a second try is sound.
    async fn perform(&self, call: Call) -> Result<Reply, Error>;

    /// Whether the back end can be reached and is well. Cheap enough to be asked every few seconds.
    async fn health(&self) -> Health;
}
