//! Every adapter kind, one line each.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::kind::SettingFault;
use adapter::{Adapter, AdapterKind, ConnectError, Host};
use config::{AdapterSettings, Config, Fault};
use fhir::Capability;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::route::{content, coverage};

/// The kinds that this gateway knows. A new adapter is one line here.
#[must_use]
pub fn kinds() -> [&'static dyn Kind; 4] {
    [
        &Of::<store::Kind>::NEW,
        &Of::<fhir_rest::FhirRest>::NEW,
        &Of::<http_json::mapped::JsonApi>::NEW,
        &Of::<http_json::process::Process>::NEW,
    ]
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
    kinds().map(Kind::name).join(", ")
}

/// The last pass over a configuration: every adapter's kind is known and reads its settings, and what the adapters offer
/// covers the routes to them.
#[must_use]
pub fn check(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut offers = BTreeMap::new();
    for (name, adapter) in &config.adapters {
        match check_adapter(config, name, adapter) {
            Ok(capability) => drop(offers.insert(name.as_str(), capability)),
            Err(more) => faults.extend(more),
        }
    }
    offers.retain(|_, capability| capability.is_some());
    faults.extend(content::faults(config));
    faults.extend(coverage::faults(config, |name| offers.get(name)?.as_ref()));
    faults
}

fn check_adapter(config: &Config, name: &str, adapter: &config::Adapter) -> Result<Option<Capability>, Vec<Fault>> {
    let kind = kind(&adapter.kind).map_err(|unknown| {
        let expected = format!("expected one of: {}", known());
        vec![config.fault(&["adapters", name, "kind"], format!("unknown adapter kind `{}`", unknown.0), expected)]
    })?;
    let settings = kind.read(&adapter.settings)?;
    let faults = kind.faults(&settings);
    if faults.is_empty() {
        return Ok(kind.offers(&settings));
    }
    let placed = |fault: SettingFault| {
        let below = fault.path.iter().map(String::as_str);
        let path: Vec<&str> = ["adapters", name].into_iter().chain(below).collect();
        config.fault(&path, fault.message, fault.expected)
    };
    Err(faults.into_iter().map(placed).collect())
}

/// The JSON Schema of the configuration with every kind's settings.
#[must_use]
pub fn schema() -> serde_json::Value {
    let kinds = kinds().map(|kind| (kind.name(), kind_schema(kind)));
    config::schema(&kinds)
}

fn kind_schema(kind: &dyn Kind) -> Schema {
    let mut generator = SchemaGenerator::default();
    let mut schema = kind.schema(&mut generator);
    let definitions = generator.take_definitions(true);
    schema.insert("$defs".to_owned(), definitions.into());
    schema
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

    /// What such an adapter offers as far as its settings alone say.
    fn offers(&self, settings: &Settings) -> Option<Capability>;

    /// What is wrong with settings that have the right shape.
    fn faults(&self, settings: &Settings) -> Vec<SettingFault>;

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

    fn offers(&self, settings: &Settings) -> Option<Capability> {
        settings.0.downcast_ref::<K::Settings>().and_then(K::offers)
    }

    fn faults(&self, settings: &Settings) -> Vec<SettingFault> {
        settings.0.downcast_ref::<K::Settings>().map(K::faults).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_answered_with_the_known_ones() {
        assert_eq!(kind("fhir-rest").unwrap().name(), "fhir-rest");
        let error = kind("fhir-rset").err().unwrap().to_string();
        assert_eq!(error, "unknown adapter kind `fhir-rset` (known: store, fhir-rest, http, process)");
    }

    #[test]
    fn faults_of_kinds_and_of_their_settings_are_found_with_their_places() {
        let text = "[adapters.ehr]\nkind = \"fhir-rest\"\nbase = \"https://ehr.example/fhir\"\nbsae = 1\n\
                    [adapters.other]\nkind = \"hl7v3\"\n";
        let config = config::shape("frontdesk.toml", text).unwrap();
        let messages: Vec<String> = check(&config).iter().map(|fault| fault.message.clone()).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages.iter().any(|message| message.contains("bsae")), "{messages:?}");
        assert!(messages.iter().any(|message| message.contains("hl7v3")), "{messages:?}");
    }

    #[test]
    fn every_kind_describes_its_settings() {
        for kind in kinds() {
            let schema = kind.schema(&mut SchemaGenerator::default());
            assert!(schema.get("properties").is_some(), "{}", kind.name());
        }
    }
}
