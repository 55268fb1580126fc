//! Stage 3: practice, type and content to [`Plan`].

use std::sync::Arc;

use adapter::Adapter;

/// Where a request goes, and by which rules.
#[derive(Clone)]
pub struct Plan {
    /// The route's name: the label of its metrics.
    pub route: Arc<str>,
    /// The adapters, first the one that answers; more than one only when a search is federated.
    pub adapters: Vec<Destination>,
    /// Profiles that the payload must follow beside the base definition.
    pub profiles: Arc<[Arc<str>]>,
}

/// One adapter of a plan.
#[derive(Clone)]
pub struct Destination {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The adapter with its wrappers around it.
    pub adapter: Arc<dyn Adapter>,
}
