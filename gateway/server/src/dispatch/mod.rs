//! Stage 6: call the plan's adapters. Around every adapter, applied at start:
//! `Metered(Shed(Deadline(Retry(Breaker(adapter)))))`. Each wrapper is an [`Adapter`] and one short file; read from the
//! outside in, they are the order in which a call meets them.

mod body;
mod breaker;
mod deadline;
mod metered;
mod retry;
mod shed;
mod vitals;

pub use breaker::{Breaker, BreakerPolicy, BreakerState};
pub use deadline::Deadline;
pub use metered::{Failed, Metered, Recent};
pub use retry::{Retry, RetryPolicy};
pub use shed::{Load, Shed, ShedPolicy};
pub use vitals::Vitals;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Adapter, Call, Clock, Error, ErrorKind, Reply};
use futures_util::FutureExt;

use crate::route::Plan;

/// How one adapter is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How many calls at a time.
    pub shed: ShedPolicy,
    /// The longest that one call may take, its retries included.
    pub deadline: Duration,
    /// When a failed call is tried again.
    pub retry: RetryPolicy,
    /// When the back end is left alone for a while.
    pub breaker: BreakerPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            shed: ShedPolicy::default(),
            deadline: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
        }
    }
}

/// What `[adapters.NAME]` says.
impl From<&config::Adapter> for Policy {
    fn from(settings: &config::Adapter) -> Self {
        let (retry, breaker) = (&settings.retry, &settings.breaker);
        Self {
            shed: ShedPolicy {
                concurrency: settings.concurrency as usize,
                queue: settings.queue as usize,
                wait: settings.queue_time.into(),
                ..ShedPolicy::default()
            },
            deadline: settings.deadline.into(),
            retry: RetryPolicy {
                attempts: retry.attempts,
                backoff: retry.backoff.into(),
                backoff_limit: retry.backoff_limit.into(),
                budget: f64::from(retry.budget) / 100.0,
                trusts_idempotency_key: retry.idempotency_key,
            },
            breaker: BreakerPolicy {
                window: breaker.window.into(),
                min_calls: breaker.calls,
                failure_ratio: f64::from(breaker.failures) / 100.0,
                open: breaker.open.into(),
                probes: breaker.probes,
            },
        }
    }
}

/// Puts every wrapper around an adapter; [`Vitals::adapter`] is the whole.
#[must_use]
pub fn wrap(name: &Arc<str>, adapter: Arc<dyn Adapter>, policy: &Policy, clock: Arc<dyn Clock>) -> Vitals {
    let breaker = Arc::new(Breaker::new(name, adapter, policy.breaker, clock));
    let retry = Arc::new(Retry::new(Arc::clone(&breaker) as Arc<dyn Adapter>, policy.retry));
    let deadline = Arc::new(Deadline::new(retry, policy.deadline));
    let shed = Arc::new(Shed::new(deadline, policy.shed));
    let metered = Arc::new(Metered::new(name, Arc::clone(&shed) as Arc<dyn Adapter>));
    Vitals { name: Arc::clone(name), metered, shed, breaker }
}

/// Performs a call by its plan; a panic inside of it ends this call only. Whoever drops the future ends the call: a write
/// belongs in a task of its own.
///
/// # Errors
/// What the adapter or a wrapper refused, and [`ErrorKind::Internal`] for a panic.
pub async fn perform(plan: &Plan, call: Call) -> Result<Reply, Error> {
    let Some(destination) = plan.adapters.first() else {
        return Err(Error::new(ErrorKind::Internal, "the route leads to no adapter"));
    };
    shielded(&*destination.adapter, call).await
}

/// Performs a call; a panic inside of it ends this call only.
///
/// # Errors
/// As [`perform`].
pub async fn shielded(adapter: &dyn Adapter, call: Call) -> Result<Reply, Error> {
    AssertUnwindSafe(adapter.perform(call)).catch_unwind().await.unwrap_or_else(|_| {
        // The panic hook has written where; the payload may hold data and is dropped.
        metrics::counter!("frontdesk_panics_total", "stage" => "dispatch").increment(1);
        Err(Error::new(ErrorKind::Internal, "the gateway failed while it performed this interaction"))
    })
}

#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;
