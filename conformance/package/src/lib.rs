//! FHIR packages as data. No I/O: bytes in, values out.
//!
//! [`Registry`] holds the artefacts of several packages for one release and finds them by canonical; [`Structure`] is a
//! StructureDefinition with its snapshot, without its prose. What is built in comes with [`Registry::built_in`].

pub mod canonical;
pub mod draft;
mod registry;
pub mod structure;
mod types;
mod volume;

pub use canonical::Canonical;
pub use registry::{Artefact, NoArtefact, Registry, Unresolved};
pub use structure::{
    AdditionalBinding, Binding, Cardinality, Constraint, Context, ContextType, Derivation, Discriminator,
    DiscriminatorType, ElementDefinition, Rules, Slicing, Strength, Structure, StructureKind, TypeUse, ValueFact,
};
