//! Prometheus counters and histograms. Handles are looked up once per label set and kept.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use fhir::InteractionCode;
use http::StatusCode;
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::RwLock;

use super::breaches::Breaches;
use super::traffic::{Endings, Traffic, Way, ending};
use crate::passage::{Passage, Stage};

/// Seconds; from a read in memory to a back end at its deadline.
const BUCKETS: [f64; 15] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The recorder of this process: `metrics` knows one only, so gateways in one process share it.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Somebody else's recorder stays; ours then shows nothing.
        if metrics::set_global_recorder(recorder).is_err() {
            ::tracing::warn!("another metrics recorder is installed; /metrics is empty");
        }
        handle
    })
}

/// Every metric in Prometheus' text format.
#[must_use]
pub fn exposition() -> String {
    recorder().render()
}

/// Folds histogram samples together; must run every few seconds or they pile up.
pub fn upkeep() {
    recorder().run_upkeep();
}

/// Where it went, interaction, status.
type Key = (Way, Option<InteractionCode>, u16);

/// Keys whose handles are kept. Clients of outside issuers have no bound; beyond this they are counted together.
const MOST_KEYS: usize = 16_384;

/// Counters and histograms of requests.
pub struct Meters {
    known: RwLock<HashMap<Key, Handles>>,
    stages: [Histogram; Stage::ALL.len()],
    /// The same requests by client, for operators: client names are no labels of metrics.
    pub traffic: Traffic,
    /// The rules that payloads broke.
    pub breaches: Breaches,
}

#[derive(Clone)]
struct Handles {
    counter: Counter,
    latency: Histogram,
    endings: Arc<Endings>,
}

impl Default for Meters {
    fn default() -> Self {
        recorder();
        let stages =
            Stage::ALL.map(|stage| metrics::histogram!("frontdesk_stage_duration_seconds", "stage" => stage.name()));
        Self { known: RwLock::default(), stages, traffic: Traffic::default(), breaches: Breaches::default() }
    }
}

impl Meters {
    /// Counts a request that was answered.
    pub fn note(&self, passage: &Passage, status: StatusCode) {
        let key = (passage.way(), passage.interaction, status.as_u16());
        let known = self.known.read().get(&key).cloned();
        let handles = known.unwrap_or_else(|| self.keep(key));
        handles.counter.increment(1);
        handles.latency.record(passage.began.elapsed().as_secs_f64());
        handles.endings.add(ending(status));
        for (stage, spent) in passage.stages() {
            if let Some(histogram) = self.stages.get(stage as usize) {
                histogram.record(spent.as_secs_f64());
            }
        }
    }

    fn keep(&self, key: Key) -> Handles {
        let (counter, latency) = metrics_of(&key);
        let handles = Handles { counter, latency, endings: self.traffic.endings(key.0.clone()) };
        let mut known = self.known.write();
        if known.len() < MOST_KEYS {
            known.insert(key, handles.clone());
        }
        handles
    }
}

/// The metrics of a key: those of every client on that route.
fn metrics_of((way, interaction, status): &Key) -> (Counter, Histogram) {
    let labels = [
        ("route", way.route.as_deref().unwrap_or("none").to_owned()),
        ("interaction", interaction.map_or("none", InteractionCode::code).to_owned()),
        ("status", status.to_string()),
    ];
    let counter = metrics::counter!("frontdesk_requests_total", &labels);
    (counter, metrics::histogram!("frontdesk_request_duration_seconds", &labels))
}
