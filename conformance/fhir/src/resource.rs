//! A resource as the bytes that travel.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::json::{Document, Node};
use crate::{ResourceType, Version};

/// FHIR JSON as it was received: key order, decimals and unknown extensions untouched.
/// Cheap to clone. Its `Debug` shows the type and the length only.
#[derive(Clone)]
pub struct Resource {
    /// What the bytes claim to be, and what the URL said.
    pub resource_type: ResourceType,
    /// The release the bytes are written in.
    pub version: Version,
    /// The JSON.
    pub bytes: Bytes,
    /// The typed node index over exactly these bytes, when a stage has already made it; saves the next one a scan.
    pub index: Option<Arc<[Node]>>,
}

impl Resource {
    /// A resource that nobody has scanned yet.
    #[must_use]
    pub fn new(resource_type: ResourceType, version: Version, bytes: impl Into<Bytes>) -> Self {
        Self { resource_type, version, bytes: bytes.into(), index: None }
    }

    /// The document, when it has been scanned.
    #[must_use]
    pub fn document(&self) -> Option<Document<'_>> {
        self.index.as_ref().map(|nodes| Document::new(&self.bytes, nodes))
    }
}

/// Equal when they say the same in the same bytes; the index follows from them.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.resource_type == other.resource_type && self.version == other.version && self.bytes == other.bytes
    }
}

impl Eq for Resource {}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({} {}, {} bytes)", self.version, self.resource_type, self.bytes.len())
    }
}
