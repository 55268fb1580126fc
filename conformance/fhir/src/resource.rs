//! A resource as the bytes that travel.

use std::fmt;

use bytes::Bytes;

use crate::{ResourceType, Version};

/// FHIR JSON as it was received: key order, decimals and unknown extensions untouched.
/// Cheap to clone. Its `Debug` shows the type and the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// What the bytes claim to be, and what the URL said.
    pub resource_type: ResourceType,
    /// The release the bytes are written in.
    pub version: Version,
    /// The JSON.
    pub bytes: Bytes,
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({} {}, {} bytes)", self.version, self.resource_type, self.bytes.len())
    }
}
