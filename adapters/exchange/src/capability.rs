//! What a back end offers: a default, a file, and its own statement, read again and again.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use adapter::{ConnectError, Error, ErrorKind};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};

/// The CapabilityStatement of the setting `capability-file`.
///
/// # Errors
/// The file cannot be read, or is no JSON.
pub fn from_file(path: &Path, version: Version) -> Result<Capability, ConnectError> {
    let unreadable = |error: String| ConnectError::Settings(format!("`capability-file`: {error}"));
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let statement = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(Capability::from_statement(&statement, version))
}

/// Reading, writing and searching of every type of the release, without anything that a server may lack: versions,
/// conditions, operations.
#[must_use]
pub fn conservative(version: Version) -> Capability {
    let mut capability = Capability::empty(version);
    for resource_type in ResourceType::all().filter(|resource_type| resource_type.is_in(version)) {
        let resource = ResourceCapability {
            interactions: [
                InteractionCode::Read,
                InteractionCode::Create,
                InteractionCode::Update,
                InteractionCode::Delete,
                InteractionCode::SearchType,
            ]
            .into(),
            search: [("_id".to_owned(), "token".to_owned())].into(),
            ..ResourceCapability::default()
        };
        capability.resources.insert(resource_type, resource);
    }
    capability
}

/// Refuses what the capability does not have; an operation is offered by its name, and everyone has a statement.
///
/// # Errors
/// [`ErrorKind::NotSupported`].
pub fn refuse_unserved(capability: &Capability, interaction: &Interaction) -> Result<(), Error> {
    let resource_type = interaction.resource_type();
    let is_served = match interaction {
        Interaction::Capabilities => true,
        Interaction::Operation { name, .. } => match resource_type {
            Some(kind) => capability.resources.get(&kind).is_some_and(|known| known.operations.contains_key(name)),
            None => capability.operations.contains_key(name),
        },
        other => capability.offers(resource_type, other.code()),
    };
    if is_served {
        return Ok(());
    }
    let code = interaction.code().code();
    Err(Error::new(ErrorKind::NotSupported, format!("the back end does not offer this interaction: {code}")))
}

/// Where a statement is read from, and put.
#[async_trait::async_trait]
pub trait Stated: Send + Sync + 'static {
    /// Reads the back end's statement and takes it over.
    async fn refresh(&self, deadline: Instant) -> Result<(), Error>;
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const FETCH_LIMIT: Duration = Duration::from_secs(20);
const SHORTEST_LIMIT: Duration = Duration::from_secs(2);

/// Reads the statement now and again, until the adapter is gone. A back end that is down is asked more and more seldom, and what is
/// wrong with it is logged when it changes.
pub fn keep_fresh<T: Stated>(adapter: &Arc<T>, interval: Duration, name: Arc<str>) {
    let adapter = Arc::downgrade(adapter);
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE.min(interval);
        // A statement that takes longer than it is good for is of no use.
        let limit = FETCH_LIMIT.min(interval.max(SHORTEST_LIMIT));
        let mut known: Option<String> = None;
        while let Some(outcome) = refresh(&adapter, limit).await {
            let fault = outcome.as_ref().err().map(fault);
            match &fault {
                Some(fault) if known.as_ref() != Some(fault) => {
                    tracing::warn!(adapter = %name, fault, "the back end's capability cannot be read");
                }
                None if known.is_some() => {
                    tracing::info!(adapter = %name, "the back end's capability can be read again")
                }
                _ => {}
            }
            pause = if fault.is_none() { interval } else { (pause * 2).min(interval) };
            known = fault;
            tokio::time::sleep(pause.max(Duration::from_millis(100))).await;
        }
    });
}

/// What went wrong, in words that hold no data of the back end's.
fn fault(error: &Error) -> String {
    let text = error.issues.first().map_or("", |issue| issue.text.as_str());
    format!("{}: {text}", error.kind.code())
}

async fn refresh<T: Stated>(adapter: &Weak<T>, limit: Duration) -> Option<Result<(), Error>> {
    let adapter = adapter.upgrade()?;
    Some(adapter.refresh(Instant::now() + limit).await)
}
