//! Slows down who guesses the operator's token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::Clock;
use parking_lot::Mutex;

/// Wrong tokens that cost nothing: a slip of the pen.
const FREE: u32 = 3;
/// The wait after the next one; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Addresses that are told apart; beyond it the one that waits shortest is forgotten.
const MOST: usize = 1024;

/// Wrong tokens by address. One that is right again is forgiven.
pub(super) struct Attempts {
    failed: Mutex<HashMap<IpAddr, Failed>>,
    clock: Arc<dyn Clock>,
}

struct Failed {
    times: u32,
    until: Instant,
}

impl Attempts {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { failed: Mutex::default(), clock }
    }

    /// Whether an address may try now; else how long it has to wait, whatever it brings.
    pub(super) fn admit(&self, address: IpAddr) -> Result<(), Duration> {
        let now = self.clock.instant();
        let failed = self.failed.lock();
        match failed.get(&network(address)).and_then(|failed| failed.until.checked_duration_since(now)) {
            Some(left) if !left.is_zero() => Err(left),
            _ => Ok(()),
        }
    }

    /// A wrong token.
    pub(super) fn failed(&self, address: IpAddr) {
        let now = self.clock.instant();
        let mut failed = self.failed.lock();
        let address = network(address);
        if !failed.contains_key(&address) && failed.len() >= MOST {
            let soonest = failed.iter().min_by_key(|(_, failed)| failed.until).map(|(address, _)| *address);
            soonest.and_then(|address| failed.remove(&address));
        }
        let entry = failed.entry(address).or_insert(Failed { times: 0, until: now });
        entry.times = entry.times.saturating_add(1);
        if entry.times > FREE {
            let doubled = 2_u32.saturating_pow((entry.times - FREE - 1).min(16));
            entry.until = now + FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
        }
    }

    /// The right token.
    pub(super) fn succeeded(&self, address: IpAddr) {
        self.failed.lock().remove(&network(address));
    }
}

/// An IPv6 address counts as its /64: whoever has one has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use adapter::host::SystemClock;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn each_wrong_token_beyond_a_few_doubles_the_wait_and_the_right_one_is_forgiven() {
        let attempts = Attempts::new(Arc::new(SystemClock));
        let wait = |attempts: &Attempts| attempts.admit(HOME).err().map_or(0, |wait| wait.as_secs_f64().ceil() as u64);
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                attempts.failed(HOME);
                wait(&attempts)
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(attempts.admit(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))).is_ok(), "others need not wait");
        attempts.succeeded(HOME);
        assert_eq!(wait(&attempts), 0);
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory() {
        let attempts = Attempts::new(Arc::new(SystemClock));
        (0..3 * MOST as u32).for_each(|number| attempts.failed(IpAddr::V4(Ipv4Addr::from(number))));
        assert_eq!(attempts.failed.lock().len(), MOST);
    }
}
