//! Bytes from outside may be anything.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::Version;
use fhir::json::{Fault, Limits, scan};
use profile::{Bounds, Scratch};
use proptest::prelude::*;

const SAMPLES: [&[u8]; 2] =
    [include_bytes!("../benches/samples/patient.json"), include_bytes!("../benches/samples/appointment.json")];

/// Pieces that are likely to meet a branch.
const PIECES: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-",
    "1e9",
    "\\ud800",
    "\\u0069",
    "\"id\":",
    "\"_id\":{}",
    "\"resourceType\":\"Patient\"",
    "\"contained\":[",
    "\"#\"",
    "é",
    "\u{0}",
    "<div>",
];

/// A change of a text: at a place, so many bytes go, and a piece comes.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, usize)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, 0..PIECES.len()), 1..6)
}

fn changed(bytes: &[u8], edits: &[(prop::sample::Index, usize, usize)]) -> Vec<u8> {
    edits.iter().fold(bytes.to_vec(), |mut text, (place, cut, piece)| {
        if text.is_empty() {
            return text;
        }
        let start = place.index(text.len());
        let end = (start + cut).min(text.len());
        text.splice(start..end, PIECES[*piece].bytes());
        text
    })
}

/// Nodes that end behind the text, or siblings that go back, would mislead every later stage.
fn assert_sound(bytes: &[u8], nodes: &[fhir::json::Node]) {
    for (index, node) in nodes.iter().enumerate() {
        assert!(node.start <= node.end && node.end as usize <= bytes.len());
        assert!(node.after as usize > index && node.after as usize <= nodes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_resource_never_panics_and_leaves_sound_nodes(sample in 0..SAMPLES.len(), edits in edits()) {
        let bytes = changed(SAMPLES[sample], &edits);
        let mut scratch = Scratch::default();
        for version in Version::ALL {
            let is_valid = profile::scan(&bytes, version, None, Bounds::default(), &mut scratch);
            assert_sound(&bytes, scratch.nodes());
            let outcome = profile::explain(&bytes, version, None, &scratch);
            prop_assert_eq!(is_valid, !outcome.has_errors());
        }
    }

    #[test]
    fn the_untyped_scan_agrees_with_serde_json(sample in 0..SAMPLES.len(), edits in edits()) {
        let bytes = changed(SAMPLES[sample], &edits);
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        // A number that no f64 holds is JSON nevertheless; serde_json stops there and says nothing about the rest.
        prop_assume!(!matches!(&theirs, Err(error) if error.to_string().starts_with("number out of range")));
        match scan(&bytes, &mut Vec::new(), Limits::default()).map_err(|error| error.fault) {
            // Stricter than JSON: names once, half of a pair never.
            Err(Fault::DuplicateName | Fault::LoneSurrogate) => {}
            ours => prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", String::from_utf8_lossy(&bytes)),
        }
    }

    #[test]
    fn what_the_typed_scan_accepts_the_untyped_one_accepts_too(sample in 0..SAMPLES.len(), edits in edits()) {
        let bytes = changed(SAMPLES[sample], &edits);
        if profile::check(&bytes, Version::R4, None).is_ok() {
            let mut nodes = Vec::new();
            prop_assert!(scan(&bytes, &mut nodes, Limits::default()).is_ok());
            let typed = profile::check(&bytes, Version::R4, None).unwrap();
            prop_assert_eq!(typed.len(), nodes.len());
            for (typed, untyped) in typed.iter().zip(&nodes) {
                prop_assert_eq!((typed.start, typed.end, typed.after, typed.kind), (untyped.start, untyped.end, untyped.after, untyped.kind));
            }
        }
    }

    #[test]
    fn any_bytes_at_all_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = profile::validate(&bytes, Version::R4, None);
        let _ = scan(&bytes, &mut Vec::new(), Limits::default());
    }
}

#[test]
fn depth_and_width_cannot_exhaust_the_stack_or_the_clock() {
    let nested = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    let texts = [
        nested("[", "]", 200_000),
        nested(r#"{"resourceType":"Bundle","entry":[{"resource":"#, "}]}", 20_000),
        nested(r#"{"resourceType":"Patient","contained":["#, "]}", 20_000),
        format!(r#"{{"resourceType":"Patient",{}}}"#, nested(r#""extension":[{"url":"a:b","#, "}]", 20_000)),
        format!(r#"{{"resourceType":"Patient","name":[{{"given":[{}"a"]}}]}}"#, "null,".repeat(200_000)),
        format!(r#"{{"resourceType":"Patient",{}"active":true}}"#, "\"id\":\"a\",".repeat(100_000)),
        format!(
            r#"{{"resourceType":"Patient","contained":[{}{{}}]}}"#,
            r##"{"resourceType":"Basic","id":"a","code":{"text":"#a"}},"##.repeat(30_000)
        ),
    ];
    let started = std::time::Instant::now();
    for text in texts {
        assert!(profile::validate(text.as_bytes(), Version::R4, None).has_errors());
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "took {:?}", started.elapsed());
}
