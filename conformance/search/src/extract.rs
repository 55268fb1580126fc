//! From a document to the values that an index keeps.

use fhir::json::Document;
use fhir::{ResourceType, Version};

use crate::{IndexValue, Parameter};

/// Calls `sink` with every value of every parameter of the resource type, in the order of [`crate::parameters`].
/// The node index may be typed (made by the validator) or plain (made by `fhir::json::scan`). What is malformed is
/// passed over: extraction never fails, because the validator has already said what is wrong.
pub fn extract<'a>(
    document: Document<'a>,
    resource_type: ResourceType,
    version: Version,
    sink: &mut dyn FnMut(&'static Parameter, IndexValue<'a>),
) {
    let _ = (document, resource_type, version, sink);
}
