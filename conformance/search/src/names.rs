//! Whom references name: the patient of a compartment, another one, or nobody.

use fhir::json::{Document, Kind, Value};
use fhir::{Compartment, ResourceType};

/// What a reference says about patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The token's patient.
    Ours,
    /// Another patient.
    Other,
    /// Something of a type that is no patient.
    Thing(ResourceType),
    /// It cannot be told.
    Unclear,
}

/// Reads a literal reference: `Patient/1`, an absolute URL, perhaps with a version.
#[must_use]
pub fn literal(text: &str, patient: &Compartment, base: &str) -> Names {
    let local = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
    let relative = local.unwrap_or(text);
    let mut segments = relative.split('/').rev().peekable();
    // A version at the end: [type]/[id]/_history/[vid].
    let tail: Vec<&str> = segments.by_ref().take(2).collect();
    let (id, name) = match tail.as_slice() {
        [_, "_history"] => (segments.next(), segments.next()),
        [id, name] => (Some(*id), Some(*name)),
        _ => (None, None),
    };
    let is_local = segments.next().is_none();
    match (id, name.map(str::parse)) {
        (Some(id), Some(Ok(ResourceType::PATIENT))) if is_local && id == patient.id.as_str() => Names::Ours,
        (Some(_), Some(Ok(ResourceType::PATIENT))) => Names::Other,
        (Some(_), Some(Ok(of))) => Names::Thing(of),
        _ => Names::Unclear,
    }
}

/// Reads a Reference element.
#[must_use]
pub fn element(reference: Value<'_>, patient: &Compartment, base: &str) -> Names {
    match reference.member("reference") {
        Some(text) => text.text().map_or(Names::Unclear, |text| literal(&text, patient, base)),
        None => match reference.member("type").and_then(Value::text).and_then(|name| name.parse().ok()) {
            Some(ResourceType::PATIENT) | None => Names::Unclear,
            Some(of) => Names::Thing(of),
        },
    }
}

/// Whether a resource names, anywhere in it, a patient other than the token's: by reference, as a contained resource, or
/// as the type of a logical reference.
#[must_use]
pub fn names_others(root: Value<'_>, patient: &Compartment, base: &str) -> bool {
    root.member("contained").is_some_and(|contained| contained.items().any(is_person))
        || any(root, &mut |value| {
            if value.is_named("reference") && matches!(value.kind(), Kind::String | Kind::EscapedString) {
                let text = value.text().unwrap_or_default();
                return match literal(&text, patient, base) {
                    Names::Other => true,
                    // `#1` was judged by what is contained; a URN or a query is anybody.
                    Names::Unclear => !text.starts_with('#'),
                    Names::Ours | Names::Thing(_) => false,
                };
            }
            value.kind() == Kind::Object
                && value.member("reference").is_none()
                && value.member("type").and_then(Value::text).as_deref() == Some("Patient")
        })
}

/// Types whose instances list patients beside each other and cannot be shown in part.
const LISTS: [&str; 4] = ["Account", "AuditEvent", "Group", "Person"];

/// Whether a resource of the compartment lists other patients too: one patient is not shown it, and it counts nowhere.
#[must_use]
pub fn lists_others(document: Document<'_>, resource_type: ResourceType, patient: &Compartment, base: &str) -> bool {
    let is_list = patient.resource_type == ResourceType::PATIENT && LISTS.contains(&resource_type.as_str());
    is_list && document.root().is_none_or(|root| names_others(root, patient, base))
}

fn is_person(contained: Value<'_>) -> bool {
    let name = contained.member("resourceType").and_then(Value::text);
    !matches!(name.as_deref(), Some(name) if !matches!(name, "Patient" | "RelatedPerson" | "Person" | "Group"))
}

/// Whether any value of a tree is so. A document is scanned with a limit of depth, so that this ends.
fn any(root: Value<'_>, is: &mut impl FnMut(Value<'_>) -> bool) -> bool {
    let (first, after) = (root.index(), root.node().after.max(root.index() + 1));
    (first..after).filter_map(|index| root.document().at(index)).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_ours_only_by_a_reference_to_this_server() {
        let patient = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().expect("id") };
        let base = "https://gw.example/fhir/r4";
        let names = |text| literal(text, &patient, base);
        for ours in ["Patient/1", "https://gw.example/fhir/r4/Patient/1", "Patient/1/_history/2"] {
            assert_eq!(names(ours), Names::Ours, "{ours}");
        }
        for other in
            ["Patient/2", "https://other.example/fhir/Patient/1", "Patient/2/_history/1", "Patient/10", "x/Patient/1"]
        {
            assert_eq!(names(other), Names::Other, "{other}");
        }
        assert_eq!(names("Practitioner/1"), Names::Thing(ResourceType::PRACTITIONER));
        for unclear in ["", "#p", "urn:uuid:1", "Patient", "Patient?identifier=1", "patient/1"] {
            assert_eq!(names(unclear), Names::Unclear, "{unclear}");
        }
    }
}
