//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::Limits;

/// Counts connections over all workers.
pub struct Admission {
    total: AtomicUsize,
    most: usize,
    most_per_address: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    proxies: Arc<[IpAddr]>,
}

/// The right to be connected; ends when dropped.
pub struct Admitted {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Admission {
    /// Nobody is connected yet.
    #[must_use]
    pub fn new(limits: &Limits, proxies: &Arc<[IpAddr]>) -> Self {
        Self {
            total: AtomicUsize::new(0),
            most: limits.connections,
            most_per_address: limits.connections_per_address,
            by_address: Mutex::default(),
            proxies: Arc::clone(proxies),
        }
    }

    /// Lets one more in, unless there are too many.
    #[must_use]
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let mut admitted = Admitted { admission: Arc::clone(self), address: None };
        metrics::gauge!("frontdesk_connections").increment(1.0);
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.most {
            return None;
        }
        let address = subnet(address);
        if !self.proxies.contains(&address) {
            let mut by_address = self.by_address.lock();
            let count = by_address.entry(address).or_insert(0);
            if *count >= self.most_per_address {
                return None;
            }
            *count += 1;
            admitted.address = Some(address);
        }
        Some(admitted)
    }

    /// How many are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.total.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("frontdesk_connections").decrement(1.0);
        let Some(address) = self.address else { return };
        let mut by_address = self.admission.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// What one client has for itself: an IPv4 address, an IPv6 /64.
fn subnet(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, connections_per_address: usize, proxies: &[&str]) -> Arc<Admission> {
        let limits = Limits { connections, connections_per_address, ..Limits::default() };
        let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Arc::new(Admission::new(&limits, &proxies))
    }

    #[test]
    fn one_address_cannot_take_everybodys_connections() {
        let admission = admission(3, 2, &[]);
        let (greedy, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let held = [admission.admit(greedy).unwrap(), admission.admit(greedy).unwrap()];
        assert!(admission.admit(greedy).is_none());
        let _one = admission.admit(other).unwrap();
        assert!(admission.admit(other).is_none(), "3 in all");
        drop(held);
        assert!(admission.admit(greedy).is_some());
        assert_eq!(admission.count(), 1);
    }

    #[test]
    fn an_ipv6_client_counts_by_its_64_and_a_proxy_does_not_count() {
        let admission = admission(10, 1, &["10.0.0.9"]);
        let _first = admission.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(admission.admit("2001:db8::2".parse().unwrap()).is_none());
        let _next = admission.admit("2001:db8:0:1::2".parse().unwrap()).unwrap();
        let proxy = "10.0.0.9".parse().unwrap();
        let _both = [admission.admit(proxy).unwrap(), admission.admit(proxy).unwrap()];
    }
}
