//! Leaves a back end alone while it is unwell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::{Adapter, Call, Clock, Error, ErrorKind, Health, Reply};
use fhir::Capability;
use parking_lot::Mutex;

use super::body;

/// When the breaker opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// The time that is looked back on.
    pub window: Duration,
    /// Fewer calls than that in the window say nothing.
    pub min_calls: u32,
    /// The share of failures in the window that opens it (0 to 1).
    pub failure_ratio: f64,
    /// How long it stays open before probes are let through.
    pub open: Duration,
    /// Probes at a time while half open, and how many have to succeed to close it.
    pub probes: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            min_calls: 20,
            failure_ratio: 0.5,
            open: Duration::from_secs(5),
            probes: 2,
        }
    }
}

/// A circuit breaker: closed, open, half open. Only failures that say that the back end is unwell count
/// ([`ErrorKind::is_back_end_fault`]). Its state is `frontdesk_adapter_breaker_state{adapter}`: 0 closed, 1 half open,
/// 2 open.
pub struct Breaker {
    adapter: Arc<dyn Adapter>,
    circuit: Arc<Circuit>,
}

impl Breaker {
    /// Around an adapter of that name.
    #[must_use]
    pub fn new(name: &Arc<str>, adapter: Arc<dyn Adapter>, policy: BreakerPolicy, clock: Arc<dyn Clock>) -> Self {
        let now = clock.instant();
        metrics::gauge!("frontdesk_adapter_breaker_state", "adapter" => Arc::clone(name)).set(0.0);
        let state = Mutex::new(State { epoch: 0, phase: Phase::Closed(Window::new(now, policy.window)) });
        Self { adapter, circuit: Arc::new(Circuit { name: Arc::clone(name), policy, clock, state }) }
    }

    /// How it is. A breaker whose time is over lets the next call try.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        let now = self.circuit.clock.instant();
        match self.circuit.state.lock().phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open { left: until - now },
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

#[async_trait::async_trait]
impl Adapter for Breaker {
    fn capability(&self) -> Arc<Capability> {
        self.adapter.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let ticket = self.circuit.admit(call.deadline).map_err(|wait| {
            Error::new(ErrorKind::Shed, "the back end is not well and is left alone for a moment; try again later")
                .after(wait)
        })?;
        match self.adapter.perform(call).await {
            Ok(mut reply) => {
                reply.body = body::watch(reply.body, ticket, |ticket, error| ticket.settle(error));
                Ok(reply)
            }
            Err(error) => {
                ticket.settle(Some(&error));
                Err(error)
            }
        }
    }

    async fn health(&self) -> Health {
        let health = self.adapter.health().await;
        match health {
            Health::Up if self.circuit.is_open() => Health::Degraded("the circuit breaker is open".to_owned()),
            health => health,
        }
    }
}

/// How the breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// No call goes through until then.
    Open {
        /// How long that is from now.
        left: Duration,
    },
    /// Some calls go through to find out whether the back end is well again.
    HalfOpen,
}

struct Circuit {
    name: Arc<str>,
    policy: BreakerPolicy,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// Counts phases, so that the end of a call that began in an earlier one is passed over.
    epoch: u64,
    phase: Phase,
}

enum Phase {
    Closed(Window),
    Open { until: Instant },
    HalfOpen { running: u32, succeeded: u32 },
}

impl Circuit {
    /// Lets a call in, or says how long to stay away.
    fn admit(self: &Arc<Self>, deadline: Instant) -> Result<Ticket, Duration> {
        let now = self.clock.instant();
        let mut state = self.state.lock();
        if let Phase::Open { until } = state.phase {
            if now < until {
                return Err(until - now);
            }
            self.enter(&mut state, Phase::HalfOpen { running: 0, succeeded: 0 });
        }
        if let Phase::HalfOpen { running, .. } = &mut state.phase {
            if *running >= self.policy.probes.max(1) {
                return Err(self.policy.open);
            }
            *running += 1;
        }
        Ok(Ticket { circuit: Arc::clone(self), epoch: state.epoch, deadline, settled: false })
    }

    fn record(&self, epoch: u64, success: bool) {
        let now = self.clock.instant();
        let mut state = self.state.lock();
        if state.epoch != epoch {
            return;
        }
        let opens = match &mut state.phase {
            Phase::Closed(window) => {
                window.record(now, success);
                !success && window.is_bad(&self.policy)
            }
            Phase::HalfOpen { running, succeeded } => {
                *running = running.saturating_sub(1);
                *succeeded += u32::from(success);
                if *succeeded >= self.policy.probes.max(1) {
                    self.enter(&mut state, Phase::Closed(Window::new(now, self.policy.window)));
                    return;
                }
                !success
            }
            Phase::Open { .. } => false,
        };
        if opens {
            self.enter(&mut state, Phase::Open { until: now + self.policy.open });
        }
    }

    /// A call that nobody waited for says nothing, and frees its place.
    fn release(&self, epoch: u64) {
        let mut state = self.state.lock();
        if state.epoch == epoch
            && let Phase::HalfOpen { running, .. } = &mut state.phase
        {
            *running = running.saturating_sub(1);
        }
    }

    fn enter(&self, state: &mut State, phase: Phase) {
        let (level, text) = match phase {
            Phase::Closed(_) => (0.0, "closed"),
            Phase::HalfOpen { .. } => (1.0, "half open"),
            Phase::Open { .. } => (2.0, "open"),
        };
        state.epoch += 1;
        state.phase = phase;
        metrics::gauge!("frontdesk_adapter_breaker_state", "adapter" => Arc::clone(&self.name)).set(level);
        tracing::warn!(adapter = %self.name, state = text, "circuit breaker");
    }

    fn is_open(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Open { .. })
    }
}

/// The right to make one call.
struct Ticket {
    circuit: Arc<Circuit>,
    epoch: u64,
    deadline: Instant,
    settled: bool,
}

impl Ticket {
    fn settle(mut self, error: Option<&Error>) {
        self.settled = true;
        self.circuit.record(self.epoch, error.is_none_or(|error| !error.kind.is_back_end_fault()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // Dropped at its deadline, the back end was too slow; before, the caller went away.
        if tokio::time::Instant::now().into_std() >= self.deadline {
            self.circuit.record(self.epoch, false);
        } else {
            self.circuit.release(self.epoch);
        }
    }
}

const SLICES: usize = 10;

/// Calls and failures of the last while, in slices that are dropped one by one as they age.
struct Window {
    slices: [(u32, u32); SLICES],
    newest: usize,
    newest_since: Instant,
    slice: Duration,
}

impl Window {
    fn new(now: Instant, length: Duration) -> Self {
        let slice = (length / SLICES as u32).max(Duration::from_millis(1));
        Self { slices: [(0, 0); SLICES], newest: 0, newest_since: now, slice }
    }

    fn record(&mut self, now: Instant, success: bool) {
        self.age(now);
        let (calls, failures) = &mut self.slices[self.newest];
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(!success));
    }

    fn age(&mut self, now: Instant) {
        let mut passed = 0;
        while now.saturating_duration_since(self.newest_since) >= self.slice && passed < SLICES {
            self.newest = (self.newest + 1) % SLICES;
            self.slices[self.newest] = (0, 0);
            self.newest_since += self.slice;
            passed += 1;
        }
        if passed == SLICES {
            self.newest_since = now;
        }
    }

    fn is_bad(&self, policy: &BreakerPolicy) -> bool {
        let (calls, failures) = self.slices.iter().fold((0_u32, 0_u32), |(calls, failures), slice| {
            (calls.saturating_add(slice.0), failures.saturating_add(slice.1))
        });
        calls >= policy.min_calls.max(1) && f64::from(failures) >= policy.failure_ratio * f64::from(calls)
    }
}
