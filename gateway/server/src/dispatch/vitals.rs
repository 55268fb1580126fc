//! How the wrappers around an adapter are, for operators.

use std::sync::Arc;

use adapter::Adapter;

use super::breaker::{Breaker, BreakerState};
use super::metered::{Metered, Recent};
use super::shed::{Load, Shed};

/// An adapter with its wrappers, each of which tells how it is.
#[derive(Clone)]
pub struct Vitals {
    /// The adapter's name in the configuration.
    pub name: Arc<str>,
    pub(super) metered: Arc<Metered>,
    pub(super) shed: Arc<Shed>,
    pub(super) breaker: Arc<Breaker>,
}

impl Vitals {
    /// The adapter with all its wrappers: what routes lead to.
    #[must_use]
    pub fn adapter(&self) -> Arc<dyn Adapter> {
        Arc::clone(&self.metered) as Arc<dyn Adapter>
    }

    /// How its breaker is.
    #[must_use]
    pub fn breaker(&self) -> BreakerState {
        self.breaker.state()
    }

    /// How many calls it has.
    #[must_use]
    pub fn load(&self) -> Load {
        self.shed.load()
    }

    /// What its calls did of late.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        self.metered.recent()
    }
}
