//! What goes to an adapter.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use fhir::{Compartment, Handling, Interaction, ResourceType, Version};
use search::{Additions, Vocabulary};

/// The name of a practice; the default one is `default`. Everything is keyed by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Practice(Arc<str>);

impl Practice {
    /// A practice of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Practice {
    fn default() -> Self {
        Self::new("default")
    }
}

impl fmt::Debug for Practice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Practice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One interaction for one back end. Cheap to clone, so that it can be tried again: bodies are `Bytes`.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose data.
    pub practice: Practice,
    /// What to do.
    pub interaction: Interaction,
    /// The release the adapter is spoken to in, and answers in.
    pub version: Version,
    /// Absolute FHIR base of the gateway, without a slash at the end: what links in the reply are built on.
    pub base: Arc<str>,
    /// The compartment that the token is confined to, if it is. A search must return nothing outside of it, and tell nothing of what
    /// lies there by a chain, `_has`, an include, a count or an order; the gateway checks again what comes back.
    pub confined_to: Option<Compartment>,
    /// Types that the confined token reads outside of its compartment too. Writes and their conditions stay confined.
    pub directory: Arc<[ResourceType]>,
    /// Types that an include may bring, and may go on from: those that the token may read. `None`: any. The gateway checks what comes
    /// back, but not what was reached through a resource that did not.
    pub brings: Option<Arc<[ResourceType]>>,
    /// The write must make something new: an update must not find its id in use, a conditional create no match. An adapter that
    /// cannot be sure of that while others write refuses. The gateway asks for it where a confined token may not touch what
    /// it has not been shown to be its own.
    pub must_create: bool,
    /// An answer that lacks what one of several back ends has is of no use: the condition of a write, a chain. The gateway's own
    /// federations refuse then; an adapter has one back end, and need not look at it.
    pub must_be_complete: bool,
    /// What packages of the practice add to the search parameters of the specification.
    pub additions: Additions,
    /// What to do with search parameters that are not known or not offered. A condition of a write is always strict.
    pub handling: Handling,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// A key under which a repeated write is the same write (Idempotency-Key), when the client gave one.
    pub idempotency_key: Option<Arc<str>>,
    /// For logs and for the back end's own trace.
    pub trace: Trace,
}

impl Call {
    /// Whether an include may bring that type.
    #[must_use]
    pub fn may_bring(&self, resource_type: ResourceType) -> bool {
        self.brings.as_ref().is_none_or(|brings| brings.contains(&resource_type))
    }

    /// The search parameters that there are for this call.
    #[must_use]
    pub const fn vocabulary(&self) -> Vocabulary {
        self.additions.on(self.version)
    }

    /// The compartment in which that must lie what the call itself returns or changes: none for a read or a search of a type that is
    /// free.
    #[must_use]
    pub fn confinement(&self) -> Option<&Compartment> {
        let is_free = self.interaction.is_safe()
            && self.interaction.resource_type().is_some_and(|resource_type| self.directory.contains(&resource_type));
        self.confined_to.as_ref().filter(|_| !is_free)
    }
}

/// What connects a request to its logs and spans.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// X-Request-Id, taken or made.
    pub request_id: Arc<str>,
    /// W3C `traceparent` for the next hop, when the request is traced.
    pub traceparent: Option<Arc<str>>,
    /// W3C `tracestate`, passed on as it came.
    pub tracestate: Option<Arc<str>>,
}
