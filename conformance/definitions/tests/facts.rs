//! What the tables say is what the specification says.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use definitions::{Definitions, Element, ParameterKind, Primitive, Strength, of};
use fhir::{ResourceType, Version};

fn at<'d>(definitions: &'d Definitions, path: &str) -> Element<'d> {
    let mut steps = path.split('.');
    let root = definitions.type_named(steps.next().unwrap()).unwrap().root().unwrap();
    steps.fold(definitions.element(root).unwrap(), |element, name| definitions.child(element.id(), name).unwrap())
}

#[test]
fn an_element_knows_its_path_type_and_cardinality() {
    let r4 = of(Version::R4);
    let family = at(r4, "Patient.contact.name.family");
    assert_eq!((family.path().as_str(), family.type_name()), ("HumanName.family", "string"));
    let contact = at(r4, "Patient.contact");
    assert_eq!((contact.type_name(), contact.max(), contact.is_list()), ("BackboneElement", None, true));
    assert_eq!(at(r4, "Patient.contact.organization").path(), "Patient.contact.organization");
    assert_eq!(at(r4, "Patient.link.other").min(), 1);
    assert_eq!(at(r4, "Patient.id").primitive(), Some(Primitive::Id));
    assert_eq!(at(r4, "Patient.contact.extension").path(), "Patient.contact.extension");
    assert!(at(r4, "Patient.active").is_modifier());
}

#[test]
fn a_choice_is_found_by_variant_and_by_its_fhirpath_name() {
    let r4 = of(Version::R4);
    let choice = at(r4, "Patient.deceased");
    assert!(choice.is_choice());
    let types: Vec<_> = choice.variants().map(Element::type_name).collect();
    assert_eq!(types, ["boolean", "dateTime"]);
    let variant = at(r4, "Patient.deceasedBoolean");
    assert_eq!(variant.choice(), Some(choice.id()));
    assert_eq!((variant.path().as_str(), variant.path_name()), ("Patient.deceased[x]", "deceased"));
    let patient = r4.type_named("Patient").unwrap().root().unwrap();
    let shape = r4.element(patient).unwrap().shape().unwrap();
    assert!(shape.member(b"deceased").is_none(), "json has no member `deceased`");
    assert_eq!(r4.child(patient, "_deceasedDateTime").unwrap().type_name(), "dateTime");
    assert!(r4.child(patient, "_contact").is_none(), "only primitives have companions");
}

#[test]
fn every_member_of_every_shape_of_every_release_is_found_by_its_name_alone() {
    for version in Version::ALL {
        let release = of(version);
        for known in release.types().filter(|known| !known.is_abstract()) {
            let Some(shape) = known.root().and_then(|root| release.element(root)?.shape()) else { continue };
            for element in shape.elements() {
                let members: Vec<_> = if element.is_choice() { element.variants().collect() } else { vec![element] };
                for member in members {
                    let found = shape.member(member.name().as_bytes()).map(Element::id);
                    assert_eq!(found, Some(member.id()), "{version} {}", member.path());
                }
            }
            assert!(shape.member(b"nonsense").is_none() && shape.member(b"").is_none());
        }
    }
}

#[test]
fn types_know_what_they_specialize() {
    let r4 = of(Version::R4);
    let names =
        |name: &str| -> Vec<_> { r4.type_named(name).unwrap().lineage().map(definitions::Type::name).collect() };
    assert_eq!(names("Patient"), ["Patient", "DomainResource", "Resource"]);
    assert_eq!(names("code"), ["code", "string", "Element"]);
    assert_eq!(names("Age"), ["Age", "Quantity", "Element"]);
    assert!(of(Version::R5).type_named("ValueSet").unwrap().is_a("DomainResource"));
    for resource_type in ResourceType::all() {
        for version in Version::ALL {
            assert_eq!(of(version).type_of(resource_type).is_some(), resource_type.is_in(version), "{resource_type}");
        }
    }
}

#[test]
fn a_content_reference_has_the_shape_of_what_it_refers_to() {
    let r4 = of(Version::R4);
    assert_eq!(at(r4, "Questionnaire.item.item.item.linkId").path(), "Questionnaire.item.linkId");
    assert_eq!(at(r4, "Questionnaire.item.item").type_name(), "BackboneElement");
}

#[test]
fn a_required_binding_has_its_codes() {
    let r4 = of(Version::R4);
    let gender = at(r4, "Patient.gender");
    assert_eq!(gender.binding().unwrap().strength, Strength::Required);
    let codes = gender.required_codes().unwrap();
    let listed: Vec<_> = codes.codes().map(|(_, code)| code).collect();
    assert_eq!(listed, ["male", "female", "other", "unknown"]);
    assert!(codes.has_code(b"other") && !codes.has_code(b"xx"));
    assert!(codes.has("http://hl7.org/fhir/administrative-gender", b"male"));
    assert!(!codes.has("http://example.org", b"male"));
    for (_, code) in at(r4, "Appointment.status").required_codes().unwrap().codes() {
        assert!(at(r4, "Appointment.status").required_codes().unwrap().has_code(code.as_bytes()));
    }
    assert!(at(r4, "Attachment.contentType").required_codes().unwrap().is_open());
    assert!(at(r4, "Patient.maritalStatus").required_codes().is_none());
}

#[test]
fn reference_targets_are_types() {
    let r4 = of(Version::R4);
    let targets: Vec<_> = at(r4, "Patient.generalPractitioner").targets().map(definitions::Type::name).collect();
    assert_eq!(targets, ["Organization", "Practitioner", "PractitionerRole"]);
    assert!(at(r4, "Appointment.supportingInformation").may_target_any());
}

#[test]
fn search_parameters_and_compartments_are_those_of_the_release() {
    let r4 = of(Version::R4);
    let codes: Vec<_> = r4.search_parameters(ResourceType::SLOT).map(|parameter| parameter.code).collect();
    for code in ["_id", "_lastUpdated", "schedule", "start", "status", "service-type"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    let name = r4.search_parameters(ResourceType::PATIENT).find(|known| known.code == "family").unwrap();
    assert_eq!(name.kind, ParameterKind::String);
    assert!(name.expression.unwrap().contains("Patient.name.family"));
    assert_eq!(r4.search_parameter_by_url(name.url).unwrap().code, "family");
    let compartment = r4.compartment(ResourceType::PATIENT).unwrap();
    let parameters: Vec<_> = compartment.parameters(ResourceType::APPOINTMENT).unwrap().collect();
    assert_eq!(parameters, ["actor"]);
    assert!(compartment.parameters(ResourceType::SLOT).is_none());
    for version in Version::ALL {
        assert!(of(version).search_parameters(ResourceType::APPOINTMENT).count() > 15, "{version}");
    }
}
