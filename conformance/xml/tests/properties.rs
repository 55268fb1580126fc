//! What holds for every resource and for every text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails")]

mod made;
mod same;

use fhir::Version;
use fhir::json::{self, scan};
use proptest::prelude::*;
use xml::{Limits, from_json, read, to_json};

const SAMPLE: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <id value="p"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a<b title="c">&lt;</b></div></text>
  <contained><Basic><id value="b"/></Basic></contained>
  <extension url="a:b"><valueDecimal value="1.50"/></extension>
  <name id="n"><family value="&#xFC;&amp;"/><given value="A"/><given><extension url="a:b"><valueCode value="x"/></extension></given></name>
  <birthDate id="b" value="2020-01-01"/><deceasedBoolean value="false"/>
  <managingOrganization><reference value="#b"/></managingOrganization>
</Patient>"##;

/// Pieces that are likely to meet a branch.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "/>",
    "</",
    "\"",
    "'",
    "=",
    "&",
    ";",
    "&#1;",
    "&lt;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?",
    "<!DOCTYPE a",
    " value=\"1\"",
    " xmlns=\"\"",
    " xmlns:f=\"http://hl7.org/fhir\"",
    "f:",
    "\u{0}",
    "é",
    "<given value=\"B\"/>",
];

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, usize)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, 0..PIECES.len()), 1..5)
}

fn changed(text: &str, edits: &[(prop::sample::Index, usize, usize)]) -> Vec<u8> {
    edits.iter().fold(text.as_bytes().to_vec(), |mut text, (place, cut, piece)| {
        let start = place.index(text.len());
        let end = (start + cut).min(text.len());
        text.splice(start..end, PIECES[*piece].bytes());
        text.push(b' ');
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_to_xml_to_json_is_the_identity(seed in any::<u64>(), release in 0..3_usize) {
        let version = Version::ALL[release];
        let json = made::Maker::new(version, seed).resource();
        let xml = from_json(json.as_bytes(), version, Limits::default());
        let xml = xml.unwrap_or_else(|outcome| panic!("{json}: {:?} {}", outcome.0[0], outcome.0[0].text));
        let back = to_json(&xml, version, Limits::default());
        let back = back.unwrap_or_else(|outcome| panic!("{}: {:?} {}", String::from_utf8_lossy(&xml), outcome.0[0], outcome.0[0].text));
        prop_assert_eq!(same::difference(json.as_bytes(), &back), None, "{}\n{}", json, String::from_utf8_lossy(&back));
        // And XML -> JSON -> XML, byte for byte.
        prop_assert_eq!(from_json(&back, version, Limits::default()).unwrap(), xml);
    }

    #[test]
    fn what_is_read_from_a_changed_text_is_json_and_what_is_taken_can_be_written(edits in edits()) {
        let xml = changed(SAMPLE, &edits);
        let reading = read(&xml, Version::R4, Limits::default());
        if !reading.json.is_empty() {
            let mut nodes = Vec::new();
            prop_assert!(scan(&reading.json, &mut nodes, json::Limits::default()).is_ok(), "{}", String::from_utf8_lossy(&reading.json));
            for node in nodes {
                prop_assert!(reading.positions.in_xml(node.start as usize) < xml.len());
            }
        }
        if reading.issues.is_empty() {
            let written = from_json(&reading.json, Version::R4, Limits::default());
            prop_assert!(written.is_ok(), "{:?} {}", written.unwrap_err().0[0].text, String::from_utf8_lossy(&xml));
            prop_assert_eq!(to_json(&written.unwrap(), Version::R4, Limits::default()).unwrap(), reading.json);
        }
    }

    #[test]
    fn any_bytes_at_all_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let reading = read(&bytes, Version::R4, Limits::default());
        prop_assert!(!reading.issues.is_empty());
        prop_assert!(from_json(&bytes, Version::R4, Limits::default()).is_err());
    }
}
