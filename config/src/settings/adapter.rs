//! `[adapters.NAME]`: what every adapter has, whatever its kind. The rest of the section belongs to the kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Duration;

/// `[adapters.NAME]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adapter {
    /// The kind: `store`, `fhir-rest`.
    pub kind: String,
    /// Calls at a time.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1))]
    pub concurrency: u32,
    /// Calls that may wait for their turn; beyond it a request is answered 503 with Retry-After.
    #[serde(default = "default_queue")]
    pub queue: u32,
    /// One call with its retries.
    #[serde(default = "default_deadline")]
    pub deadline: Duration,
    /// A second try of calls that are safe to repeat.
    #[serde(default)]
    pub retry: Retry,
    /// Stops calling a back end that fails.
    #[serde(default)]
    pub breaker: Breaker,
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

fn default_deadline() -> Duration {
    Duration::from_secs(30)
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, backoff: Duration::from_millis(100), backoff_limit: Duration::from_secs(2), budget: 10 }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 50, calls: 20, window: Duration::from_secs(10), open: Duration::from_secs(5), probes: 3 }
    }
}
