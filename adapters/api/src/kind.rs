//! How an adapter comes to be.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use fhir::Capability;

use crate::{Adapter, Host};

/// A kind of adapter, named after its protocol: `store`, `fhir-rest`, `http`, `process`. The registry has one line for each.
#[async_trait::async_trait]
pub trait AdapterKind: 'static {
    /// The value of `kind` in the configuration.
    const NAME: &'static str;
    /// Its settings; closed (`deny_unknown_fields`).
    type Settings: DeserializeOwned + JsonSchema + Send;
    /// What it becomes.
    type Adapter: Adapter;

    /// What such an adapter offers as far as its settings alone say; none when only its back end knows. `frontdesk check`
    /// compares the routes with it.
    #[must_use]
    fn offers(_settings: &Self::Settings) -> Option<Capability> {
        None
    }

    /// What is wrong with settings that have the right shape: tables that do not fit, names that nothing has. `frontdesk check`
    /// shows each at its place.
    #[must_use]
    fn faults(_settings: &Self::Settings) -> Vec<SettingFault> {
        Vec::new()
    }

    /// Makes the adapter. Needs no network: an adapter starts while its back end is down.
    ///
    /// # Errors
    /// Settings that cannot work, or storage that cannot be opened.
    async fn connect(settings: Self::Settings, host: Host) -> Result<Self::Adapter, ConnectError>;
}

/// Something wrong with a setting of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// Keys below the adapter's section; of an array, the number of the item.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What was expected.
    pub expected: String,
}

/// Why an adapter cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A setting has the right shape and cannot work.
    #[error("{0}")]
    Settings(String),
    /// Its storage cannot be opened.
    #[error("cannot open storage: {0}")]
    Storage(String),
}
