//! `[adapters.NAME]`: what every adapter has, whatever its kind. The rest of the section belongs to the kind.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Duration;
use crate::load::keep_common;
use crate::shape::{self, properties};
use crate::source::{Fault, Source};

/// `[adapters.NAME]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adapter {
    /// The kind: `store`, `fhir-rest`, `http`, `process`.
    pub kind: String,
    /// What the ids of its resources begin with where several adapters hold a type: 1 to 12 of `a-z` and `0-9`; without it, made
    /// of its name.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Calls at a time.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1))]
    pub concurrency: u32,
    /// Calls that may wait for their turn; beyond it a request is answered 503 with Retry-After.
    #[serde(default = "default_queue")]
    pub queue: u32,
    /// How long a call may wait for its turn.
    #[serde(default = "default_queue_time")]
    pub queue_time: Duration,
    /// One call with its retries.
    #[serde(default = "default_deadline")]
    pub deadline: Duration,
    /// A second try of calls that are safe to repeat.
    #[serde(default)]
    pub retry: Retry,
    /// Stops calling a back end that fails.
    #[serde(default)]
    pub breaker: Breaker,
    /// What its kind reads: every other setting of the section.
    #[serde(skip)]
    pub settings: AdapterSettings,
}

/// The settings of an adapter that its kind knows, with their positions.
#[derive(Clone, Default)]
pub struct AdapterSettings {
    source: Arc<Source>,
    /// The adapter's name; without it, the whole text is the kind's.
    adapter: Option<String>,
}

impl AdapterSettings {
    /// Settings from a text that holds nothing else.
    #[must_use]
    pub fn from_toml(text: &str) -> Self {
        Self { source: Arc::new(Source::new("settings", text)), adapter: None }
    }

    pub(crate) fn at(source: Arc<Source>, adapter: &str) -> Self {
        Self { source, adapter: Some(adapter.to_owned()) }
    }

    /// The settings as their type.
    ///
    /// # Errors
    /// Every fault, with its place in the configuration that they came from (see [`crate::Config::report`]).
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Vec<Fault>> {
        let root = DeTable::parse(self.source.text())
            .map_err(|error| vec![Fault::new(error.span().unwrap_or_default(), error.message(), "expected TOML")])?;
        let span = root.span();
        let value = self.of_kind(Spanned::new(span, DeValue::Table(root.into_inner())));
        let mut faults = Vec::new();
        let settings = shape::read(value, &mut faults);
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(faults.into_iter().map(with_common_settings).collect()),
        }
    }

    fn of_kind<'i>(&self, root: Spanned<DeValue<'i>>) -> Spanned<DeValue<'i>> {
        let Some(adapter) = &self.adapter else { return root };
        let section = root.get_ref().get("adapters").and_then(|adapters| adapters.get_ref().get(adapter.as_str()));
        let Some(section) = section else { return root };
        let mut section = section.clone();
        keep_common(&mut section, false);
        section
    }
}

impl fmt::Debug for AdapterSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdapterSettings({})", self.adapter.as_deref().unwrap_or("text"))
    }
}

impl Adapter {
    /// What the ids of its resources begin with where several adapters hold a type.
    #[must_use]
    pub fn prefix(&self, name: &str) -> String {
        self.prefix.clone().unwrap_or_else(|| prefix_of(name))
    }
}

/// The prefix that an adapter of that name has without a setting: its letters and digits.
#[must_use]
fn prefix_of(name: &str) -> String {
    let plain = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    plain.take(12).collect()
}

/// A kind does not know what every adapter has; whoever reads "expected one of" should.
fn with_common_settings(mut fault: Fault) -> Fault {
    if fault.message.starts_with("unknown setting") && !fault.expected.starts_with("did you mean") {
        let common = properties::<Adapter>().join(", ");
        fault.expected = format!("{} (and of every adapter: {common})", fault.expected);
    }
    fault
}

/// `[adapters.NAME.retry]`: exponential backoff with full jitter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Retry {
    /// Tries of one call in all; 1 means no retry.
    #[schemars(range(min = 1, max = 10))]
    pub attempts: u32,
    /// The longest wait before the second try; doubles with each further one.
    pub backoff: Duration,
    /// The longest wait before any try.
    pub backoff_limit: Duration,
    /// Retries in percent of calls, so that retries do not add to an overload.
    #[schemars(range(max = 100))]
    pub budget: u32,
    /// Whether the back end honours `Idempotency-Key`: a write with a key of the client's may then be tried again after an
    /// unknown end, because a repetition with the same key is the same write.
    pub idempotency_key: bool,
}

/// `[adapters.NAME.breaker]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Breaker {
    /// Failures in percent of the calls of the window at which it opens.
    #[schemars(range(min = 1, max = 100))]
    pub failures: u32,
    /// Calls that the window needs before it may open.
    pub calls: u32,
    /// How long calls are counted.
    pub window: Duration,
    /// How long it stays open before it lets probes through.
    pub open: Duration,
    /// Probes at a time while it is half open.
    pub probes: u32,
}

fn default_concurrency() -> u32 {
    256
}

fn default_queue() -> u32 {
    1024
}

fn default_queue_time() -> Duration {
    Duration::from_millis(500)
}

fn default_deadline() -> Duration {
    Duration::from_secs(30)
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Duration::from_millis(100),
            backoff_limit: Duration::from_secs(2),
            budget: 10,
            idempotency_key: false,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 50, calls: 20, window: Duration::from_secs(10), open: Duration::from_secs(5), probes: 3 }
    }
}
