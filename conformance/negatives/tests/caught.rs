//! Every rule of the resources of a practice: broken once, and caught at the right place. The official examples are not part of
//! this repository: `FRONTDESK_EXAMPLES` names the folder of the unpacked npm package `hl7.fhir.r4.examples`. Without it instances
//! are made for every rule.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::env;
use std::path::PathBuf;

use fhir::Version;
use negatives::Trial;

const TYPES: [&str; 8] =
    ["Patient", "Practitioner", "PractitionerRole", "Appointment", "Slot", "Schedule", "Coverage", "Claim"];

/// Official examples that are not valid, and why.
const REFUSED: [(&str, &str); 1] = [(
    "Patient-patient-example-sex-and-gender",
    "its recordedSexOrGender has a CodeableReference, the published extension a CodeableConcept or Reference",
)];

#[test]
fn every_rule_of_r4_is_caught_when_it_is_broken() {
    every_rule("r4", Version::R4);
}

#[test]
fn every_rule_of_r4b_is_caught_when_it_is_broken() {
    every_rule("r4b", Version::R4B);
}

#[test]
fn every_rule_of_r5_is_caught_when_it_is_broken() {
    every_rule("r5", Version::R5);
}

fn every_rule(release: &str, version: Version) {
    let validate = |bytes: &[u8]| profile::validate(bytes, version, None);
    let mut wrong = Vec::new();
    for type_name in TYPES {
        let examples = examples(release, type_name);
        let coverage = Trial::of(version, type_name, &validate).run(&examples);
        eprintln!("{version} {type_name}, {} examples\n{coverage}", examples.len());
        let refused =
            coverage.refused.iter().filter(|refused| !REFUSED.iter().any(|(name, _)| refused.starts_with(name)));
        wrong.extend(refused.map(|refused| format!("{type_name}: refused as it is: {refused}")));
        wrong.extend(coverage.unreached.iter().map(|rule| format!("{type_name}: not reached: {rule}")));
        wrong.extend(coverage.missed.iter().map(|(_, missed)| format!("{type_name}: not caught: {missed}")));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The official examples of a type, by name.
fn examples(release: &str, type_name: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from) else { return Vec::new() };
    let folder = folder.with_file_name(format!("hl7.fhir.{release}.examples"));
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{type_name}-")) && name.ends_with(".json")
    });
    files.sort();
    files
        .iter()
        .map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap()))
        .collect()
}
