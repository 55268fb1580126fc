//! The types of the specification are structures like any other.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::Version;
use package::{Derivation, Registry, StructureKind};

#[test]
fn every_type_of_every_release_is_a_structure_whose_elements_have_parents() {
    for version in Version::ALL {
        let registry = Registry::built_in(version);
        for known in definitions::of(version).types() {
            let structure = registry.type_structure(known.name()).unwrap();
            assert_eq!(structure.type_, known.name());
            assert_eq!(structure.version.as_deref(), Some(version.number()));
            assert_eq!(structure.derivation, Derivation::Specialization);
            for (number, element) in structure.elements.iter().enumerate().skip(1) {
                let parent = element.path.rsplit_once('.').unwrap().0;
                assert!(structure.elements[..number].iter().any(|known| known.path == parent), "{}", element.path);
            }
        }
    }
}

#[test]
fn a_structure_agrees_with_the_tables_that_the_scan_runs_on() {
    for version in Version::ALL {
        let (registry, definitions) = (Registry::built_in(version), definitions::of(version));
        for shape in definitions.shapes() {
            let type_name = shape.path().split('.').next().unwrap();
            let structure = registry.type_structure(type_name).unwrap();
            for element in shape.elements() {
                let path = element.path();
                if structure.kind == StructureKind::Primitive {
                    continue;
                }
                let said = structure.element(&path).unwrap_or_else(|| panic!("{version} {path}"));
                assert_eq!(said.min, u32::from(element.min()), "{version} {path}");
                assert_eq!(said.max, element.max().map(u32::from), "{version} {path}");
                assert_eq!(said.is_modifier, element.is_modifier(), "{version} {path}");
                let types: Vec<_> = match element.is_choice() {
                    true => element.variants().map(definitions::Element::type_name).collect(),
                    false => vec![element.type_name()],
                };
                let known: Vec<_> = said.types.iter().map(|used| used.code.as_str()).collect();
                assert!(said.content.is_some() || known == types, "{version} {path}: {known:?} {types:?}");
                let bound = said.binding.as_ref().and_then(|binding| binding.value_set.as_deref());
                assert_eq!(bound, element.binding().map(|binding| binding.url), "{version} {path}");
            }
        }
    }
}

#[test]
fn a_nested_element_has_what_every_backbone_element_has() {
    let patient = Registry::built_in(Version::R4).type_structure("Patient").unwrap();
    let paths: Vec<_> = patient.elements.iter().map(|element| element.path.as_str()).collect();
    let contact = paths.iter().position(|path| *path == "Patient.contact").unwrap();
    assert_eq!(
        paths[contact..contact + 5],
        [
            "Patient.contact",
            "Patient.contact.id",
            "Patient.contact.extension",
            "Patient.contact.modifierExtension",
            "Patient.contact.relationship"
        ]
    );
    let id = patient.element("Patient.contact.id").unwrap();
    assert_eq!(id.base.as_ref().unwrap().path, "Element.id");
    assert!(patient.root().unwrap().constraints.iter().any(|rule| rule.key == "dom-2"));
}
