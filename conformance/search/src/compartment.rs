//! Compartments (compartmentdefinition.html): which resources are a patient's.

use std::collections::HashMap;
use std::sync::LazyLock;

use fhir::json::{Document, Value};
use fhir::{Compartment, ResourceType, Version};

use crate::{IndexValue, ReferenceValue, extract};

/// The codes of the reference parameters by which a resource type belongs to a compartment: `["actor"]` for Appointment
/// in Patient. `None`: the type is not in that compartment. `Some(&[])`: only the owner itself is, so match by id: the
/// owner's type is always in its compartment, by id and never by its links, see [`contains`].
#[must_use]
pub fn parameters(
    compartment: ResourceType,
    resource_type: ResourceType,
    version: Version,
) -> Option<&'static [&'static str]> {
    type Members = HashMap<(ResourceType, ResourceType), Vec<&'static str>>;
    static RELEASES: LazyLock<[Members; 3]> = LazyLock::new(|| Version::ALL.map(members));
    if compartment == resource_type {
        let known = definitions::of(version).compartment(compartment).is_some();
        return known.then_some(&[]);
    }
    RELEASES.get(version as usize)?.get(&(compartment, resource_type)).map(Vec::as_slice)
}

fn members(version: Version) -> HashMap<(ResourceType, ResourceType), Vec<&'static str>> {
    let definitions = definitions::of(version);
    let mut members = HashMap::new();
    for owner in ResourceType::all() {
        let Some(compartment) = definitions.compartment(owner) else { continue };
        for resource_type in ResourceType::all().filter(|known| *known != owner) {
            let codes: Vec<_> = compartment.parameters(resource_type).into_iter().flatten().collect();
            if !codes.is_empty() {
                members.insert((owner, resource_type), codes);
            }
        }
    }
    members
}

/// Whether a resource is in a compartment. Only literal references count, `Patient/1` or, with a base, `{base}/Patient/1`;
/// whatever is unclear (no id, a logical reference, another server's URL, no root, another type than was said) is outside.
///
/// The owner is in its own compartment by its id alone. `Patient.link`, which the specification lists for Patient, is not
/// followed: a link says that somebody believes two records to be of one person, and a client that may write its own
/// record could link it to any other.
#[must_use]
pub fn contains(
    document: Document<'_>,
    resource_type: ResourceType,
    version: Version,
    compartment: &Compartment,
    base: Option<&str>,
) -> bool {
    let Some(root) = document.root() else { return false };
    let stated = root.member("resourceType").and_then(Value::text);
    if stated.is_none_or(|stated| stated != resource_type.as_str()) {
        return false;
    }
    let Some(codes) = parameters(compartment.resource_type, resource_type, version) else { return false };
    if resource_type == compartment.resource_type {
        return root.member("id").and_then(Value::text).is_some_and(|id| id == compartment.id.as_str());
    }
    let mut found = false;
    extract(document, resource_type, version, &mut |parameter, value| {
        if let IndexValue::Reference(reference) = value
            && codes.contains(&parameter.code)
        {
            found |= names(&reference, compartment, base);
        }
    });
    found
}

fn names(reference: &ReferenceValue<'_>, owner: &Compartment, base: Option<&str>) -> bool {
    if reference.resource_type != Some(owner.resource_type) {
        return false;
    }
    if let Some(id) = &reference.id {
        return *id == owner.id.as_str();
    }
    let (Some(url), Some(base)) = (&reference.url, base.map(|base| base.trim_end_matches('/'))) else { return false };
    let local = url.strip_prefix(base).and_then(|path| path.strip_prefix('/'));
    let local = local.map(|path| path.split_once("/_history/").map_or(path, |(path, _)| path));
    !base.is_empty()
        && local.and_then(|path| path.split_once('/')) == Some((owner.resource_type.as_str(), owner.id.as_str()))
}

#[cfg(test)]
mod tests {
    use fhir::json::{Limits, scan};

    use super::*;

    fn patient_1_has(json: &str, resource_type: &str, base: Option<&str>) -> bool {
        let mut nodes = Vec::new();
        scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let compartment = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() };
        let document = Document::new(json.as_bytes(), &nodes);
        contains(document, resource_type.parse().unwrap(), Version::R4, &compartment, base)
    }

    fn appointment_of(reference: &str) -> String {
        format!(
            r#"{{"resourceType":"Appointment","participant":[{{"actor":{{"reference":"Practitioner/1"}}}},{{"actor":{reference}}}]}}"#
        )
    }

    #[test]
    fn the_parameters_are_those_of_the_definition() {
        let patient = |name: &str| parameters(ResourceType::PATIENT, name.parse().unwrap(), Version::R4);
        assert_eq!(patient("Appointment"), Some(["actor"].as_slice()));
        assert_eq!(patient("Coverage"), Some(["policy-holder", "subscriber", "beneficiary", "payor"].as_slice()));
        assert_eq!(patient("Patient"), Some([].as_slice()));
        for outside in ["Practitioner", "PractitionerRole", "Slot", "Location", "Organization"] {
            assert_eq!(patient(outside), None, "{outside}");
        }
        assert_eq!(parameters(ResourceType::SLOT, ResourceType::SLOT, Version::R4), None);
    }

    #[test]
    fn a_literal_reference_to_the_owner_puts_a_resource_inside() {
        assert!(patient_1_has(&appointment_of(r#"{"reference":"Patient/1"}"#), "Appointment", None));
        assert!(patient_1_has(&appointment_of(r#"{"reference":"Patient/1/_history/3"}"#), "Appointment", None));
        let absolute = appointment_of(r#"{"reference":"https://gateway.example/fhir/r4/Patient/1"}"#);
        assert!(patient_1_has(&absolute, "Appointment", Some("https://gateway.example/fhir/r4/")));
    }

    #[test]
    fn whatever_is_unclear_is_outside() {
        let absolute = appointment_of(r#"{"reference":"https://gateway.example/fhir/r4/Patient/1"}"#);
        assert!(!patient_1_has(&absolute, "Appointment", None));
        assert!(!patient_1_has(&absolute, "Appointment", Some("https://gateway.example/fhir")));
        assert!(!patient_1_has(&absolute, "Appointment", Some("")));
        for reference in [
            r#"{"reference":"Patient/2"}"#,
            r#"{"reference":"Patient/11"}"#,
            r#"{"reference":"Practitioner/1"}"#,
            r##"{"reference":"#1"}"##,
            r#"{"type":"Patient","identifier":{"value":"1"}}"#,
            r#"{"type":"Patient","display":"1"}"#,
            r#"{"reference":"Patient?identifier=1"}"#,
            r#"{"reference":"urn:uuid:1"}"#,
            r#"{"reference":["Patient/1"]}"#,
        ] {
            assert!(!patient_1_has(&appointment_of(reference), "Appointment", None), "{reference}");
        }
        let appointment = appointment_of(r#"{"reference":"Patient/1"}"#);
        assert!(!patient_1_has(&appointment, "Slot", None), "a type outside the compartment");
        assert!(!patient_1_has(&appointment, "AppointmentResponse", None), "another type than was said");
        assert!(!patient_1_has("[]", "Appointment", None));
    }

    #[test]
    fn a_patient_is_inside_by_its_own_id_and_not_by_its_links() {
        assert!(patient_1_has(r#"{"resourceType":"Patient","id":"1"}"#, "Patient", None));
        assert!(!patient_1_has(r#"{"resourceType":"Patient","id":"2"}"#, "Patient", None));
        assert!(!patient_1_has(r#"{"resourceType":"Patient"}"#, "Patient", None));
        let linked =
            r#"{"resourceType":"Patient","id":"2","link":[{"other":{"reference":"Patient/1"},"type":"seealso"}]}"#;
        assert!(!patient_1_has(linked, "Patient", None));
    }
}
