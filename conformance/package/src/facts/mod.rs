//! Structures as text that a person can read and compare. The same text is committed for what is built in, packed into the
//! program, and written to the cache of packages that are loaded.
//!
//! ```text
//! structure http://hl7.org/fhir/us/core/StructureDefinition/us-core-race
//!   version 9.0.0
//!   name USCoreRaceExtension
//!   kind complex
//!   type Extension
//!   base Extension
//!   context element Patient
//! differential
//!   Extension.extension 1..
//!     slicing open
//!       by value url
//!   Extension.extension:ombCategory 0..6 must-support
//!     type Extension
//! ```
//!
//! A canonical without a colon is a structure of the specification: `Extension` is
//! `http://hl7.org/fhir/StructureDefinition/Extension`. What stands as it was written begins with `=`.

mod parse;
mod print;
mod words;

pub use parse::{ParseError, parse};
pub use print::print;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails")]

    use super::{parse, print};
    use crate::draft;

    const EVERYTHING: &str = r##"{
        "resourceType": "StructureDefinition", "url": "http://example.org/x", "version": "1.0", "name": "X",
        "status": "draft", "fhirVersion": "5.0.0", "kind": "resource", "abstract": true, "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation", "derivation": "constraint",
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/version-specific-use",
            "extension": [{"url": "startFhirVersion", "valueCode": "4.0"}, {"url": "endFhirVersion", "valueCode": "4.3"}]},
            {"url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile",
            "valueCanonical": "http://example.org/other|2"}],
        "context": [{"type": "element", "expression": "Patient", "extension": [{"url":
            "http://hl7.org/fhir/StructureDefinition/version-specific-use", "extension": [{"url": "startFhirVersion",
            "valueCode": "5.0"}]}]}, {"type": "fhirpath", "expression": "a.b or c"}],
        "contextInvariant": ["a\nor b\\c"],
        "snapshot": {"element": [{"id": "Observation", "path": "Observation", "min": 0, "max": "*",
            "base": {"path": "Observation", "min": 0, "max": "*"}}]},
        "differential": {"element": [
            {"id": "Observation.code", "path": "Observation.code", "min": 1, "mustSupport": true, "isModifier": false,
             "patternCodeableConcept": {"coding": [ {"code": "a \" b", "system": "s"} ]},
             "binding": {"strength": "extensible", "valueSet": "http://example.org/vs|1", "additional": [
                {"purpose": "maximum", "valueSet": "http://example.org/max", "any": true, "usage": [{"code": {"code": "x"}}]}]},
             "constraint": [{"key": "x-1", "severity": "warning", "human": "two\nlines", "expression": "a = 'b c'",
                "source": "Observation"},
                {"key": "x-2", "severity": "error", "human": "only words"}]},
            {"id": "Observation.value[x]:valueQuantity", "path": "Observation.valueQuantity", "max": "0",
             "maxLength": 7, "mustHaveValue": true, "valueAlternatives": ["http://example.org/alt"],
             "minValueDecimal": 1.50, "maxValueDecimal": 2e3, "fixedUri": "http://x"},
            {"id": "Observation.subject", "path": "Observation.subject", "contentReference": "#Observation.x",
             "type": [{"code": "Reference", "profile": ["relative"], "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient",
                "http://example.org/p|2"], "aggregation": ["bundled"], "versioning": "either"}, {"code": "canonical"}]},
            {"path": "Observation.category", "slicing": {"ordered": true, "rules": "closed", "discriminator": [
                {"type": "pattern", "path": "$this"}, {"type": "value", "path": "extension('a b').value"}]}}
        ]}}"##;

    #[test]
    fn what_is_printed_is_parsed_back() {
        let mut draft = draft::read(EVERYTHING.as_bytes()).unwrap();
        crate::snapshot::identify(&mut draft.snapshot);
        crate::snapshot::identify(&mut draft.differential);
        let text = print(&draft);
        assert_eq!(parse(&text).unwrap(), draft, "{text}");
    }

    #[test]
    fn a_line_that_says_nothing_we_know_is_named() {
        let error = parse("structure http://x\n  colour red\n").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(parse("").is_err());
    }
}
