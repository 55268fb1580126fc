//! A second try, where it can do no harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply, Retry as Soundness};
use fhir::Capability;
use rand::Rng;
use tokio::time::{Instant, sleep};

/// When and how often a failed call is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Tries in all; 1 means no second one.
    pub attempts: u32,
    /// The longest pause before the second try; it doubles for each one after. The pause itself is drawn evenly from
    /// nothing to that (full jitter), so that callers that failed together do not come back together.
    pub backoff: Duration,
    /// The longest pause at all. A Retry-After beyond it is left to the client.
    pub backoff_limit: Duration,
    /// Retries per call, over time: with 0.1, a back end that fails everything gets 10 % more calls, not three times
    /// as many.
    pub budget: f64,
    /// Whether the back end honours Idempotency-Key, as FHIR servers usually do not: a repeated write with the same key is
    /// the same write.
    pub trusts_idempotency_key: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Duration::from_millis(50),
            backoff_limit: Duration::from_secs(2),
            budget: 0.1,
            trusts_idempotency_key: false,
        }
    }
}

/// Tries again where the error says that it is sound, and the interaction can bear it.
pub struct Retry {
    adapter: Arc<dyn Adapter>,
    policy: RetryPolicy,
    budget: Budget,
}

impl Retry {
    /// Around an adapter.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, policy: RetryPolicy) -> Self {
        Self { adapter, policy, budget: Budget::new(policy.budget) }
    }

    fn may_repeat(&self, call: &Call, error: &Error) -> bool {
        match error.kind.retry() {
            Soundness::Never => false,
            Soundness::Always => true,
            Soundness::IfRepeatable => {
                call.interaction.is_repeatable()
                    || (self.policy.trusts_idempotency_key && call.idempotency_key.is_some())
            }
        }
    }

    /// The pause before the next try; none when it would not come in time.
    fn pause(&self, attempt: u32, error: &Error, deadline: Instant) -> Option<Duration> {
        let step = self.policy.backoff.saturating_mul(1 << (attempt - 1).min(16)).min(self.policy.backoff_limit);
        let jittered = step.mul_f64(rand::rng().random::<f64>());
        let pause = match error.retry_after {
            Some(after) if after > self.policy.backoff_limit => return None,
            Some(after) => after.max(jittered),
            None => jittered,
        };
        (Instant::now() + pause < deadline).then_some(pause)
    }
}

#[async_trait::async_trait]
impl Adapter for Retry {
    fn capability(&self) -> Arc<Capability> {
        self.adapter.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.budget.deposit();
        let mut attempt = 1;
        let mut unknown = None;
        loop {
            let error = match self.adapter.perform(call.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            // Our own first try may be what made the version that refuses the second: "unknown" stays the truth.
            if unknown.is_some() && refuses_a_repetition(error.kind) {
                return Err(unknown.unwrap_or(error));
            }
            if attempt >= self.policy.attempts || !self.may_repeat(&call, &error) {
                return Err(error);
            }
            let Some(pause) = self.pause(attempt, &error, call.deadline.into()) else { return Err(error) };
            if !self.budget.withdraw() {
                return Err(error);
            }
            if error.kind.retry() == Soundness::IfRepeatable && !call.interaction.is_safe() {
                unknown = Some(error);
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    async fn health(&self) -> Health {
        self.adapter.health().await
    }
}

const fn refuses_a_repetition(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::VersionMismatch | ErrorKind::NotFound | ErrorKind::Gone)
}

/// A bucket that every call puts a part of a retry into, and every retry takes a whole one out of.
struct Budget {
    thousandths: AtomicU64,
    ratio: u64,
}

/// What the bucket holds at most, and at the start: a few retries are free.
const FULL: u64 = 10_000;

impl Budget {
    fn new(ratio: f64) -> Self {
        Self { thousandths: AtomicU64::new(FULL), ratio: (ratio.clamp(0.0, 10.0) * 1_000.0) as u64 }
    }

    fn deposit(&self) {
        self.change(|level| Some((level + self.ratio).min(FULL)));
    }

    fn withdraw(&self) -> bool {
        self.change(|level| level.checked_sub(1_000))
    }

    fn change(&self, step: impl Fn(u64) -> Option<u64>) -> bool {
        self.thousandths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }
}
