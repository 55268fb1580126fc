//! A call as the body of `POST /perform`.

use std::time::Instant;

use adapter::{Call, Error, ErrorKind};
use bytes::Bytes;
use fhir::interaction::{Level, Parameters, PatchFormat};
use fhir::{Handling, Interaction, Query};
use serde_json::value::RawValue;

use super::protocol::{self, PROTOCOL, Pairs};

/// Writes the call. A resource goes out byte for byte. `query` and `page` are those of a page link, when one is followed.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a body that is no JSON, [`ErrorKind::NotSupported`] for what the protocol does not have.
pub(super) fn body(call: &Call, query: &Query, page: Option<String>) -> Result<Bytes, Error> {
    let compartment = |owner| compartment(owner);
    let written = protocol::Call {
        protocol: PROTOCOL,
        practice: call.practice.as_str(),
        fhir_version: call.version.number(),
        base: &call.base,
        confined_to: call.confined_to.as_ref().map(compartment),
        directory: call.directory.iter().map(|kind| kind.as_str()).collect(),
        must_create: call.must_create,
        handling: match call.handling {
            Handling::Strict => "strict",
            Handling::Lenient => "lenient",
        },
        deadline: left(call.deadline),
        idempotency_key: call.idempotency_key.as_deref(),
        page,
        interaction: interaction(&call.interaction, query)?,
    };
    let bytes = serde_json::to_vec(&written);
    bytes.map(Bytes::from).map_err(|error| Error::new(ErrorKind::Internal, "cannot write the call").because(error))
}

fn left(deadline: Instant) -> u64 {
    u64::try_from(deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(u64::MAX)
}

fn interaction<'a>(interaction: &'a Interaction, query: &Query) -> Result<protocol::Interaction<'a>, Error> {
    use protocol::Interaction as To;
    Ok(match interaction {
        Interaction::Read { resource_type, id } => To::Read { r#type: resource_type.as_str(), id: id.as_str() },
        Interaction::Vread { resource_type, id, version_id } => {
            To::Vread { r#type: resource_type.as_str(), id: id.as_str(), version_id: version_id.as_str() }
        }
        Interaction::Create { resource, if_none_exist } => To::Create {
            r#type: resource.resource_type.as_str(),
            resource: raw(&resource.bytes)?,
            if_none_exist: if_none_exist.as_ref().map(pairs),
        },
        Interaction::Update { resource, if_match, .. } | Interaction::ConditionalUpdate { resource, if_match, .. } => {
            To::Update {
                r#type: resource.resource_type.as_str(),
                id: interaction.id().map(fhir::Id::as_str),
                criteria: criteria(interaction),
                resource: raw(&resource.bytes)?,
                if_match: if_match.as_ref().map(fhir::VersionId::as_str),
            }
        }
        Interaction::Patch { resource_type, patch, if_match, .. }
        | Interaction::ConditionalPatch { resource_type, patch, if_match, .. } => To::Patch {
            r#type: resource_type.as_str(),
            id: interaction.id().map(fhir::Id::as_str),
            criteria: criteria(interaction),
            format: match patch.format {
                PatchFormat::Json => "json",
                PatchFormat::FhirPath => "fhirpath",
            },
            patch: raw(&patch.bytes)?,
            if_match: if_match.as_ref().map(fhir::VersionId::as_str),
        },
        Interaction::Delete { resource_type, id, if_match } => To::Delete {
            r#type: resource_type.as_str(),
            id: Some(id.as_str()),
            criteria: None,
            if_match: if_match.as_ref().map(fhir::VersionId::as_str),
        },
        Interaction::ConditionalDelete { resource_type, .. } => {
            To::Delete { r#type: resource_type.as_str(), id: None, criteria: criteria(interaction), if_match: None }
        }
        Interaction::Batch { bundle, transaction: false } => To::Batch { bundle: raw(&bundle.bytes)? },
        Interaction::Batch { bundle, transaction: true } => To::Transaction { bundle: raw(&bundle.bytes)? },
        Interaction::Operation { name, level, parameters } => operation(name, level, parameters)?,
        _ => listing(interaction, pairs(query))?,
    })
}

fn listing(interaction: &Interaction, query: Pairs) -> Result<protocol::Interaction<'_>, Error> {
    use protocol::Interaction as To;
    Ok(match interaction {
        Interaction::HistoryInstance { resource_type, id, .. } => {
            To::HistoryInstance { r#type: resource_type.as_str(), id: id.as_str(), query }
        }
        Interaction::HistoryType { resource_type, .. } => To::HistoryType { r#type: resource_type.as_str(), query },
        Interaction::HistorySystem { .. } => To::HistorySystem { query },
        Interaction::SearchType { resource_type, compartment: owner, .. } => {
            To::SearchType { r#type: resource_type.as_str(), compartment: owner.as_ref().map(compartment), query }
        }
        Interaction::SearchSystem { compartment: owner, .. } => {
            To::SearchSystem { compartment: owner.as_ref().map(compartment), query }
        }
        _ => return Err(Error::new(ErrorKind::NotSupported, "this interaction does not go to a process")),
    })
}

fn operation<'a>(
    name: &'a str,
    level: &'a Level,
    parameters: &'a Parameters,
) -> Result<protocol::Interaction<'a>, Error> {
    let (resource_type, id) = match level {
        Level::System => (None, None),
        Level::Type(resource_type) => (Some(resource_type.as_str()), None),
        Level::Instance(resource_type, id) => (Some(resource_type.as_str()), Some(id.as_str())),
    };
    let (query, parameters) = match parameters {
        Parameters::Query(query) => (Some(pairs(query)), None),
        Parameters::Body(resource) => (None, Some(raw(&resource.bytes)?)),
    };
    Ok(protocol::Interaction::Operation { name, r#type: resource_type, id, query, parameters })
}

fn criteria(interaction: &Interaction) -> Option<Pairs> {
    match interaction {
        Interaction::ConditionalUpdate { criteria, .. }
        | Interaction::ConditionalPatch { criteria, .. }
        | Interaction::ConditionalDelete { criteria, .. } => Some(pairs(criteria)),
        _ => None,
    }
}

fn compartment(owner: &fhir::Compartment) -> protocol::Compartment<'_> {
    protocol::Compartment { r#type: owner.resource_type.as_str(), id: owner.id.as_str() }
}

fn pairs(query: &Query) -> Pairs {
    query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn raw(bytes: &Bytes) -> Result<&RawValue, Error> {
    serde_json::from_slice(bytes).map_err(|_| Error::new(ErrorKind::Invalid, "expected a body in JSON"))
}
