//! What an adapter may ask of the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use search::Additions;

use crate::{Call, Error, Practice, Reply};

/// A clock that tests can set.
pub trait Clock: Send + Sync + 'static {
    /// Wall time.
    fn now(&self) -> SystemTime;
    /// Monotonic time.
    fn instant(&self) -> Instant;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// The way back into the pipeline, for what arrives by itself: an HL7 v2 message, a changed calendar.
#[async_trait::async_trait]
pub trait Submit: Send + Sync + 'static {
    /// Runs the call through the pipeline as a call of a system client.
    ///
    /// # Errors
    /// As any other call.
    async fn submit(&self, call: Call) -> Result<Reply, Error>;
}

/// What packages add to the search parameters of the specification, by practice.
#[derive(Clone, Debug, Default)]
pub struct PracticeAdditions(Arc<BTreeMap<Practice, Additions>>);

impl PracticeAdditions {
    /// Those of a practice; of one that has none, the specification is all there is.
    #[must_use]
    pub fn of(&self, practice: &Practice) -> Additions {
        self.0.get(practice).copied().unwrap_or_default()
    }

    /// Every practice that has some, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Practice, Additions)> {
        self.0.iter().map(|(practice, additions)| (practice, *additions))
    }
}

impl FromIterator<(Practice, Additions)> for PracticeAdditions {
    fn from_iter<I: IntoIterator<Item = (Practice, Additions)>>(additions: I) -> Self {
        let some = additions.into_iter().filter(|(_, additions)| *additions != Additions::default());
        Self(Arc::new(some.collect()))
    }
}

/// What the gateway offers an adapter when it is connected.
#[derive(Clone)]
pub struct Host {
    /// The adapter's name in the configuration.
    pub name: Arc<str>,
    /// The practice it serves.
    pub practice: Practice,
    /// A folder of the adapter's own; exists.
    pub storage: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The way back into the pipeline.
    pub submit: Arc<dyn Submit>,
    /// What packages add to the search parameters of the specification, for each practice that may call: settled when the gateway
    /// starts, and in each call again.
    pub additions: PracticeAdditions,
    /// Seals what a client carries for us: page links.
    pub seal: Arc<crate::seal::Seal>,
}
