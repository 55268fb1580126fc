//! The value sets that built-in profiles bind to are those that the terminology knows.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeSet;

use fhir::{ResourceType, Version};
use package::{Registry, Strength};
use terminology::{Coding, Membership, Terminology, Why};

/// Where the value sets lie that no package here holds: a licence server, and a guide that is on no registry.
const ELSEWHERE: [&str; 2] = ["http://cts.nlm.nih.gov/fhir/ValueSet/", "http://terminology.hl7.org/ValueSet/"];

#[test]
fn every_value_set_that_a_built_in_profile_demands_is_known_or_lies_elsewhere() {
    let mut unknown = BTreeSet::new();
    for version in Version::ALL {
        let (registry, terminology) = (Registry::built_in(version), Terminology::of(version));
        for artefact in registry.artefacts(ResourceType::STRUCTURE_DEFINITION) {
            let canonical = format!("{}|{}", artefact.url(), artefact.effective_version().unwrap());
            let structure = registry.structure(&canonical).unwrap();
            for binding in structure.elements.iter().filter_map(|element| element.binding.as_ref()) {
                let Some(value_set) = binding.value_set.as_deref() else { continue };
                let coding = Coding { system: Some("http://nowhere.example"), version: None, code: "x", display: None };
                let member = terminology.member(value_set, coding);
                if binding.strength == Strength::Required && matches!(member, Membership::Unknown(Why::ValueSet(_))) {
                    unknown.insert(format!("{version} {value_set}"));
                }
            }
        }
    }
    println!("{unknown:#?}");
    unknown.retain(|known| !ELSEWHERE.iter().any(|elsewhere| known.contains(elsewhere)));
    assert!(unknown.is_empty(), "{unknown:#?}");
}
