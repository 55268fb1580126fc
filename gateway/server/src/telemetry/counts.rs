//! Counters that know how fast they grew of late: an atomic addition where something happens, and a sample of them every few
//! seconds elsewhere.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Samples of a minute: [`Counts::sample`] is called every five seconds.
const TICKS_A_MINUTE: usize = 12;
const MINUTES: usize = 60;

/// What was counted over three spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates<const N: usize> {
    /// In the last minute.
    pub minute: [u64; N],
    /// In the last hour.
    pub hour: [u64; N],
    /// Since the start.
    pub ever: [u64; N],
}

/// `N` counters that belong together.
pub struct Counts<const N: usize> {
    now: [AtomicU64; N],
    past: Mutex<Past<N>>,
}

/// What the counters showed before, newest last.
struct Past<const N: usize> {
    ticks: VecDeque<[u64; N]>,
    minutes: VecDeque<[u64; N]>,
    count: usize,
}

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        let past = Past { ticks: VecDeque::new(), minutes: VecDeque::new(), count: 0 };
        Self { now: std::array::from_fn(|_| AtomicU64::new(0)), past: Mutex::new(past) }
    }
}

impl<const N: usize> Counts<N> {
    /// Counts one; a number that there is not counts nothing.
    pub fn add(&self, which: usize) {
        if let Some(counter) = self.now.get(which) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Remembers what the counters show. To be called every five seconds.
    pub fn sample(&self) {
        let now = self.ever();
        let mut past = self.past.lock();
        keep(&mut past.ticks, now, TICKS_A_MINUTE);
        if past.count.is_multiple_of(TICKS_A_MINUTE) {
            keep(&mut past.minutes, now, MINUTES);
        }
        past.count += 1;
    }

    /// What was counted.
    #[must_use]
    pub fn rates(&self) -> Rates<N> {
        let ever = self.ever();
        let past = self.past.lock();
        let since = |ring: &VecDeque<[u64; N]>, most: usize| {
            let before = ring.front().filter(|_| ring.len() >= most).copied().unwrap_or([0; N]);
            std::array::from_fn(|which| ever[which].saturating_sub(before[which]))
        };
        Rates { minute: since(&past.ticks, TICKS_A_MINUTE), hour: since(&past.minutes, MINUTES), ever }
    }

    fn ever(&self) -> [u64; N] {
        std::array::from_fn(|which| self.now[which].load(Ordering::Relaxed))
    }
}

fn keep<const N: usize>(ring: &mut VecDeque<[u64; N]>, sample: [u64; N], most: usize) {
    if ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(sample);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_and_hour_forget_what_is_older() {
        let counts = Counts::<2>::default();
        counts.add(0);
        counts.add(1);
        counts.add(7);
        assert_eq!(counts.rates(), Rates { minute: [1, 1], hour: [1, 1], ever: [1, 1] });
        for _ in 0..TICKS_A_MINUTE {
            counts.sample();
        }
        counts.add(1);
        assert_eq!(counts.rates(), Rates { minute: [0, 1], hour: [1, 2], ever: [1, 2] });
        for _ in 0..TICKS_A_MINUTE * MINUTES {
            counts.sample();
        }
        assert_eq!(counts.rates(), Rates { minute: [0, 0], hour: [0, 0], ever: [1, 2] });
    }
}
