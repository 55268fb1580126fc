//! FHIR packages as data. No I/O: bytes in, values out.
//!
//! [`Registry`] holds the artefacts of several packages for one release and finds them by canonical; [`Structure`] is a
//! StructureDefinition with its snapshot, without its prose. What is built in comes with [`Registry::built_in`].

pub mod archive;
pub mod canonical;
mod compiled;
mod cross_version;
pub mod draft;
pub mod facts;
mod package;
mod registry;
mod snapshot;
pub mod structure;
mod types;
mod volume;

pub use archive::{Archive, BadArchive, Bounds, Manifest};
pub use canonical::Canonical;
pub use compiled::NotUsable;
pub use package::{LeftOut, Package};
pub use registry::{Artefact, MissingDependency, NoArtefact, Registry, Unresolved};
pub use structure::{
    AdditionalBinding, Binding, Cardinality, Constraint, Context, ContextType, Derivation, Discriminator,
    DiscriminatorType, ElementDefinition, Header, Releases, Rules, Slicing, Strength, Structure, StructureKind,
    TypeUse, ValueFact,
};
