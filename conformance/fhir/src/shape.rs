//! The shapes of FHIR's URLs (http.html), and the methods each one takes: of requests, and of the entries of a batch.

use crate::id::InvalidId;
use crate::interaction::Level;
use crate::{Compartment, Id, ResourceType, Version, VersionId};

/// What a URL behind a FHIR base names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[base]`
    System,
    /// `[base]/metadata`
    Metadata,
    /// `[base]/.well-known/smart-configuration`
    Discovery,
    /// `[base]/_history`
    SystemHistory,
    /// `[base]/_search`
    SystemSearch,
    /// `[base]/[type]`
    Type(ResourceType),
    /// `[base]/[type]/_history`
    TypeHistory(ResourceType),
    /// `[base]/[type]/_search`
    TypeSearch(ResourceType),
    /// `[base]/[type]/[id]`
    Instance(ResourceType, Id),
    /// `[base]/[type]/[id]/_history`
    InstanceHistory(ResourceType, Id),
    /// `[base]/[type]/[id]/_history/[vid]`
    Version(ResourceType, Id, VersionId),
    /// `[base]/[compartment]/[id]/[type]`, or `*` for every type; with `_search` behind it for POST
    Compartment {
        /// Whose compartment.
        owner: Compartment,
        /// One type, or all.
        of: Option<ResourceType>,
        /// Whether it ends in `_search`.
        by_post: bool,
    },
    /// `[base]/…/$name`
    Operation(Level, String),
}

/// A URL that is none of FHIR's RESTful API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownShape {
    /// Of another form.
    #[error("expected {0}")]
    Form(&'static str),
    /// A type that the release does not have.
    #[error("expected a resource type of FHIR {0}, found `{1}`")]
    Type(Version, String),
    /// An id or a version id that is none.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

impl Shape {
    /// Reads the decoded segments behind a base.
    ///
    /// # Errors
    /// For what is no URL of FHIR, names a type that the release does not have, or holds an id that is none.
    pub fn read<S: AsRef<str>>(segments: &[S], version: Version) -> Result<Self, UnknownShape> {
        let texts: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let known = |name: &str| resource_type(name, version);
        Ok(match texts.as_slice() {
            [] => Self::System,
            ["metadata"] => Self::Metadata,
            [".well-known", "smart-configuration"] => Self::Discovery,
            ["_history"] => Self::SystemHistory,
            ["_search"] => Self::SystemSearch,
            [name] if name.starts_with('$') => Self::Operation(Level::System, operation(name)?),
            [name] => Self::Type(known(name)?),
            [of, "_history"] => Self::TypeHistory(known(of)?),
            [of, "_search"] => Self::TypeSearch(known(of)?),
            [of, name] if name.starts_with('$') => Self::Operation(Level::Type(known(of)?), operation(name)?),
            [of, id] => Self::Instance(known(of)?, logical_id(id)?),
            [of, id, "_history"] => Self::InstanceHistory(known(of)?, logical_id(id)?),
            [of, id, "_history", version] => Self::Version(known(of)?, logical_id(id)?, version_id(version)?),
            [of, id, name] if name.starts_with('$') => {
                Self::Operation(Level::Instance(known(of)?, logical_id(id)?), operation(name)?)
            }
            [owner, id, of] => compartment(known(owner)?, id, of, false, version)?,
            [owner, id, of, "_search"] => compartment(known(owner)?, id, of, true, version)?,
            _ => return Err(UnknownShape::Form("a URL of FHIR's RESTful API behind the base")),
        })
    }

    /// The methods that it takes, as an Allow field lists them.
    #[must_use]
    pub const fn allow(&self) -> &'static str {
        match self {
            Self::System => "GET, HEAD, POST, OPTIONS",
            Self::Type(_) => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            Self::Instance(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::SystemSearch | Self::TypeSearch(_) | Self::Compartment { by_post: true, .. } => "POST, OPTIONS",
            Self::Operation(..) => "GET, HEAD, POST, OPTIONS",
            Self::Metadata
            | Self::Discovery
            | Self::SystemHistory
            | Self::TypeHistory(_)
            | Self::InstanceHistory(..)
            | Self::Version(..)
            | Self::Compartment { by_post: false, .. } => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether it takes the method.
    #[must_use]
    pub fn takes(&self, method: &str) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method)
    }

    /// Whether anybody may read it without a token, from any origin.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Metadata | Self::Discovery)
    }
}

fn compartment(
    resource_type: ResourceType,
    id: &str,
    of: &str,
    by_post: bool,
    version: Version,
) -> Result<Shape, UnknownShape> {
    // compartmentdefinition.html names these; others own nothing.
    if !matches!(resource_type.as_str(), "Patient" | "Practitioner" | "RelatedPerson" | "Device" | "Encounter") {
        let expected = "a compartment of Patient, Practitioner, RelatedPerson, Device or Encounter";
        return Err(UnknownShape::Form(expected));
    }
    let of = if of == "*" { None } else { Some(self::resource_type(of, version)?) };
    Ok(Shape::Compartment { owner: Compartment { resource_type, id: logical_id(id)? }, of, by_post })
}

fn resource_type(name: &str, version: Version) -> Result<ResourceType, UnknownShape> {
    name.parse::<ResourceType>().ok().filter(|of| of.is_in(version)).ok_or_else(|| {
        let shown = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        UnknownShape::Type(version, shown)
    })
}

fn logical_id(text: &str) -> Result<Id, InvalidId> {
    text.parse()
}

fn version_id(text: &str) -> Result<VersionId, InvalidId> {
    text.parse()
}

fn operation(segment: &str) -> Result<String, UnknownShape> {
    let name = segment.trim_start_matches('$');
    let sound = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if sound { Ok(name.to_owned()) } else { Err(UnknownShape::Form("the name of an operation behind `$`")) }
}
