//! Stage 5: the client's FHIR version to the adapter's, and back.
//!
//! R4 and R4B have the same elements in the resource types that both define, so between them nothing is changed. What
//! needs a conversion is refused with 501 until a table for it is there; [`convertible`] is the place that decides.

use std::sync::Arc;
use std::time::Instant;

use adapter::{Call, Reply};
use fhir::{Interaction, IssueType, ResourceType, Version};
use http::StatusCode;

use crate::failure::Failure;
use crate::route::Plan;
use crate::validate::Validated;

/// Makes the call of a request, in the version of the adapter that answers it.
///
/// # Errors
/// 501 when there is no conversion between the client's version and the adapter's.
pub fn to_adapter(request: &Validated, plan: &Plan, deadline: Instant) -> Result<Call, Failure> {
    let permitted = request.permitted();
    let asked = permitted.request();
    let version = adapter_version(plan, asked.version);
    convertible(asked.interaction.resource_type(), asked.version, version)?;
    Ok(Call {
        practice: asked.practice.clone(),
        interaction: in_version(&asked.interaction, version),
        version,
        base: Arc::clone(&asked.base),
        confined_to: permitted.confined_to().cloned(),
        handling: asked.preferences.handling,
        deadline,
        idempotency_key: asked.idempotency_key.clone(),
        trace: asked.trace.clone(),
    })
}

/// The adapter's answer in the client's version.
///
/// # Errors
/// 501 as above.
pub fn to_client(reply: Reply, from: Version, to: Version) -> Result<Reply, Failure> {
    convertible(reply.subject.as_ref().map(|subject| subject.resource_type), from, to)?;
    Ok(reply)
}

/// Whether a resource of this type says the same in both versions.
///
/// # Errors
/// 501 when it does not.
pub fn convertible(resource_type: Option<ResourceType>, from: Version, to: Version) -> Result<(), Failure> {
    let alike = from == to || (from != Version::R5 && to != Version::R5);
    let in_both = resource_type.is_none_or(|kind| kind.is_in(from) && kind.is_in(to));
    if alike && in_both {
        return Ok(());
    }
    let what = resource_type.map_or("this interaction", ResourceType::as_str);
    Err(Failure::new(
        StatusCode::NOT_IMPLEMENTED,
        IssueType::NotSupported,
        format!("{what} is not converted between FHIR {from} and {to}"),
    ))
}

fn adapter_version(plan: &Plan, fallback: Version) -> Version {
    plan.adapters.first().map_or(fallback, |destination| destination.adapter.capability().version)
}

/// The bytes stay as they are; only what they are said to be changes.
fn in_version(interaction: &Interaction, version: Version) -> Interaction {
    let mut interaction = interaction.clone();
    match &mut interaction {
        Interaction::Create { resource, .. }
        | Interaction::Update { resource, .. }
        | Interaction::ConditionalUpdate { resource, .. }
        | Interaction::Batch { bundle: resource, .. } => resource.version = version,
        _ => {}
    }
    interaction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_and_r4b_are_alike_where_both_know_the_type() {
        assert!(convertible(Some(ResourceType::PATIENT), Version::R4, Version::R4B).is_ok());
        assert!(convertible(None, Version::R4B, Version::R4).is_ok());
        let only_r4b = "Citation".parse().unwrap();
        assert!(convertible(Some(only_r4b), Version::R4B, Version::R4).is_err());
    }

    #[test]
    fn what_needs_a_conversion_is_a_501_that_names_both_versions() {
        let failure = convertible(Some(ResourceType::APPOINTMENT), Version::R5, Version::R4).unwrap_err();
        assert_eq!(failure.status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(failure.issues[0].text, "Appointment is not converted between FHIR R5 and R4");
    }
}
