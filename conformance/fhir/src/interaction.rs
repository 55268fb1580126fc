//! The interactions of FHIR's RESTful API (http.html), free of HTTP.

use bytes::Bytes;

use crate::{Id, Query, Resource, ResourceType, VersionId};

#[allow(missing_docs, reason = "the URL pattern of each variant names its fields")]
/// One interaction with everything it needs. Built by the gateway's `receive`, carried by a `Call`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// `GET [base]/[type]/[id]`
    Read { resource_type: ResourceType, id: Id },
    /// `GET [base]/[type]/[id]/_history/[vid]`
    Vread { resource_type: ResourceType, id: Id, version_id: VersionId },
    /// `POST [base]/[type]`, with the condition of `If-None-Exist`
    Create { resource: Resource, if_none_exist: Option<Query> },
    /// `PUT [base]/[type]/[id]`, with the condition of `If-Match`
    Update { id: Id, resource: Resource, if_match: Option<VersionId> },
    /// `PUT [base]/[type]?[criteria]`
    ConditionalUpdate { criteria: Query, resource: Resource, if_match: Option<VersionId> },
    /// `PATCH [base]/[type]/[id]`
    Patch { resource_type: ResourceType, id: Id, patch: Patch, if_match: Option<VersionId> },
    /// `PATCH [base]/[type]?[criteria]`
    ConditionalPatch { resource_type: ResourceType, criteria: Query, patch: Patch, if_match: Option<VersionId> },
    /// `DELETE [base]/[type]/[id]`
    Delete { resource_type: ResourceType, id: Id, if_match: Option<VersionId> },
    /// `DELETE [base]/[type]?[criteria]`
    ConditionalDelete { resource_type: ResourceType, criteria: Query },
    /// `GET [base]/[type]/[id]/_history`
    HistoryInstance { resource_type: ResourceType, id: Id, query: Query },
    /// `GET [base]/[type]/_history`
    HistoryType { resource_type: ResourceType, query: Query },
    /// `GET [base]/_history`
    HistorySystem { query: Query },
    /// `GET [base]/[type]?…` or `POST [base]/[type]/_search`, perhaps inside a compartment
    SearchType { resource_type: ResourceType, compartment: Option<Compartment>, query: Query },
    /// `GET [base]?…` or `POST [base]/_search`
    SearchSystem { compartment: Option<Compartment>, query: Query },
    /// `POST [base]` with a Bundle of type batch or transaction
    Batch { bundle: Resource, transaction: bool },
    /// `GET [base]/metadata`
    Capabilities,
    /// `[base]/…/$name`
    Operation { name: String, level: Level, parameters: Parameters },
}

/// What a patch is written in (http.html#patch).
#[derive(Clone, PartialEq, Eq)]
pub struct Patch {
    /// The language.
    pub format: PatchFormat,
    /// The document.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Patch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patch({:?}, {} bytes)", self.format, self.bytes.len())
    }
}

/// The patch languages of FHIR that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchFormat {
    /// RFC 6902, `application/json-patch+json`
    Json,
    /// FHIRPath Patch, a Parameters resource
    FhirPath,
}

/// A compartment that a search is confined to (compartmentdefinition.html): `Patient/123`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compartment {
    /// The owner's type; Patient is the one that tokens use.
    pub resource_type: ResourceType,
    /// The owner's id.
    pub id: Id,
}

/// Where an operation is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// `[base]/$name`
    System,
    /// `[base]/[type]/$name`
    Type(ResourceType),
    /// `[base]/[type]/[id]/$name`
    Instance(ResourceType, Id),
}

/// How an operation's parameters came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// In the URL.
    Query(Query),
    /// As a Parameters resource, or the one resource that the operation takes.
    Body(Resource),
}

macro_rules! codes {
    ($($variant:ident = $code:literal,)*) => {
        /// The name of an interaction, as CapabilityStatement and AuditEvent spell it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum InteractionCode {
            $(#[doc = concat!("`", $code, "`")] $variant,)*
        }

        impl InteractionCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code of http://hl7.org/fhir/restful-interaction.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The interaction of that code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

codes! {
    Read = "read",
    Vread = "vread",
    Update = "update",
    Patch = "patch",
    Delete = "delete",
    HistoryInstance = "history-instance",
    HistoryType = "history-type",
    HistorySystem = "history-system",
    Create = "create",
    SearchType = "search-type",
    SearchSystem = "search-system",
    Capabilities = "capabilities",
    Transaction = "transaction",
    Batch = "batch",
    Operation = "operation",
}

impl Interaction {
    /// Its name.
    #[must_use]
    pub fn code(&self) -> InteractionCode {
        match self {
            Self::Read { .. } => InteractionCode::Read,
            Self::Vread { .. } => InteractionCode::Vread,
            Self::Create { .. } => InteractionCode::Create,
            Self::Update { .. } | Self::ConditionalUpdate { .. } => InteractionCode::Update,
            Self::Patch { .. } | Self::ConditionalPatch { .. } => InteractionCode::Patch,
            Self::Delete { .. } | Self::ConditionalDelete { .. } => InteractionCode::Delete,
            Self::HistoryInstance { .. } => InteractionCode::HistoryInstance,
            Self::HistoryType { .. } => InteractionCode::HistoryType,
            Self::HistorySystem { .. } => InteractionCode::HistorySystem,
            Self::SearchType { .. } => InteractionCode::SearchType,
            Self::SearchSystem { .. } => InteractionCode::SearchSystem,
            Self::Batch { transaction: true, .. } => InteractionCode::Transaction,
            Self::Batch { transaction: false, .. } => InteractionCode::Batch,
            Self::Capabilities => InteractionCode::Capabilities,
            Self::Operation { .. } => InteractionCode::Operation,
        }
    }

    /// The resource type it speaks of, when it speaks of one.
    #[must_use]
    pub fn resource_type(&self) -> Option<ResourceType> {
        match self {
            Self::Read { resource_type, .. }
            | Self::Vread { resource_type, .. }
            | Self::Patch { resource_type, .. }
            | Self::ConditionalPatch { resource_type, .. }
            | Self::Delete { resource_type, .. }
            | Self::ConditionalDelete { resource_type, .. }
            | Self::HistoryInstance { resource_type, .. }
            | Self::HistoryType { resource_type, .. }
            | Self::SearchType { resource_type, .. }
            | Self::Operation { level: Level::Type(resource_type) | Level::Instance(resource_type, _), .. } => {
                Some(*resource_type)
            }
            Self::Create { resource, .. }
            | Self::Update { resource, .. }
            | Self::ConditionalUpdate { resource, .. } => Some(resource.resource_type),
            Self::HistorySystem { .. }
            | Self::SearchSystem { .. }
            | Self::Batch { .. }
            | Self::Capabilities
            | Self::Operation { level: Level::System, .. } => None,
        }
    }

    /// The logical id it names, when it names one.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Read { id, .. }
            | Self::Vread { id, .. }
            | Self::Update { id, .. }
            | Self::Patch { id, .. }
            | Self::Delete { id, .. }
            | Self::HistoryInstance { id, .. }
            | Self::Operation { level: Level::Instance(_, id), .. } => Some(id),
            _ => None,
        }
    }

    /// The resource that it carries to the back end, when it carries one.
    #[must_use]
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Create { resource, .. }
            | Self::Update { resource, .. }
            | Self::ConditionalUpdate { resource, .. }
            | Self::Batch { bundle: resource, .. }
            | Self::Operation { parameters: Parameters::Body(resource), .. } => Some(resource),
            _ => None,
        }
    }

    /// The same, to put an index beside its bytes.
    pub fn resource_mut(&mut self) -> Option<&mut Resource> {
        match self {
            Self::Create { resource, .. }
            | Self::Update { resource, .. }
            | Self::ConditionalUpdate { resource, .. }
            | Self::Batch { bundle: resource, .. }
            | Self::Operation { parameters: Parameters::Body(resource), .. } => Some(resource),
            _ => None,
        }
    }

    /// Whether it changes nothing (RFC 9110 9.2.1). An operation is taken to change something.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(
            self.code(),
            InteractionCode::Read
                | InteractionCode::Vread
                | InteractionCode::HistoryInstance
                | InteractionCode::HistoryType
                | InteractionCode::HistorySystem
                | InteractionCode::SearchType
                | InteractionCode::SearchSystem
                | InteractionCode::Capabilities
        )
    }

    /// Whether a second try after an unknown end does no harm: it is safe, or its own condition
    /// refuses the repetition (a version, or a search that must find nothing).
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Create { if_none_exist, .. } => if_none_exist.is_some(),
            Self::Update { if_match, .. } | Self::Patch { if_match, .. } | Self::Delete { if_match, .. } => {
                if_match.is_some()
            }
            other => other.is_safe(),
        }
    }
}
