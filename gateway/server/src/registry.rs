//! Every adapter kind, one line each.

use std::any::Any;
use std::sync::Arc;

use adapter::{Adapter, AdapterKind, ConnectError, Host};
use config::{AdapterSettings, Config, Fault};
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// The kinds that this gateway knows. A new adapter is one line here.
#[must_use]
pub fn kinds() -> Vec<&'static dyn Kind> {
    Vec::new()
}

/// The kind of that name.
///
/// # Errors
/// There is none; the error names those that are known.
pub fn kind(name: &str) -> Result<&'static dyn Kind, UnknownKind> {
    kinds().into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind(name.to_owned()))
}

/// A name that no kind of adapter has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown adapter kind `{0}` (known: {known})", known = known())]
pub struct UnknownKind(pub String);

fn known() -> String {
    kinds().into_iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

/// The last pass over a configuration: every adapter's kind is known, and reads its settings.
#[must_use]
pub fn check(config: &Config) -> Vec<Fault> {
    let check = |(name, adapter): (&String, &config::Adapter)| match kind(&adapter.kind) {
        Ok(kind) => kind.read(&adapter.settings).err().unwrap_or_default(),
        Err(unknown) => {
            let expected = format!("expected one of: {}", known());
            vec![config.fault(&["adapters", name, "kind"], format!("unknown adapter kind `{}`", unknown.0), expected)]
        }
    };
    config.adapters.iter().flat_map(check).collect()
}

/// Settings that a kind has read and only the same kind can use.
pub struct Settings(Box<dyn Any + Send>);

/// An [`AdapterKind`] without its types.
#[async_trait::async_trait]
pub trait Kind: Send + Sync {
    /// The value of `kind` in the configuration.
    fn name(&self) -> &'static str;

    /// Reads the kind's own settings: the section without what every adapter has.
    ///
    /// # Errors
    /// Every fault of their shape, with its place in the configuration.
    fn read(&self, settings: &AdapterSettings) -> Result<Settings, Vec<Fault>>;

    /// The schema of the kind's own settings.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Makes the adapter; without network.
    ///
    /// # Errors
    /// Settings that cannot work (or are another kind's), or storage that cannot be opened.
    async fn connect(&self, settings: Settings, host: Host) -> Result<Arc<dyn Adapter>, ConnectError>;
}

struct Of<K>(std::marker::PhantomData<fn() -> K>);

impl<K> Of<K> {
    const NEW: Self = Self(std::marker::PhantomData);
}

#[async_trait::async_trait]
impl<K: AdapterKind> Kind for Of<K>
where
    K::Settings: 'static,
{
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn read(&self, settings: &AdapterSettings) -> Result<Settings, Vec<Fault>> {
        settings.read::<K::Settings>().map(|settings| Settings(Box::new(settings)))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::Settings::json_schema(generator)
    }

    async fn connect(&self, settings: Settings, host: Host) -> Result<Arc<dyn Adapter>, ConnectError> {
        let settings = settings
            .0
            .downcast::<K::Settings>()
            .map_err(|_| ConnectError::Settings(format!("expected the settings of kind `{}`", K::NAME)))?;
        Ok(Arc::new(K::connect(*settings, host).await?))
    }
}
