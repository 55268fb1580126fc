//! What codes become by concept maps.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::Version;
use terminology::Terminology;

const USE: &str = "http://hl7.org/fhir/ConceptMap/cm-address-use-v2";

fn targets(terminology: &Terminology, map: &str, system: Option<&str>, code: &str) -> Option<Vec<(String, String)>> {
    let found = terminology.translate(map, system, code)?;
    Some(found.into_iter().map(|it| (it.code.to_owned(), it.relationship.to_owned())).collect())
}

fn one(code: &str, relationship: &str) -> Option<Vec<(String, String)>> {
    Some(vec![(code.to_owned(), relationship.to_owned())])
}

#[test]
fn the_maps_of_each_release_are_known_in_its_words() {
    let (r4, r5) = (Terminology::of(Version::R4), Terminology::of(Version::R5));
    assert_eq!(targets(&r5, USE, None, "old"), one("BA", "source-is-broader-than-target"));
    assert_eq!(targets(&r4, USE, Some("http://hl7.org/fhir/address-use"), "home"), one("H", "equivalent"));
    assert_eq!(targets(&r5, &format!("{USE}|5.0.0"), None, "home"), one("H", "equivalent"));
    assert_eq!(targets(&r5, USE, Some("http://other.example"), "home"), Some(Vec::new()));
    assert_eq!(targets(&r5, USE, None, "nothing"), Some(Vec::new()));
    assert_eq!(targets(&r5, "http://nobody.example/map", None, "home"), None);
}

#[test]
fn an_added_map_hides_the_one_that_was_there_and_unmatched_codes_become_nothing() {
    let map = format!(
        r#"{{"resourceType":"ConceptMap","url":"{USE}","group":[{{"source":"urn:a|1","target":"urn:b","element":[
            {{"code":"x","target":[{{"code":"y","equivalence":"wider"}},{{"code":"z","equivalence":"unmatched"}}]}},
            {{"code":"w","target":[{{"equivalence":"unmatched"}}]}}]}}]}}"#
    );
    let with_map = Terminology::of(Version::R4).with([map.as_bytes()]).unwrap();
    assert_eq!(targets(&with_map, USE, Some("urn:a"), "x"), one("y", "wider"));
    assert_eq!(targets(&with_map, USE, None, "w"), Some(Vec::new()));
    assert_eq!(targets(&with_map, USE, None, "home"), Some(Vec::new()));
}

#[test]
fn a_map_without_code_systems_is_read_as_well() {
    let map = "http://cds-hooks.hl7.org/ConceptMap/indicator-to-request-priority";
    assert_eq!(targets(&Terminology::of(Version::R5), map, None, "info"), one("routine", "equivalent"));
}
