//! How often a client or an address may ask. Memory is bounded whatever addresses appear.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use adapter::Practice;
use config::{Rate, RateLimits};
use dashmap::DashMap;
use fhir::IssueType;
use governor::clock::{Clock as _, DefaultClock, QuantaInstant};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::failure::Failure;

/// How many keys are told apart while more than that would not fit.
const CROWD: u64 = 4096;

/// After how many checks the keys are counted.
const COUNT_EVERY: u32 = 1024;

/// The limits of one gateway.
pub struct Limits {
    hash: RandomState,
    client: Limiter,
    /// Clients with a rate of their own.
    special: HashMap<(Practice, String), Limiter>,
    address: Limiter,
    token: Limiter,
    failures: Limiter,
    /// Addresses that failed too often, until when.
    barred: DashMap<u64, Instant>,
    sweeps: AtomicU32,
    tracked: usize,
}

/// What a client is told about its rate (draft-ietf-httpapi-ratelimit-headers): the fields `RateLimit-Policy` and
/// `RateLimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitFields {
    name: &'static str,
    quota: Rate,
    remaining: u32,
}

/// Beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// When to come back.
    pub retry_after: Duration,
    /// What the client is told.
    pub fields: RateLimitFields,
}

impl Limits {
    /// The limits of a configuration.
    #[must_use]
    pub fn new(rates: &RateLimits, clients: &std::collections::BTreeMap<String, config::Client>) -> Self {
        let tracked = rates.tracked as usize;
        let special = clients.iter().filter_map(|(id, client)| {
            let limiter = Limiter::new("client", client.rate?, 1);
            Some(((Practice::new(&client.practice), id.clone()), limiter))
        });
        Self {
            hash: RandomState::new(),
            client: Limiter::new("client", rates.client, tracked),
            special: special.collect(),
            address: Limiter::new("address", rates.address, tracked),
            token: Limiter::new("token", rates.token, tracked),
            failures: Limiter::new("failures", rates.failures, tracked),
            barred: DashMap::new(),
            sweeps: AtomicU32::new(0),
            tracked,
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// 429 with Retry-After when there were too many.
    pub fn address(&self, address: IpAddr) -> Result<(), Failure> {
        self.address.check(self.key(network(address))).map(|_| ()).map_err(Failure::from)
    }

    /// Counts a request of a client.
    ///
    /// # Errors
    /// 429 with Retry-After when there were too many.
    pub fn client(&self, practice: &Practice, client: &str) -> Result<RateLimitFields, Failure> {
        self.of(practice, client).check(self.key((practice, client))).map_err(Failure::from)
    }

    /// Counts the entries of a batch, of which its request was one: as many as a client may ask at once, because more never fit. None
    /// when there is nothing more to count.
    ///
    /// # Errors
    /// 429 with Retry-After when they are too many for now.
    pub fn entries(
        &self,
        practice: &Practice,
        client: &str,
        entries: usize,
    ) -> Result<Option<RateLimitFields>, Failure> {
        let more = u32::try_from(entries).unwrap_or(u32::MAX).saturating_sub(1);
        self.of(practice, client).check_more(self.key((practice, client)), more).map_err(Failure::from)
    }

    fn of(&self, practice: &Practice, client: &str) -> &Limiter {
        let special = || self.special.get(&(practice.clone(), client.to_owned()));
        if self.special.is_empty() { &self.client } else { special().unwrap_or(&self.client) }
    }

    /// Counts a token request of an address, before anything of it is verified.
    ///
    /// # Errors
    /// When there were too many, or too many failed.
    pub fn token(&self, address: IpAddr) -> Result<(), Exceeded> {
        self.is_welcome(address)?;
        self.token.check(self.key(network(address))).map(|_| ())
    }

    /// Whether an address may still try to authenticate.
    ///
    /// # Errors
    /// When it failed too often.
    pub fn is_welcome(&self, address: IpAddr) -> Result<(), Exceeded> {
        let key = self.key(network(address));
        let until = self.barred.get(&key).map(|until| *until);
        let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) else { return Ok(()) };
        Err(Exceeded { retry_after: left, fields: self.failures.fields(0) })
    }

    /// Counts a failed authentication of an address.
    pub fn failed(&self, address: IpAddr) {
        let key = self.key(network(address));
        if let Err(exceeded) = self.failures.check(key) {
            let now = Instant::now();
            // Sweeping costs as much as there are entries, so that a flood must not cause it each time.
            if self.barred.len() >= self.tracked
                && self.sweeps.fetch_add(1, Ordering::Relaxed).is_multiple_of(COUNT_EVERY)
            {
                self.barred.retain(|_, until| *until > now);
            }
            // A crowd of addresses beyond that is held by their other limits.
            if self.barred.len() < self.tracked {
                self.barred.insert(key, now + exceeded.retry_after);
            }
        }
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.hash.hash_one(of)
    }
}

/// An IPv6 address counts as its /64: whoever has one has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

struct Limiter {
    name: &'static str,
    rate: Rate,
    inner: RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>,
    tracked: usize,
    checks: AtomicU32,
    /// Set while there are too many keys to tell apart.
    crowded: AtomicBool,
}

impl Limiter {
    fn new(name: &'static str, rate: Rate, tracked: usize) -> Self {
        let one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(one(rate.per_second)).allow_burst(one(rate.burst));
        Self {
            name,
            rate,
            inner: RateLimiter::keyed(quota).with_middleware(),
            tracked: tracked.max(1),
            checks: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    fn check(&self, key: u64) -> Result<RateLimitFields, Exceeded> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % COUNT_EVERY == COUNT_EVERY - 1 {
            self.count_keys();
        }
        let key = if self.crowded.load(Ordering::Relaxed) { key % CROWD } else { key };
        self.decided(self.inner.check_key(&key))
    }

    /// Counts some at once; all of a burst but one at most.
    fn check_more(&self, key: u64, more: u32) -> Result<Option<RateLimitFields>, Exceeded> {
        let key = if self.crowded.load(Ordering::Relaxed) { key % CROWD } else { key };
        let more = NonZeroU32::new(more.min(self.rate.burst.saturating_sub(1)));
        // It is less than a burst, so that there is a decision.
        let decision = more.and_then(|more| self.inner.check_key_n(&key, more).ok());
        decision.map(|decision| self.decided(decision)).transpose()
    }

    fn decided(&self, decision: Result<StateSnapshot, NotUntil<QuantaInstant>>) -> Result<RateLimitFields, Exceeded> {
        match decision {
            Ok(state) => Ok(self.fields(state.remaining_burst_capacity())),
            Err(not_until) => {
                let retry_after = not_until.wait_time_from(DefaultClock::default().now());
                Err(Exceeded { retry_after, fields: self.fields(0) })
            }
        }
    }

    fn count_keys(&self) {
        if self.inner.len() > self.tracked {
            self.inner.retain_recent();
        }
        self.crowded.store(self.inner.len() > self.tracked, Ordering::Relaxed);
    }

    const fn fields(&self, remaining: u32) -> RateLimitFields {
        RateLimitFields { name: self.name, quota: self.rate, remaining }
    }
}

impl RateLimitFields {
    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let Self { name, quota, remaining } = self;
        let seconds = |requests: u32| requests.div_ceil(quota.per_second.max(1));
        let policy = format!("\"{name}\";q={};w={}", quota.burst, seconds(quota.burst));
        let state = format!("\"{name}\";r={remaining};t={}", seconds(quota.burst.saturating_sub(*remaining)));
        let value = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        [
            (HeaderName::from_static("ratelimit-policy"), value(policy)),
            (HeaderName::from_static("ratelimit"), value(state)),
        ]
    }
}

impl Exceeded {
    /// Retry-After in whole seconds (RFC 9110 10.2.3), rounded up so that nobody comes back too early.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)
    }
}

impl From<Exceeded> for Failure {
    fn from(exceeded: Exceeded) -> Self {
        let text = format!("too many requests: expected the next one in {} s", exceeded.seconds());
        let mut failure = Self::new(StatusCode::TOO_MANY_REQUESTS, IssueType::Throttled, text)
            .with_header(header::RETRY_AFTER, exceeded.seconds().to_string());
        failure.headers.extend(exceeded.fields.headers());
        failure
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn limits(rate: Rate, tracked: u32) -> Limits {
        let rates = RateLimits { client: rate, address: rate, token: rate, failures: rate, tracked };
        Limits::new(&rates, &std::collections::BTreeMap::new())
    }

    fn header<'a>(failure: &'a Failure, name: &str) -> &'a str {
        failure.headers.get(name).and_then(|value| value.to_str().ok()).expect(name)
    }

    #[test]
    fn beyond_the_burst_the_answer_is_429_and_says_when_to_come_back() {
        let limits = limits(Rate::new(1, 3), 100);
        let practice = Practice::default();
        let fields: Vec<_> = (0..3).map(|_| limits.client(&practice, "a").expect("within the burst")).collect();
        assert_eq!(fields[0].headers()[0].1, "\"client\";q=3;w=3");
        assert_eq!(fields[2].headers()[1].1, "\"client\";r=0;t=3");
        let failure = limits.client(&practice, "a").expect_err("beyond");
        assert_eq!(failure.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&failure, "retry-after"), "1");
        assert_eq!(header(&failure, "ratelimit"), "\"client\";r=0;t=3");
    }

    #[test]
    fn the_entries_of_a_batch_count_as_requests_but_never_more_than_a_burst() {
        let limits = limits(Rate::new(1, 5), 100);
        let practice = Practice::default();
        limits.client(&practice, "a").expect("the request");
        assert_eq!(
            limits.entries(&practice, "a", 3).expect("within the burst").map(|fields| fields.remaining),
            Some(2)
        );
        limits.client(&practice, "a").expect("the request");
        let failure = limits.entries(&practice, "a", 3).expect_err("two more, and one is left");
        assert_eq!(failure.status, StatusCode::TOO_MANY_REQUESTS);
        limits.client(&practice, "b").expect("the request");
        limits.entries(&practice, "b", 10_000).expect("a batch larger than the burst goes when nothing else went");
        assert!(limits.client(&practice, "b").is_err());
        limits.client(&practice, "c").expect("the request");
        assert_eq!(limits.entries(&practice, "c", 1).expect("the request alone"), None);
    }

    #[test]
    fn clients_practices_and_addresses_are_counted_apart() {
        let limits = limits(Rate::new(1, 1), 100);
        limits.client(&Practice::default(), "a").expect("first");
        limits.client(&Practice::default(), "b").expect("another client");
        limits.client(&Practice::new("north"), "a").expect("another practice");
        limits.address(HOME).expect("an address");
        limits.address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))).expect("another address");
        assert!(limits.address(HOME).is_err());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_itself() {
        let limits = limits(Rate::new(1, 1), 100);
        let address = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
        limits.address(address(1)).expect("first");
        assert!(limits.address(address(2)).is_err());
        limits.address(HOME).expect("first");
        assert!(limits.address(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())).is_err());
    }

    #[test]
    fn who_fails_too_often_may_not_try_again_for_a_while() {
        let limits = limits(Rate::new(1, 2), 100);
        for _ in 0..2 {
            limits.failed(HOME);
            assert!(limits.is_welcome(HOME).is_ok());
        }
        limits.failed(HOME);
        assert!(limits.is_welcome(HOME).is_err());
        assert!(limits.token(HOME).is_err());
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory_and_is_still_limited() {
        let limits = limits(Rate::new(1, 1), 1000);
        for number in 0..10_000_u32 {
            let address = IpAddr::V4(Ipv4Addr::from(number));
            let _ = limits.address(address);
            limits.failed(address);
            limits.failed(address);
        }
        assert!(limits.address.inner.len() <= 1000 + COUNT_EVERY as usize + CROWD as usize);
        assert!(limits.barred.len() <= 1000);
        assert!((0..100).any(|_| limits.address(HOME).is_err()), "one address alone is still limited");
    }

    #[test]
    fn a_client_may_have_a_rate_of_its_own() {
        let client = config::Client {
            jwks: config::JwkSet::File("none".into()),
            scopes: String::new(),
            patient_context: false,
            origins: Vec::new(),
            practice: "default".into(),
            rate: Some(Rate::new(1, 1)),
        };
        let limits = Limits::new(&RateLimits::default(), &[("slow".to_owned(), client)].into());
        limits.client(&Practice::default(), "slow").expect("first");
        assert!(limits.client(&Practice::default(), "slow").is_err());
        (0..100).for_each(|_| assert!(limits.client(&Practice::default(), "other").is_ok()));
    }
}
