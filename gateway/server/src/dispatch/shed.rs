//! Bounded concurrency: who finds no place is sent away at once, so that a slow back end does not fill the gateway.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply};
use fhir::Capability;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::body;

/// How many calls one back end gets at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedPolicy {
    /// Calls at a time; a streamed reply counts until its last byte.
    pub concurrency: usize,
    /// Calls that may wait for a place.
    pub queue: usize,
    /// How long they wait at most.
    pub wait: Duration,
    /// What a caller without a place is told in Retry-After.
    pub retry_after: Duration,
}

impl Default for ShedPolicy {
    fn default() -> Self {
        Self { concurrency: 256, queue: 256, wait: Duration::from_millis(500), retry_after: Duration::from_secs(1) }
    }
}

/// How many calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Under way.
    pub running: usize,
    /// Under way at most.
    pub places: usize,
    /// That wait for a place.
    pub waiting: usize,
    /// That may wait.
    pub seats: usize,
}

/// Lets a bounded number of calls through.
pub struct Shed {
    adapter: Arc<dyn Adapter>,
    policy: ShedPolicy,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Shed {
    /// Around an adapter.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, policy: ShedPolicy) -> Self {
        let running = Arc::new(Semaphore::new(policy.concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        let waiting = Arc::new(Semaphore::new(policy.queue.min(Semaphore::MAX_PERMITS)));
        Self { adapter, policy, running, waiting }
    }

    /// How full it is.
    #[must_use]
    pub fn load(&self) -> Load {
        let (places, seats) = (self.policy.concurrency.max(1), self.policy.queue);
        Load {
            running: places.saturating_sub(self.running.available_permits()),
            places,
            waiting: seats.saturating_sub(self.waiting.available_permits()),
            seats,
        }
    }

    async fn place(&self, deadline: std::time::Instant) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.running).try_acquire_owned() {
            return Some(place);
        }
        let _seat = self.waiting.try_acquire().ok()?;
        let until = (Instant::now() + self.policy.wait).min(deadline.into());
        timeout_at(until, Arc::clone(&self.running).acquire_owned()).await.ok()?.ok()
    }
}

#[async_trait::async_trait]
impl Adapter for Shed {
    fn capability(&self) -> Arc<Capability> {
        self.adapter.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let Some(place) = self.place(call.deadline).await else {
            return Err(Error::new(ErrorKind::Shed, "too many calls to this back end at the moment; try again later")
                .after(self.policy.retry_after));
        };
        let mut reply = self.adapter.perform(call).await?;
        reply.body = body::watch(reply.body, place, |_, _| {});
        Ok(reply)
    }

    async fn health(&self) -> Health {
        self.adapter.health().await
    }
}
