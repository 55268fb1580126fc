//! The validator: compiled checks over the node index; terminology; packages.
//!
//! [`scan`] is the one pass: structure, formats, required bindings, reference targets, contained resources, narrative, duplicate
//! names, and the [`invariants`]. Behind it [`Validator`] runs the passes over its nodes: rules beyond one object, codes, profiles
//! and extensions. [`Validator::check`] is for the wire, [`Validator::validate`] for people.
//!
//! [`check`] is the scan alone: for a payload that was validated in another release already.

mod agenda;
mod base;
mod binding;
mod explain;
mod finding;
mod format;
pub mod invariants;
mod policy;
mod profiled;
mod reference;
mod report;
mod rules;
mod scan;
mod validator;

use std::cell::RefCell;
use std::sync::Arc;

use fhir::json::Node;
use fhir::{Outcome, ResourceType, Version};

pub use explain::explain;
pub use policy::{BestPractice, Policy, UnknownExtensions};
pub use scan::{Bounds, Scratch, scan};
pub use validator::{Checked, Refused, Request, Validator};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Everything that is wrong with a resource, at most 100 things, warnings included; an outcome without issues when nothing
/// is. For people's own files: takes far larger ones than [`check`].
#[must_use]
pub fn validate(bytes: &[u8], version: Version, expected: Option<ResourceType>) -> Outcome {
    Validator::new(version).validate(bytes, &Request { expected, ..Request::default() })
}

/// Checks a resource by the scan alone. The nodes are those of `fhir::Resource::index`: each knows its element.
///
/// # Errors
/// Everything that is wrong, at most 100 things. Issues of type `CodeInvalid`, `Invariant` and `NotFound` break a rule of FHIR;
/// all others say that the bytes are not FHIR at all.
pub fn check(bytes: &[u8], version: Version, expected: Option<ResourceType>) -> Result<Arc<[Node]>, Outcome> {
    SCRATCH.with_borrow_mut(|scratch| {
        let checked = if scan(bytes, version, expected, Bounds::default(), scratch) {
            Ok(Arc::from(scratch.nodes()))
        } else {
            Err(explain(bytes, version, expected, scratch))
        };
        scratch.let_go();
        checked
    })
}
