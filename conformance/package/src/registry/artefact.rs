//! What a registry holds.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fhir::ResourceType;
use fhir::json::{Document, SyntaxError, scan};

use super::Unresolved;
use super::layer::Origin;
use crate::draft::{self, LIMITS, MalformedStructure, StructureDraft};
use crate::facts;
use crate::structure::Structure;
use crate::volume::{Part, Volume};

/// A resource with a canonical: a StructureDefinition, ValueSet, CodeSystem, SearchParameter and so on.
#[derive(Clone)]
pub struct Artefact {
    pub(crate) resource_type: ResourceType,
    pub(crate) url: String,
    pub(crate) version: Option<String>,
    pub(crate) origin: Option<Arc<Origin>>,
    /// Whether its URL is one of its package's, so that the package's version is its own as well.
    pub(crate) is_of_its_package: bool,
    pub(crate) body: Body,
    pub(crate) structure: OnceLock<Result<Arc<Structure>, Unresolved>>,
}

/// Where its content is.
#[derive(Clone)]
pub(crate) enum Body {
    /// A type of the specification, in the facts of `definitions`.
    Type(Part),
    /// Facts that are built in.
    Facts(&'static Volume, Part),
    /// Facts of a package that was loaded.
    Text(Bytes),
    /// The resource.
    Json(Bytes),
    /// A resource that is built in, unpacked when it is first asked for.
    Packed(&'static Volume, Part, OnceLock<Bytes>),
}

/// Why a resource is no artefact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoArtefact {
    /// It is no JSON.
    #[error("{0}")]
    Json(#[from] SyntaxError),
    /// It is no resource.
    #[error("expected a resource with a known `resourceType`")]
    NoResource,
    /// Nothing can refer to it.
    #[error("expected a resource with a `url`")]
    NoUrl,
    /// It is a StructureDefinition that means nothing.
    #[error("{0}")]
    Structure(MalformedStructure),
}

impl Artefact {
    /// The artefact of a resource's JSON. Only what it is found by is read now.
    ///
    /// # Errors
    /// No JSON, no resource, or one without a `url`.
    pub fn from_json(json: Bytes) -> Result<Self, NoArtefact> {
        let mut nodes = Vec::new();
        scan(&json, &mut nodes, LIMITS)?;
        let root = Document::new(&json, &nodes).root().ok_or(NoArtefact::NoResource)?;
        let resource_type = draft::text(root, "resourceType").and_then(|name| name.parse().ok());
        let resource_type = resource_type.ok_or(NoArtefact::NoResource)?;
        let url = draft::canonical(root, "url").ok_or(NoArtefact::NoUrl)?;
        let version = draft::word(root, "version");
        Ok(Self::new(resource_type, url, version, Body::Json(json)))
    }

    pub(crate) fn new(resource_type: ResourceType, url: String, version: Option<String>, body: Body) -> Self {
        let structure = OnceLock::new();
        Self { resource_type, url, version, origin: None, is_of_its_package: false, body, structure }
    }

    /// Its type.
    #[must_use]
    pub const fn resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// Its canonical without a version.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its version: its own, else that of its package.
    #[must_use]
    pub fn effective_version(&self) -> Option<&str> {
        let package = || self.origin.as_ref().map(|origin| origin.version.as_str());
        self.version.as_deref().or_else(package)
    }

    /// The package it came with, as name and version.
    #[must_use]
    pub fn package(&self) -> Option<(&str, &str)> {
        self.origin.as_ref().map(|origin| (origin.name.as_str(), origin.version.as_str()))
    }

    /// Whether it is one of those that every registry of the release has.
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        matches!(self.body, Body::Type(_) | Body::Facts(..))
    }

    /// The resource; none for a structure of a package, which is kept as facts.
    #[must_use]
    pub fn json(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Json(json) => Some(json),
            Body::Packed(volume, part, unpacked) => {
                Some(unpacked.get_or_init(|| Bytes::from_static(volume.text(*part).as_bytes())))
            }
            Body::Type(_) | Body::Facts(..) | Body::Text(_) => None,
        }
    }

    pub(crate) fn draft(&self) -> Result<StructureDraft, Unresolved> {
        let malformed = |why: String| Unresolved::Malformed { canonical: self.url.clone(), why };
        let mut draft = match &self.body {
            Body::Json(json) => draft::read(json).map_err(|error| malformed(error.to_string()))?,
            Body::Facts(volume, part) => {
                facts::parse(volume.text(*part)).map_err(|error| malformed(error.to_string()))?
            }
            Body::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|error| malformed(error.to_string()))?;
                facts::parse(text).map_err(|error| malformed(error.to_string()))?
            }
            Body::Type(_) | Body::Packed(..) => return Err(malformed("expected a profile".to_owned())),
        };
        draft.header.version = self.effective_version().map(str::to_owned);
        Ok(draft)
    }
}
