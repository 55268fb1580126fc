//! Resources in XML: one outcome for the syntax and for the rules, in places of the XML.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::outcome::Position;
use fhir::{IssueType, Version};

#[test]
fn an_xml_resource_is_judged_by_the_same_rules_at_its_own_lines() {
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <nickname value=\"x\"/>\n  <active value=\"yes\"/>\n  <gender value=\"ä\"/>\n  <birthDate\n    value=\"2020-13-01\"/>\n  <link>\n    <other><reference value=\"Patient/1\"/></other>\n  </link>\n</Patient>";
    let outcome = profile::validate(xml.as_bytes(), Version::R4, None);
    let found: Vec<_> = outcome
        .0
        .iter()
        .map(|issue| (issue.expression.as_deref().unwrap(), issue.code, issue.position.unwrap()))
        .collect();
    let at = |line, column| Position { line, column };
    assert_eq!(
        found,
        [
            ("Patient.nickname", IssueType::Structure, at(2, 3)),
            ("Patient.active", IssueType::Value, at(3, 3)),
            ("Patient.gender", IssueType::CodeInvalid, at(4, 3)),
            ("Patient.birthDate", IssueType::Value, at(5, 3)),
            ("Patient.link[0].type", IssueType::Required, at(7, 3)),
        ]
    );
}

#[test]
fn a_valid_xml_resource_has_no_issues() {
    let xml = "\u{FEFF}\n<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/></Patient>";
    assert!(profile::validate(xml.as_bytes(), Version::R4, None).0.is_empty());
}

/// Of the official examples; see `examples.rs` on `FRONTDESK_EXAMPLES`.
#[test]
fn an_example_in_xml_is_judged_as_it_is_in_json() {
    let Some(folder) = std::env::var_os("FRONTDESK_EXAMPLES").map(std::path::PathBuf::from) else { return };
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let limits = xml::Limits { values: u32::MAX, ..xml::Limits::default() };
    let mut compared = 0;
    // A part of them, because each is judged twice.
    for file in files.iter().step_by(4) {
        let json = std::fs::read(file).unwrap();
        if json.len() > 1_000_000 {
            continue;
        }
        let Ok(xml) = xml::from_json(&json, Version::R4, limits) else { continue };
        let expressions = |text: &[u8]| {
            let outcome = profile::validate(text, Version::R4, None);
            let mut all: Vec<_> = outcome.0.into_iter().map(|issue| (issue.expression, issue.code.code())).collect();
            all.sort();
            all
        };
        assert_eq!(expressions(&xml), expressions(&json), "{}", file.display());
        compared += 1;
    }
    assert!(compared > 1_000, "{compared} compared");
}
