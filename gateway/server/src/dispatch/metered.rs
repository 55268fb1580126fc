//! Counts and times every call.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply};
use fhir::{Capability, InteractionCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use parking_lot::Mutex;

use super::body;
use crate::telemetry::counts::Counts;
use crate::telemetry::latency::Latency;

/// Measures an adapter: `frontdesk_adapter_calls_total{adapter,interaction,result}`,
/// `frontdesk_adapter_call_seconds{adapter,interaction}` (to the last byte of the reply) and
/// `frontdesk_adapter_calls_in_flight{adapter}`.
pub struct Metered {
    adapter: Arc<dyn Adapter>,
    meters: Arc<Meters>,
}

impl Metered {
    /// Around an adapter of that name.
    #[must_use]
    pub fn new(name: &Arc<str>, adapter: Arc<dyn Adapter>) -> Self {
        Self { adapter, meters: Arc::new(Meters::new(name)) }
    }

    /// What was measured of late.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.meters.recent
    }
}

#[async_trait::async_trait]
impl Adapter for Metered {
    fn capability(&self) -> Arc<Capability> {
        self.adapter.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let mut running = Running::start(Arc::clone(&self.meters), call.interaction.code());
        match self.adapter.perform(call).await {
            Ok(mut reply) => {
                running.result = OK;
                reply.body = body::watch(reply.body, running, |running, error| {
                    if let Some(error) = error {
                        running.meters.count_broken_body(running.code, error.kind);
                        running.meters.recent.failed(error.kind);
                    }
                });
                Ok(reply)
            }
            Err(error) => {
                running.result = 2 + error.kind as usize;
                Err(error)
            }
        }
    }

    async fn health(&self) -> Health {
        self.adapter.health().await
    }
}

/// A call that is under way; its end is its drop, so that nothing that happens to it is missed.
struct Running {
    meters: Arc<Meters>,
    code: InteractionCode,
    result: usize,
    since: Instant,
}

impl Running {
    fn start(meters: Arc<Meters>, code: InteractionCode) -> Self {
        meters.in_flight().increment(1.0);
        Self { meters, code, result: ABANDONED, since: Instant::now() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.meters.in_flight().decrement(1.0);
        self.meters.calls(self.code, self.result).increment(1);
        let took = self.since.elapsed();
        self.meters.seconds(self.code).record(took);
        self.meters.recent.note(self.result, took);
    }
}

/// What an operator wants to know of an adapter: metrics have it too, but nobody reads them back here.
#[derive(Default)]
pub struct Recent {
    /// Calls, and those among them that failed: the client got 5xx.
    pub calls: Counts<2>,
    /// How long they took, to the last byte.
    pub latency: Latency,
    last_failure: Mutex<Option<Failed>>,
}

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub kind: ErrorKind,
    /// When.
    pub at: SystemTime,
}

impl Recent {
    /// The failure that was last.
    #[must_use]
    pub fn last_failure(&self) -> Option<Failed> {
        *self.last_failure.lock()
    }

    /// Lets time pass. To be called every five seconds.
    pub fn sample(&self) {
        self.calls.sample();
        self.latency.sample();
    }

    fn note(&self, result: usize, took: Duration) {
        self.calls.add(CALL);
        self.latency.record(took);
        if let Some(kind) = result.checked_sub(2).and_then(|error| ErrorKind::ALL.get(error))
            && kind.status() >= 500
        {
            self.failed(*kind);
        }
    }

    fn failed(&self, kind: ErrorKind) {
        self.calls.add(FAILURE);
        *self.last_failure.lock() = Some(Failed { kind, at: SystemTime::now() });
    }
}

/// Which of [`Recent::calls`].
const CALL: usize = 0;
const FAILURE: usize = 1;

/// Nobody waited for the end.
const ABANDONED: usize = 0;
const OK: usize = 1;
const RESULTS: usize = 2 + ErrorKind::ALL.len();

/// Handles are looked up once: a lookup hashes every label and allocates.
struct Meters {
    name: Arc<str>,
    recent: Recent,
    in_flight: OnceLock<Gauge>,
    calls: Vec<[OnceLock<Counter>; RESULTS]>,
    seconds: Vec<OnceLock<Histogram>>,
}

impl Meters {
    fn new(name: &Arc<str>) -> Self {
        let codes = InteractionCode::ALL.len();
        Self {
            name: Arc::clone(name),
            recent: Recent::default(),
            in_flight: OnceLock::new(),
            calls: (0..codes).map(|_| std::array::from_fn(|_| OnceLock::new())).collect(),
            seconds: (0..codes).map(|_| OnceLock::new()).collect(),
        }
    }

    fn in_flight(&self) -> &Gauge {
        self.in_flight.get_or_init(|| gauge!("frontdesk_adapter_calls_in_flight", "adapter" => Arc::clone(&self.name)))
    }

    fn calls(&self, code: InteractionCode, result: usize) -> &Counter {
        self.calls[code as usize][result].get_or_init(|| {
            counter!(
                "frontdesk_adapter_calls_total",
                "adapter" => Arc::clone(&self.name),
                "interaction" => code.code(),
                "result" => result_name(result),
            )
        })
    }

    fn seconds(&self, code: InteractionCode) -> &Histogram {
        self.seconds[code as usize].get_or_init(|| {
            histogram!(
                "frontdesk_adapter_call_seconds",
                "adapter" => Arc::clone(&self.name),
                "interaction" => code.code(),
            )
        })
    }

    /// Rare, so it is looked up each time.
    fn count_broken_body(&self, code: InteractionCode, kind: ErrorKind) {
        counter!(
            "frontdesk_adapter_broken_bodies_total",
            "adapter" => Arc::clone(&self.name),
            "interaction" => code.code(),
            "result" => kind.code(),
        )
        .increment(1);
    }
}

fn result_name(result: usize) -> &'static str {
    match result {
        ABANDONED => "abandoned",
        OK => "ok",
        error => ErrorKind::ALL.get(error - 2).map_or("internal", |kind| kind.code()),
    }
}
