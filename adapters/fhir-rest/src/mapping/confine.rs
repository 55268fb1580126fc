//! Keeps a call inside the compartment that its token is confined to. What cannot be restricted on the way to the back
//! end is refused: the gateway checks results again, but a count or a chain would have told already.

use std::borrow::Cow;

use adapter::{Call, Error, ErrorKind};
use fhir::{Compartment, Interaction, Query, ResourceType, Version};

/// Where a search stands in the end: criteria, and the compartment that goes into the URL.
pub(crate) struct Restricted<'a> {
    pub(crate) query: Cow<'a, Query>,
    pub(crate) compartment: Option<&'a Compartment>,
}

/// Restricts a search to its own compartment (`Patient/1/Appointment`) and to the token's.
///
/// # Errors
/// [`ErrorKind::Forbidden`] when a compartment cannot be expressed.
pub(crate) fn search<'a>(
    call: &'a Call,
    resource_type: ResourceType,
    asked: Option<&'a Compartment>,
    query: &'a Query,
    by_url: bool,
) -> Result<Restricted<'a>, Error> {
    if call.confined_to.is_some() {
        refuse_looking_outside(query)?;
    }
    let token = call.confinement().filter(|token| Some(*token) != asked);
    let mut restricted = Restricted { query: Cow::Borrowed(query), compartment: None };
    for compartment in [asked, token].into_iter().flatten() {
        if by_url && restricted.compartment.is_none() && is_part_of(compartment, resource_type, call.version) {
            restricted.compartment = Some(compartment);
        } else {
            let (name, value) = criterion(compartment, resource_type, call.version)?;
            restricted.query.to_mut().push(name, value);
        }
    }
    Ok(restricted)
}

/// Restricts the criteria of a conditional create, update, patch or delete.
///
/// # Errors
/// As [`search`].
pub(crate) fn criteria<'a>(
    call: &Call,
    resource_type: ResourceType,
    criteria: &'a Query,
) -> Result<Cow<'a, Query>, Error> {
    let Some(compartment) = &call.confined_to else { return Ok(Cow::Borrowed(criteria)) };
    refuse_looking_outside(criteria)?;
    let (name, value) = criterion(compartment, resource_type, call.version)?;
    let mut restricted = criteria.clone();
    restricted.push(name, value);
    Ok(Cow::Owned(restricted))
}

/// Refuses what names no single resource and cannot be restricted by a criterion, and an update that must create.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for a call of that kind.
pub(crate) fn refuse_unrestricted(call: &Call) -> Result<(), Error> {
    let unrestricted = matches!(
        call.interaction,
        Interaction::HistoryType { .. }
            | Interaction::HistorySystem { .. }
            | Interaction::SearchSystem { .. }
            | Interaction::Batch { .. }
            | Interaction::Operation { .. }
    );
    if call.confinement().is_some() && unrestricted {
        return Err(forbidden("this interaction cannot be confined to one patient's compartment on this back end"));
    }
    // `If-None-Match: *` is not in FHIR's API: a back end that passes over it would overwrite.
    if call.must_create && matches!(call.interaction, Interaction::Update { .. }) {
        return Err(forbidden("this back end is not known to refuse an update of what exists: create it with POST"));
    }
    Ok(())
}

fn is_part_of(compartment: &Compartment, resource_type: ResourceType, version: Version) -> bool {
    compartment.resource_type != resource_type
        && search::compartment::parameters(compartment.resource_type, resource_type, version)
            .is_some_and(|parameters| !parameters.is_empty())
}

fn criterion(
    compartment: &Compartment,
    resource_type: ResourceType,
    version: Version,
) -> Result<(&'static str, String), Error> {
    if compartment.resource_type == resource_type {
        return Ok(("_id", compartment.id.to_string()));
    }
    match search::compartment::parameters(compartment.resource_type, resource_type, version) {
        Some([parameter]) => Ok((parameter, format!("{}/{}", compartment.resource_type, compartment.id))),
        _ => Err(forbidden(&format!(
            "{resource_type} cannot be searched inside of one {} compartment on this back end",
            compartment.resource_type
        ))),
    }
}

/// Criteria that are decided by other resources than those that are returned: their mere answer tells of them.
fn refuse_looking_outside(query: &Query) -> Result<(), Error> {
    let outside = |name: &str| {
        name.contains('.') || matches!(name.split(':').next(), Some("_has" | "_filter" | "_query" | "_list"))
    };
    match query.iter().any(|(name, _)| outside(name)) {
        true => {
            Err(forbidden("chained parameters, _has, _filter, _query and _list are not served to a confined token"))
        }
        false => Ok(()),
    }
}

fn forbidden(text: &str) -> Error {
    Error::new(ErrorKind::Forbidden, text)
}
