//! Whose a resource is: with `owners = "patients"` what belongs to a patient is written to the back end that has the patient, and is
//! looked for there only.

use std::collections::BTreeSet;
use std::sync::Arc;

use adapter::{Call, Error, ErrorKind};
use fhir::json::{Document, Limits, scan};
use fhir::{Interaction, Resource, ResourceType, Version};
use search::{IndexValue, ReferenceValue, compartment};

use super::{Federation, Member};

/// Names of members.
pub(super) type Names = BTreeSet<Arc<str>>;

/// The parameters by which a resource belongs to patients. The same ones decide where it is written and where it is looked for.
fn belongs_by(of: ResourceType, code: &str, version: Version) -> bool {
    of != ResourceType::PATIENT
        && compartment::parameters(ResourceType::PATIENT, of, version)
            .is_some_and(|codes| code == "patient" || codes.contains(&code))
}

/// The member that has the patients of a resource; none when it is of no patient that any member has.
///
/// # Errors
/// 422 when they are on several back ends, or on one that does not hold such resources.
pub(super) fn of_resource<'f>(
    federation: &'f Federation,
    resource: &Resource,
    base: &str,
) -> Result<Option<&'f Member>, Error> {
    let names = patients(federation, resource, base);
    let listed = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let refused = |text: String| Err(Error::new(ErrorKind::Unprocessable, text));
    match (names.first(), names.len()) {
        (None, _) => Ok(None),
        (Some(only), 1) => match federation.members.iter().find(|member| member.name == *only) {
            Some(member) => Ok(Some(member)),
            None => refused(format!(
                "the patient is on the back end {}, which takes no {} here",
                listed(),
                resource.resource_type
            )),
        },
        _ => refused(format!(
            "the resource names patients of the back ends {}: expected patients of one of them, since it is stored with its patient",
            listed()
        )),
    }
}

/// Checks that an update leaves a resource with the patients of the member that has it.
///
/// # Errors
/// As [`of_resource`]; 422 when its patients are on another member.
pub(super) fn stays(federation: &Federation, member: &Member, resource: &Resource, base: &str) -> Result<(), Error> {
    match of_resource(federation, resource, base)? {
        Some(owner) if owner.name != member.name => {
            let text = format!(
                "the resource is on the back end `{}` and would name a patient of `{}`: expected a new resource there",
                member.name, owner.name
            );
            Err(Error::new(ErrorKind::Unprocessable, text))
        }
        _ => Ok(()),
    }
}

fn patients(federation: &Federation, resource: &Resource, base: &str) -> Names {
    let mut names = Names::new();
    let mut nodes = Vec::new();
    if scan(&resource.bytes, &mut nodes, Limits::default()).is_err() {
        return names;
    }
    let (of, version) = (resource.resource_type, resource.version);
    search::extract(Document::new(&resource.bytes, &nodes), of, version, &mut |parameter, value| {
        if let IndexValue::Reference(reference) = value
            && belongs_by(of, parameter.code, version)
        {
            names.extend(patient(&reference, base).and_then(|id| federation.adapter_of(&id)).cloned());
        }
    });
    names
}

/// The id of the patient of this base that a reference leads to.
fn patient(reference: &ReferenceValue<'_>, base: &str) -> Option<String> {
    match (&reference.resource_type, &reference.id, &reference.url) {
        (Some(of), Some(id), _) => (*of == ResourceType::PATIENT).then(|| id.clone().into_owned()),
        (_, _, Some(url)) => named(url.strip_prefix(base)?.strip_prefix('/')?),
        _ => None,
    }
}

/// `Patient/1`, perhaps with a version.
fn named(reference: &str) -> Option<String> {
    Some(reference.strip_prefix("Patient/")?.split('/').next()?.to_owned())
}

/// The members that can have what a listing asks for; none for all of them.
pub(super) fn of_listing(federation: &Federation, call: &Call) -> Option<Names> {
    let Interaction::SearchType { resource_type: of, compartment, query } = &call.interaction else { return None };
    let (of, version) = (*of, call.version);
    if !federation.is_owned() || compartment::parameters(ResourceType::PATIENT, of, version).is_none() {
        return None;
    }
    let owners =
        compartment.iter().chain(call.confinement()).filter(|owner| owner.resource_type == ResourceType::PATIENT);
    let owners = owners.filter_map(|owner| federation.adapter_of(owner.id.as_str()));
    let mut sets: Vec<Names> = owners.map(|name| Names::from([Arc::clone(name)])).collect();
    for (name, value) in query.iter() {
        let (code, modifier) = name.split_once(':').unwrap_or((name, ""));
        if belongs_by(of, code, version) && ["", "Patient"].contains(&modifier) {
            let is_patient = code == "patient" || modifier == "Patient";
            sets.extend(of_values(federation, value, is_patient, &call.base));
        }
    }
    sets.into_iter().reduce(|left, right| left.intersection(&right).cloned().collect())
}

/// Whose patients the values of a parameter name; none when one of them is something else.
fn of_values(federation: &Federation, values: &str, is_patient: bool, base: &str) -> Option<Names> {
    values.split(',').map(|value| of_value(federation, value, is_patient, base)).collect()
}

fn of_value(federation: &Federation, value: &str, is_patient: bool, base: &str) -> Option<Arc<str>> {
    let relative = value.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(value);
    let id = named(relative).or_else(|| (is_patient && !relative.contains('/')).then(|| relative.to_owned()))?;
    federation.adapter_of(&id).cloned()
}
