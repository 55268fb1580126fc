//! What is built in.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::{ResourceType, Version};
use package::Registry;

const RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
const PATIENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

#[test]
fn every_structure_that_is_built_in_has_a_snapshot() {
    for version in Version::ALL {
        let registry = Registry::built_in(version);
        let mut count = 0;
        for artefact in registry.artefacts(ResourceType::STRUCTURE_DEFINITION) {
            let canonical = format!("{}|{}", artefact.url(), artefact.effective_version().unwrap());
            let structure = registry.try_structure(&canonical).unwrap();
            assert!(!structure.elements.is_empty(), "{canonical}");
            assert_eq!(structure.canonical(), canonical);
            count += 1;
        }
        assert!(count > 500, "{version}: {count}");
    }
}

#[test]
fn a_canonical_without_a_version_means_us_core_6_until_a_practice_says_otherwise() {
    let registry = Registry::built_in(Version::R4);
    assert_eq!(registry.structure(PATIENT).unwrap().version.as_deref(), Some("6.1.0"));
    assert_eq!(registry.structure(&format!("{PATIENT}|9.0.0")).unwrap().version.as_deref(), Some("9.0.0"));
    assert_eq!(
        registry.prefer("hl7.fhir.us.core", "7.0.0").structure(PATIENT).unwrap().version.as_deref(),
        Some("7.0.0")
    );
    assert!(registry.structure(&format!("{PATIENT}|5.0.1")).is_none());
}

#[test]
fn a_profile_of_a_package_means_what_its_own_package_has() {
    let registry = Registry::built_in(Version::R4);
    let patient = registry.structure(&format!("{PATIENT}|9.0.0")).unwrap();
    let race = patient.element("Patient.extension:race").unwrap();
    assert_eq!(race.types[0].profiles, [format!("{RACE}|9.0.0")]);
    let pulse = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-pulse-oximetry|9.0.0";
    let pulse = registry.structure(pulse).unwrap();
    assert!(pulse.base.as_ref().unwrap().ends_with("us-core-vital-signs|9.0.0"));
}

#[test]
fn a_base_that_no_package_has_is_named_and_the_type_stands_in_for_it() {
    let registry = Registry::built_in(Version::R4);
    let name = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-questionnaireresponse";
    let structure = registry.structure(name).unwrap();
    assert!(structure.missing_base.as_ref().unwrap().contains("/sdc/"));
    assert!(structure.element("QuestionnaireResponse.status").is_some());
}

#[test]
fn slices_extensions_and_bindings_are_in_the_snapshot() {
    let patient = Registry::built_in(Version::R4).structure(PATIENT).unwrap();
    let extension = patient.element("Patient.extension").unwrap();
    assert_eq!(extension.slicing.as_ref().unwrap().discriminators[0].path, "url");
    assert_eq!(patient.element("Patient.identifier").unwrap().min, 1);
    assert_eq!(patient.element("Patient.name.family").unwrap().base.as_ref().unwrap().path, "HumanName.family");
    let rule =
        patient.element("Patient.name").unwrap().constraints.iter().find(|rule| rule.key == "us-core-6").unwrap();
    assert!(!rule.is_of_the_specification(definitions::of(Version::R4)));
    let race = Registry::built_in(Version::R4).extension(RACE).unwrap();
    let category = race.element("Extension.extension:ombCategory").unwrap();
    assert_eq!((category.min, category.max), (0, Some(5)));
    let url = race.element("Extension.extension:ombCategory.url").unwrap();
    assert_eq!(&*url.fixed.as_ref().unwrap().json, b"\"ombCategory\"");
}

#[test]
fn an_extension_that_carries_an_element_of_another_release_is_known_by_that_element() {
    let extension = |version, name: &str| Registry::built_in(version).extension(&format!("http://hl7.org/fhir/{name}"));
    let subject = extension(Version::R4, "5.0/StructureDefinition/extension-Appointment.subject").unwrap();
    let value = subject.element("Extension.value[x]").unwrap();
    assert_eq!(value.types.iter().map(|used| used.code.as_str()).collect::<Vec<_>>(), ["Reference"]);
    assert!(subject.element("Extension.url").unwrap().fixed.is_some());
    let deceased = extension(Version::R5, "4.0/StructureDefinition/extension-Patient.deceased").unwrap();
    assert_eq!(deceased.element("Extension.value[x]").unwrap().types.len(), 2);
    assert!(deceased.is_modifier());
    let nested = extension(Version::R4, "5.0/StructureDefinition/extension-Appointment.recurrenceTemplate").unwrap();
    assert!(nested.element("Extension.value[x]").unwrap().types.len() > 20, "it is taken apart");
    for unknown in [
        "5.0/StructureDefinition/extension-Appointment.nonsense",
        "4.0/StructureDefinition/extension-Appointment.priority",
        "1.0/StructureDefinition/extension-Appointment.priority",
        "5.0/StructureDefinition/extension-Appointment",
    ] {
        assert!(extension(Version::R4, unknown).is_none(), "{unknown}");
    }
}

#[test]
fn us_cores_search_parameters_operations_and_capabilities_are_built_in() {
    let registry = Registry::built_in(Version::R4);
    let race = "http://hl7.org/fhir/us/core/SearchParameter/us-core-race";
    for version in ["", "|6.1.0", "|7.0.0", "|9.0.0"] {
        let json = registry.json(ResourceType::SEARCH_PARAMETER, &format!("{race}{version}")).unwrap();
        let text = std::str::from_utf8(json).unwrap();
        assert!(text.contains("\"code\":\"race\"") && text.contains("\"expression\":\"Patient.extension"), "{text}");
    }
    assert!(registry.artefacts(ResourceType::SEARCH_PARAMETER).count() > 300);
    for (of, name) in [
        (ResourceType::CAPABILITY_STATEMENT, "CapabilityStatement/us-core-server"),
        (ResourceType::OPERATION_DEFINITION, "OperationDefinition/docref"),
    ] {
        let found = registry.artefact(of, &format!("http://hl7.org/fhir/us/core/{name}")).unwrap();
        assert_eq!(found.package(), Some(("hl7.fhir.us.core", "6.1.0")));
        assert!(found.json().is_some_and(|json| json.starts_with(b"{") && json.ends_with(b"}")));
    }
}
