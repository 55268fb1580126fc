//! The value sets that built-in guides publish are those that the terminology knows.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeSet;

use fhir::{ResourceType, Version};
use package::Registry;
use terminology::{Coding, Membership, Terminology, Why};

/// Packages whose value sets the terminology has: all of what they demand is known, but for what they import from elsewhere.
const WHOLE: [&str; 1] = ["hl7.fhir.us.core"];

#[test]
fn every_value_set_that_a_built_in_guide_publishes_and_demands_is_known_in_its_version() {
    let (registry, terminology) = (Registry::built_in(Version::R4), Terminology::of(Version::R4));
    let (mut demanded, mut unknown) = (0, BTreeSet::new());
    let artefacts = registry.artefacts(ResourceType::STRUCTURE_DEFINITION);
    for artefact in artefacts.filter(|artefact| artefact.package().is_some_and(|(name, _)| WHOLE.contains(&name))) {
        let canonical = format!("{}|{}", artefact.url(), artefact.effective_version().unwrap());
        let structure = registry.structure(&canonical).unwrap();
        let bindings = structure.elements.iter().filter_map(|element| element.binding.as_ref());
        for value_set in bindings.filter_map(|binding| binding.value_set.as_deref()) {
            let is_its_own = value_set.starts_with("http://hl7.org/fhir/us/core/");
            let coding = Coding { system: Some("http://nowhere.example"), version: None, code: "x", display: None };
            demanded += u32::from(is_its_own);
            match terminology.member(value_set, coding) {
                Membership::Unknown(Why::ValueSet(missing)) if is_its_own && missing == value_set => {
                    unknown.insert(value_set.to_owned());
                }
                _ => {}
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(demanded > 100, "{demanded}");
}
