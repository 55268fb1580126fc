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
