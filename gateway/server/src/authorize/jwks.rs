//! Key sets that are fetched by URL: kept no longer than their Cache-Control says, one fetch at a time for each URL, and an
//! unknown `kid` fetches once and not again for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::Clock;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use url::Url;

use super::fetch::{Fetch, FetchError};
use super::jwk::{InvalidKeySet, KeySet};

/// A fetch that failed is not tried again for this long.
const REST: Duration = Duration::from_secs(1);

/// Fetched key sets by URL. The URLs are registered ones, so that their number is bounded.
pub struct JwksCache {
    fetch: Arc<Fetch>,
    clock: Arc<dyn Clock>,
    /// The longest that a set is kept.
    lifetime: Duration,
    /// The shortest time between two fetches because of an unknown `kid`.
    refresh: Duration,
    entries: Mutex<HashMap<Url, Arc<Entry>>>,
}

#[derive(Default)]
struct Entry {
    /// Held during a fetch, so that whoever comes meanwhile waits for its result.
    flight: tokio::sync::Mutex<()>,
    last: ArcSwapOption<Last>,
}

/// How the last fetch ended.
struct Last {
    result: Result<Arc<KeySet>, JwksError>,
    fetched: Instant,
    until: Instant,
}

/// Why there are no keys.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JwksError {
    /// Not fetched.
    #[error("key set: {0}")]
    Fetch(#[from] FetchError),
    /// Fetched, and no key set.
    #[error("key set: {0}")]
    Form(#[from] InvalidKeySet),
}

impl JwksCache {
    /// An empty cache.
    #[must_use]
    pub fn new(fetch: Arc<Fetch>, clock: Arc<dyn Clock>, lifetime: Duration, refresh: Duration) -> Self {
        Self { fetch, clock, lifetime, refresh, entries: Mutex::default() }
    }

    /// The keys at a URL; a set that lacks `kid` is fetched anew unless that was done just now.
    ///
    /// # Errors
    /// When the set cannot be fetched. An outdated set is never used instead (SMART Backend Services: a server must not
    /// cache a key set longer than its Cache-Control says).
    pub async fn keys(&self, url: &Url, kid: Option<&str>) -> Result<Arc<KeySet>, JwksError> {
        let entry = self.entries.lock().entry(url.clone()).or_default().clone();
        let arrived = self.clock.instant();
        if let Some(result) = self.usable(&entry, kid, None) {
            return result;
        }
        let _flight = entry.flight.lock().await;
        if let Some(result) = self.usable(&entry, kid, Some(arrived)) {
            return result;
        }
        let last = Arc::new(self.ask(url).await);
        entry.last.store(Some(last.clone()));
        last.result.clone()
    }

    /// The URLs whose last fetch failed, with why.
    pub fn unavailable(&self) -> Vec<(Url, JwksError)> {
        let entries = self.entries.lock();
        let failed = entries.iter().filter_map(|(url, entry)| {
            let error = entry.last.load().as_ref()?.result.as_ref().err().cloned()?;
            Some((url.clone(), error))
        });
        failed.collect()
    }

    /// What the last fetch gave, when it may still be used. What was fetched since `arrived` is used by everyone who waited
    /// for it, however short it may be kept.
    fn usable(
        &self,
        entry: &Entry,
        kid: Option<&str>,
        arrived: Option<Instant>,
    ) -> Option<Result<Arc<KeySet>, JwksError>> {
        let last = entry.last.load_full()?;
        let now = self.clock.instant();
        let is_new = arrived.is_some_and(|arrived| last.fetched >= arrived);
        let is_usable = match &last.result {
            Err(_) => now < last.fetched + REST,
            Ok(keys) => {
                let is_known = kid.is_none_or(|kid| keys.contains(kid));
                now < last.until && (is_known || now < last.fetched + self.refresh)
            }
        };
        (is_new || is_usable).then(|| last.result.clone())
    }

    async fn ask(&self, url: &Url) -> Last {
        let fetched = self.fetch.get(url).await;
        let now = self.clock.instant();
        let fresh_for = fetched.as_ref().map_or(Duration::ZERO, |fetched| fetched.fresh_for.min(self.lifetime));
        let result = match fetched {
            Ok(fetched) => KeySet::parse(&fetched.body).map(Arc::new).map_err(JwksError::from),
            Err(error) => Err(error.into()),
        };
        Last { result, fetched: now, until: now + fresh_for }
    }
}
