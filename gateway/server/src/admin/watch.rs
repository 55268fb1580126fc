//! How the back ends are, asked every few seconds, so that it is known since when.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::{Adapter, Clock, Health};
use parking_lot::Mutex;

use crate::dispatch::Vitals;

/// How often they are asked.
const PACE: Duration = Duration::from_secs(5);
/// A back end that does not say within this how it is, is down.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What was last heard of each back end.
pub(super) struct Watch {
    seen: Mutex<HashMap<Arc<str>, Seen>>,
    clock: Arc<dyn Clock>,
}

/// How one is, and since when it is up, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// How it was when it was last asked.
    pub(super) health: Health,
    /// Since when it has been that well.
    pub(super) since: SystemTime,
}

impl Watch {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { seen: Mutex::default(), clock }
    }

    /// Asks until it is dropped.
    pub(super) async fn run(&self, all: &[Vitals]) {
        loop {
            self.look(all).await;
            tokio::time::sleep(PACE).await;
        }
    }

    /// Asks everyone once.
    pub(super) async fn look(&self, all: &[Vitals]) {
        let asked = all.iter().map(|vitals| async { (&vitals.name, ask(&*vitals.adapter()).await) });
        for (name, health) in futures_util::future::join_all(asked).await {
            self.note(name, health);
        }
    }

    /// What was last heard of one; none before it was asked.
    pub(super) fn of(&self, name: &str) -> Option<Seen> {
        self.seen.lock().get(name).cloned()
    }

    fn note(&self, name: &Arc<str>, health: Health) {
        let now = self.clock.now();
        let mut seen = self.seen.lock();
        let before = seen.get(name).filter(|before| before.health.code() == health.code());
        let since = before.map_or(now, |before| before.since);
        seen.insert(Arc::clone(name), Seen { health, since });
    }
}

/// How a back end is; no answer in time is one too.
pub(super) async fn ask(adapter: &dyn Adapter) -> Health {
    let asked = tokio::time::timeout(PATIENCE, adapter.health()).await;
    asked.unwrap_or_else(|_| Health::Down("no answer in time".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steps(Mutex<SystemTime>);

    impl Clock for Steps {
        fn now(&self) -> SystemTime {
            let mut at = self.0.lock();
            *at += Duration::from_secs(1);
            *at
        }

        fn instant(&self) -> std::time::Instant {
            std::time::Instant::now()
        }
    }

    #[test]
    fn since_is_when_it_changed_and_not_when_it_was_asked() {
        let watch = Watch::new(Arc::new(Steps(Mutex::new(SystemTime::UNIX_EPOCH))));
        let second = |number| SystemTime::UNIX_EPOCH + Duration::from_secs(number);
        let name: Arc<str> = "ehr".into();
        let down = |text: &str| Health::Down(text.to_owned());
        for health in [Health::Up, Health::Up, down("gone"), down("still gone")] {
            watch.note(&name, health);
        }
        assert_eq!(watch.of("ehr"), Some(Seen { health: down("still gone"), since: second(3) }));
        watch.note(&name, Health::Up);
        assert_eq!(watch.of("ehr"), Some(Seen { health: Health::Up, since: second(5) }));
        assert_eq!(watch.of("other"), None);
    }
}
