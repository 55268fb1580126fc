//! How long things took of late, as quantiles.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Four buckets for each doubling, from a microsecond to half an hour: a quantile is at most a fifth too high.
const BUCKETS: usize = 4 * 32;
/// Samples that come every five seconds: after five minutes what was before the last five is forgotten.
const TICKS: u32 = 60;

/// A histogram of the last five to ten minutes. Recording is one atomic addition.
pub struct Latency {
    now: [AtomicU32; BUCKETS],
    past: Mutex<Past>,
}

struct Past {
    ticks: u32,
    /// What the buckets held five to ten minutes ago, and up to five minutes ago.
    older: [u32; BUCKETS],
    newer: [u32; BUCKETS],
}

impl Default for Latency {
    fn default() -> Self {
        let past = Past { ticks: 0, older: [0; BUCKETS], newer: [0; BUCKETS] };
        Self { now: std::array::from_fn(|_| AtomicU32::new(0)), past: Mutex::new(past) }
    }
}

impl Latency {
    /// Counts something that took so long.
    pub fn record(&self, took: Duration) {
        if let Some(bucket) = self.now.get(bucket(took)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets time pass. To be called every five seconds.
    pub fn sample(&self) {
        let mut past = self.past.lock();
        past.ticks += 1;
        if past.ticks.is_multiple_of(TICKS) {
            past.older = past.newer;
            past.newer = self.counts();
        }
    }

    /// The times that the given shares (0 to 1) of all stayed below; none when nothing was counted of late.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[Duration; N]> {
        let now = self.counts();
        let past = self.past.lock();
        let recent: Vec<u64> =
            now.iter().zip(past.older).map(|(now, older)| u64::from(now.wrapping_sub(older))).collect();
        let total: u64 = recent.iter().sum();
        (total > 0).then(|| shares.map(|share| quantile(&recent, (share * total as f64).ceil().max(1.0))))
    }

    fn counts(&self) -> [u32; BUCKETS] {
        std::array::from_fn(|index| self.now[index].load(Ordering::Relaxed))
    }
}

fn quantile(counts: &[u64], wanted: f64) -> Duration {
    let mut seen = 0;
    let reaches = |(_, count): &(usize, &u64)| {
        seen += **count;
        seen as f64 >= wanted
    };
    let last = counts.len().saturating_sub(1);
    upper(counts.iter().enumerate().find(reaches).map_or(last, |(index, _)| index))
}

/// The octave, and which quarter of it.
fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(4);
    let octave = micros.ilog2();
    let quarter = (micros >> (octave - 2)) & 3;
    (octave as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

/// The end of a bucket.
fn upper(index: usize) -> Duration {
    let (octave, quarter) = (index / 4, index as u64 % 4);
    Duration::from_micros(((5 + quarter) << octave) / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_a_quarter_too_high_and_never_too_low() {
        for micros in [4_u64, 17, 999, 1_000, 65_536, 2_345_678, 1_700_000_000] {
            let took = Duration::from_micros(micros);
            let end = upper(bucket(took));
            assert!(end >= took && end <= took.mul_f64(1.26) + Duration::from_micros(1), "{took:?} {end:?}");
        }
    }

    #[test]
    fn half_and_nearly_all_are_told_apart_and_nothing_is_nothing() {
        let latency = Latency::default();
        assert_eq!(latency.quantiles([0.5]), None);
        (0..98).for_each(|_| latency.record(Duration::from_millis(1)));
        (0..2).for_each(|_| latency.record(Duration::from_secs(1)));
        let [half, most] = latency.quantiles([0.5, 0.99]).unwrap();
        assert!(half < Duration::from_millis(2) && most >= Duration::from_secs(1), "{half:?} {most:?}");
    }

    #[test]
    fn what_is_older_than_ten_minutes_is_forgotten() {
        let latency = Latency::default();
        latency.record(Duration::from_secs(1));
        (0..TICKS).for_each(|_| latency.sample());
        assert!(latency.quantiles([0.5]).is_some());
        (0..TICKS).for_each(|_| latency.sample());
        assert_eq!(latency.quantiles([0.5]), None);
    }
}
