//! FHIR as values. No I/O, no async, no HTTP: what every other crate means when it says "interaction",
//! "resource" or "issue".

pub mod bundle;
pub mod capability;
pub mod id;
pub mod interaction;
pub mod json;
pub mod narrative;
pub mod outcome;
pub mod query;
pub mod resource;
pub mod resource_type;
pub mod shape;
pub mod version;

pub use capability::Capability;
pub use id::{Id, VersionId};
pub use interaction::{Compartment, Interaction, InteractionCode};
pub use outcome::{Issue, IssueType, Outcome, Severity};
pub use query::{Handling, Query};
pub use resource::Resource;
pub use resource_type::ResourceType;
pub use shape::Shape;
pub use version::Version;
