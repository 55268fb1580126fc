//! Stage 5: the client's FHIR version to the adapter's, and back.
//!
//! Most resource types have the same elements in R4 and R4B, so between them nothing is changed: what is valid in both
//! releases travels as it is. What needs a conversion is refused with 501 until a table for it is there; [`convertible`]
//! and [`retold`] are the places that decide.

use std::sync::Arc;
use std::time::Instant;

use adapter::{Call, Reply};
use config::ValidateMode;
use fhir::{Interaction, Issue, IssueType, Resource, ResourceType, Version};
use http::StatusCode;

use crate::authorize::Permitted;
use crate::failure::Failure;
use crate::receive::Request;
use crate::route::Plan;
use crate::validate::Validated;

/// Makes the call of a request, in the version of the adapter that answers it.
///
/// # Errors
/// 501 when there is no conversion between the client's version and the adapter's, in either direction.
pub fn to_adapter(request: &Validated, plan: &Plan, deadline: Instant) -> Result<Call, Failure> {
    let permitted = request.permitted();
    let asked = permitted.request();
    let version = adapter_version(plan, asked.version);
    convertible(asked.interaction.resource_type(), version, client_version(asked))?;
    let interaction = in_version(&asked.interaction, version, plan.validate)?;
    own_call(permitted, plan, interaction, deadline)
}

/// A call of the gateway's own, on behalf of a client.
///
/// # Errors
/// As [`to_adapter`].
pub fn own_call(
    permitted: &Permitted,
    plan: &Plan,
    interaction: Interaction,
    deadline: Instant,
) -> Result<Call, Failure> {
    let asked = permitted.request();
    let version = adapter_version(plan, asked.version);
    // Before anything is done: an answer that could not be given must not come of a write.
    convertible(interaction.resource_type(), version, client_version(asked))?;
    Ok(Call {
        practice: asked.practice.clone(),
        version,
        base: Arc::clone(&asked.base),
        confined_to: permitted.reach().patient().cloned(),
        directory: permitted.directory(),
        brings: permitted.brings(&interaction),
        interaction,
        must_create: false,
        must_be_complete: false,
        additions: plan.additions,
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
pub fn to_client(reply: Reply, from: Version, request: &Request) -> Result<Reply, Failure> {
    convertible(reply.subject.as_ref().map(|subject| subject.resource_type), from, client_version(request))?;
    Ok(reply)
}

/// The release that the client wants to read: `fhirVersion` of its media types, or the base's.
fn client_version(request: &Request) -> Version {
    request.preferences.format.version.unwrap_or(request.version)
}

/// Whether a resource of this type can say the same in both versions.
///
/// # Errors
/// 501 when it cannot.
pub fn convertible(resource_type: Option<ResourceType>, from: Version, to: Version) -> Result<(), Failure> {
    let alike = from == to || (from != Version::R5 && to != Version::R5);
    let in_both = resource_type.is_none_or(|kind| kind.is_in(from) && kind.is_in(to));
    if alike && in_both {
        return Ok(());
    }
    Err(unconverted(resource_type.map_or("this interaction", ResourceType::as_str), from, to, Vec::new()))
}

fn adapter_version(plan: &Plan, fallback: Version) -> Version {
    plan.adapters.first().map_or(fallback, |destination| destination.adapter.capability().version)
}

fn in_version(interaction: &Interaction, version: Version, mode: ValidateMode) -> Result<Interaction, Failure> {
    let mut interaction = interaction.clone();
    if let Some(resource) = interaction.resource_mut()
        && resource.version != version
    {
        convertible(Some(resource.resource_type), resource.version, version)?;
        *resource = retold(resource, version, mode)?;
    }
    Ok(interaction)
}

/// The same bytes as a resource of another release, when they are one: its elements must be known there too. The index is
/// made anew, because its elements are those of a release.
fn retold(resource: &Resource, version: Version, mode: ValidateMode) -> Result<Resource, Failure> {
    let (resource_type, from) = (resource.resource_type, resource.version);
    let mut told = Resource::new(resource_type, version, resource.bytes.clone());
    if mode == ValidateMode::Off {
        return Ok(told);
    }
    match profile::check(&told.bytes, version, Some(resource_type)) {
        Ok(nodes) => told.index = Some(nodes),
        Err(outcome) if mode == ValidateMode::Enforce => {
            return Err(unconverted(resource_type.as_str(), from, version, outcome.0));
        }
        Err(_) => {}
    }
    Ok(told)
}

fn unconverted(what: &str, from: Version, to: Version, details: Vec<Issue>) -> Failure {
    let text = format!("{what} is not converted between FHIR {from} and {to}");
    let issues = std::iter::once(Issue::error(IssueType::NotSupported, text)).chain(details).collect();
    Failure::from_issues(StatusCode::NOT_IMPLEMENTED, issues)
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

    /// `ActivityDefinition.subject[x]` may be a canonical since R4B.
    #[test]
    fn what_the_other_release_does_not_know_is_refused_by_its_place_unless_nothing_is_enforced() {
        let activity = |subject: &str| {
            let json = format!(r#"{{"resourceType":"ActivityDefinition","status":"draft","{subject}"}}"#);
            Resource::new("ActivityDefinition".parse().unwrap(), Version::R4B, json)
        };
        let same = activity(r#"name":"Both"#);
        let told = retold(&same, Version::R4, ValidateMode::Enforce).unwrap();
        assert_eq!((told.version, &told.bytes), (Version::R4, &same.bytes));
        assert!(told.index.is_some(), "the adapter need not scan it again");
        let newer = activity(r#"subjectCanonical":"http://example.org/x"#);
        let failure = retold(&newer, Version::R4, ValidateMode::Enforce).unwrap_err();
        assert_eq!(failure.status, StatusCode::NOT_IMPLEMENTED);
        assert!(format!("{:?} {}", failure.issues[1].expression, failure.issues[1].text).contains("subject"));
        for mode in [ValidateMode::Warn, ValidateMode::Off] {
            assert!(retold(&newer, Version::R4, mode).unwrap().index.is_none(), "{mode:?}");
        }
    }
}
