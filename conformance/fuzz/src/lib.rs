//! What must hold for every input. A target panics when it does not; that a target comes back at all is the rest.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

use fhir::json::{self, Document, Node, scan};
use fhir::{ResourceType, Version};
use fhirpath::{Environment, Program};
use package::{Archive, Bounds, Package, Registry};
use profile::Scratch;

/// A target by its name.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 4] = [("json", json), ("xml", xml), ("fhirpath", fhirpath), ("package", package)];

/// Bytes as a resource in JSON: nodes are sound, and what the typed scan takes the untyped one takes.
pub fn json(data: &[u8]) {
    let mut untyped = Vec::new();
    let is_json = scan(data, &mut untyped, json::Limits::default()).is_ok();
    let mut scratch = Scratch::default();
    for version in [Version::R4, Version::R5] {
        let is_valid = profile::scan(data, version, None, profile::Bounds::default(), &mut scratch);
        check_nodes(data, scratch.nodes());
        assert!(is_json || !is_valid, "a valid resource is no JSON");
        let outcome = profile::explain(data, version, None, &scratch);
        assert!(outcome.has_errors() != is_valid, "findings and issues differ");
    }
    let outcome = profile::validate(data, Version::R4, None);
    assert!(scan(&outcome.to_json(), &mut untyped, json::Limits::default()).is_ok(), "an outcome is no JSON");
}

/// Bytes as a resource in XML: what is read is JSON, and what is taken comes back as it was.
pub fn xml(data: &[u8]) {
    let limits = xml::Limits::default();
    let reading = xml::read(data, Version::R4, limits);
    let mut nodes = Vec::new();
    if !reading.json.is_empty() {
        assert!(scan(&reading.json, &mut nodes, json::Limits::default()).is_ok(), "what was read is no JSON");
    }
    if reading.issues.is_empty() {
        let Ok(xml) = xml::from_json(&reading.json, Version::R4, limits) else {
            unreachable!("what was read cannot be written")
        };
        assert!(xml::to_json(&xml, Version::R4, limits) == Ok(reading.json), "what was written reads otherwise");
    }
    // The same bytes as JSON on its way to XML.
    if let Ok(xml) = xml::from_json(data, Version::R4, limits) {
        assert!(xml::to_json(&xml, Version::R4, limits).is_ok(), "what was written cannot be read");
    }
    let _ = profile::validate(data, Version::R4, None);
}

/// The document that an expression runs over when the input has none.
const DOCUMENT: &[u8] = br#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"F","given":["A","B"]}],"birthDate":"2020-02-29","multipleBirthInteger":3,"extension":[{"url":"a:b","valueQuantity":{"value":1.50,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}]}"#;

/// An expression, and behind a line break a document to run it over: it ends, with a result or an error.
pub fn fhirpath(data: &[u8]) {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (expression, document) = data.split_at(split);
    let Ok(expression) = std::str::from_utf8(expression) else { return };
    let document = document.get(1..).filter(|document| !document.is_empty()).unwrap_or(DOCUMENT);
    let Ok(program) = Program::compile(expression, Version::R4) else { return };
    let mut scratch = Scratch::default();
    profile::scan(document, Version::R4, None, profile::Bounds::default(), &mut scratch);
    if scratch.nodes().is_empty() {
        return;
    }
    let environment = Environment { step_limit: 20_000, ..Environment::new(Document::new(document, scratch.nodes())) };
    let _ = program.evaluate(&environment);
}

/// A package as it is fetched, or the tar in it: it is read within bounds, and its structures come to their snapshots or not.
pub fn package(data: &[u8]) {
    let is_packed = data.starts_with(&[0x1F, 0x8B]);
    let packed = if is_packed { data.to_vec() } else { packed(data) };
    let Ok(archive) = Archive::read(&packed, Bounds::default()) else { return };
    let (package, _) = Package::of(archive);
    let urls: Vec<_> = package.artefacts().iter().map(|artefact| artefact.url().to_owned()).collect();
    let registry = Registry::built_in(Version::R4).with_packages([package]);
    for url in urls.iter().take(20) {
        let _ = registry.try_structure(url);
        let _ = registry.json(ResourceType::VALUE_SET, url);
    }
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(tar);
    encoder.finish().unwrap_or_default()
}

/// Nodes that end behind the text, or siblings that go back, would mislead every later stage.
fn check_nodes(bytes: &[u8], nodes: &[Node]) {
    for (index, node) in nodes.iter().enumerate() {
        assert!(node.start <= node.end && node.end as usize <= bytes.len(), "a node ends behind the text");
        assert!(node.after as usize > index && node.after as usize <= nodes.len(), "a sibling goes back");
    }
}
