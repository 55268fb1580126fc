//! Compartments (compartmentdefinition.html): which resources are a patient's.

use fhir::json::Document;
use fhir::{Compartment, ResourceType, Version};

/// The codes of the reference parameters by which a resource type belongs to a compartment: `["actor"]` for Appointment
/// in Patient. `None`: the type is not in that compartment. `Some(&[])`: only the owner itself is (`Patient/1` in
/// Patient): match by id. The owner's own type is always in: by id, and never by its links, see [`contains`].
#[must_use]
pub fn parameters(
    compartment: ResourceType,
    resource_type: ResourceType,
    version: Version,
) -> Option<&'static [&'static str]> {
    let _ = (compartment, resource_type, version);
    None
}

/// Whether a resource is in a compartment. Only literal references count, `Patient/1` or `{base}/Patient/1`; whatever is
/// unclear (no id, a logical reference, another server's URL, no root) is outside.
#[must_use]
pub fn contains(
    document: Document<'_>,
    resource_type: ResourceType,
    version: Version,
    compartment: &Compartment,
    base: Option<&str>,
) -> bool {
    let _ = (document, resource_type, version, compartment, base);
    false
}
