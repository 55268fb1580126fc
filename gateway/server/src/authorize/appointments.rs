//! What one of several patients of an appointment may find it by: what is shown of it, see `confine/appointment.rs`, and nothing of the others.

use fhir::{Compartment, Handling, Query, ResourceType, Version};
use search::{Criterion, Parameter};

use super::access::is_chain;

/// What is expected of a search.
pub(super) const EXPECTED: &str = "can find and order appointments by what every patient of them is shown only: status, types and \
     specialty, date, slot, identifier, and participants (to find)";

/// Parameters on what is shown of an appointment, and its identifier, which only those know who were told.
const OPEN: [&str; 17] = [
    "_id",
    "_lastUpdated",
    "_profile",
    "_security",
    "_source",
    "actor",
    "appointment-type",
    "date",
    "identifier",
    "location",
    "patient",
    "practitioner",
    "service-category",
    "service-type",
    "slot",
    "specialty",
    "status",
];

/// Those that say who takes part.
const PARTICIPANTS: [&str; 4] = ["actor", "location", "patient", "practitioner"];

/// Whether a criterion on the participants of an appointment may name another patient: the answer would tell who else takes
/// part. A bare id may be a patient's, and whose relative a RelatedPerson is cannot be told. Behind a reference too, the participants
/// of an appointment are not for everybody.
pub(super) fn asks_of_others(of: Option<ResourceType>, name: &str, value: &str, patient: &Compartment) -> bool {
    let step = match is_chain(name) {
        true => last_step(name),
        false if of == Some(ResourceType::APPOINTMENT) => name,
        false => return false,
    };
    let (plain, modifier) = step.split_once(':').unwrap_or((step, ""));
    if modifier == "identifier" && PARTICIPANTS.contains(&plain) {
        return true;
    }
    if !matches!(plain, "actor" | "patient") || modifier == "missing" {
        return false;
    }
    value.split(',').any(|reference| names_another(reference, modifier, patient))
}

fn names_another(reference: &str, modifier: &str, patient: &Compartment) -> bool {
    let unversioned = reference.split_once("/_history/").map_or(reference, |(unversioned, _)| unversioned);
    let mut parts = unversioned.rsplit('/');
    let (id, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or(modifier));
    match kind.parse::<ResourceType>() {
        Ok(kind) if kind.as_str() == "RelatedPerson" => true,
        Ok(kind) if kind != ResourceType::PATIENT => false,
        _ => id != patient.id.as_str(),
    }
}

/// What a chain or `_has` ends with: `actor` of `_has:Appointment:slot:actor`, with the modifier that it may have.
fn last_step(name: &str) -> &str {
    let end = name.rsplit('.').next().unwrap_or(name);
    let Some(has) = end.rfind("_has:") else { return end };
    end.get(has..).and_then(|has| has.splitn(4, ':').nth(3)).unwrap_or(end)
}

/// Whether a query looks only at what is shown of appointments, in its own criteria, behind references, and in its order.
pub(super) fn is_open(of: Option<ResourceType>, query: &Query, version: Version) -> bool {
    let is_of_appointments = of == Some(ResourceType::APPOINTMENT);
    let is_shown = |(name, value): (&str, &str)| match name.split([':', '.']).next().unwrap_or_default() {
        "_sort" => value.split(',').all(|key| is_order(key.trim_start_matches('-'))),
        "_tag" => false,
        plain => plain.starts_with('_') || OPEN.contains(&plain),
    };
    if is_of_appointments && !query.iter().all(is_shown) {
        return false;
    }
    if !query.iter().any(|(name, _)| is_chain(name)) {
        return true;
    }
    // What is not understood here could look anywhere.
    search::parse(query, version, of, Handling::Lenient)
        .is_ok_and(|parsed| parsed.criteria.iter().all(goes_by_what_is_shown))
}

fn is_order(key: &str) -> bool {
    OPEN.contains(&key) && !PARTICIPANTS.contains(&key) && key != "identifier"
}

/// A chain is at most a few links long.
fn goes_by_what_is_shown(criterion: &Criterion) -> bool {
    match criterion {
        Criterion::Plain(condition) => is_parameter_open(condition.parameter),
        Criterion::Chain { reference, alternatives } => {
            is_parameter_open(reference) && alternatives.iter().all(|(_, inner)| goes_by_what_is_shown(inner))
        }
        Criterion::Has { reference, criterion, .. } => is_parameter_open(reference) && goes_by_what_is_shown(criterion),
    }
}

fn is_parameter_open(parameter: &Parameter) -> bool {
    parameter.base != ResourceType::APPOINTMENT || OPEN.contains(&parameter.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open_to(of: ResourceType, query: &str) -> bool {
        is_open(Some(of), &Query::parse(query), Version::R4)
    }

    #[test]
    fn an_appointment_is_found_by_what_every_patient_of_it_is_shown() {
        for open in
            ["status=booked&date=ge2024&_sort=-date", "identifier=x", "practitioner.name=x&_count=2", "slot.schedule=1"]
        {
            assert!(is_open_to(ResourceType::APPOINTMENT, open), "{open}");
        }
        for hidden in [
            "reason-code=a",
            "supporting-info=List/1",
            "part-status=declined",
            "_tag=a",
            "_sort=actor",
            "reason-reference.code=a",
        ] {
            assert!(!is_open_to(ResourceType::APPOINTMENT, hidden), "{hidden}");
        }
    }

    #[test]
    fn nothing_hidden_of_an_appointment_is_looked_at_through_references() {
        for hidden in ["_has:Appointment:slot:reason-code=a", "_has:Appointment:slot:part-status:not=declined"] {
            assert!(!is_open_to(ResourceType::SLOT, hidden), "{hidden}");
        }
        assert!(!is_open_to("Condition".parse().unwrap(), "_has:Appointment:reason-reference:status=booked"));
        assert!(is_open_to(ResourceType::SLOT, "_has:Appointment:slot:status=booked&_sort=start"));
    }

    #[test]
    fn relatives_and_identifiers_of_participants_are_not_asked_for() {
        let patient = Compartment { resource_type: ResourceType::PATIENT, id: "p1".parse().unwrap() };
        let asks = |name: &str, value: &str| asks_of_others(Some(ResourceType::APPOINTMENT), name, value, &patient);
        assert!(asks("actor", "RelatedPerson/1") && asks("practitioner:identifier", "x|y") && asks("actor", "p2"));
        assert!(!asks("actor", "Practitioner/1") && !asks("actor", "p1") && !asks("location", "Location/1"));
    }
}
