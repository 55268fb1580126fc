//! JSON -> XML -> JSON on the official examples of R4, R4B and R5. They are not part of this repository: `FRONTDESK_EXAMPLES`
//! names the folder of the unpacked npm package `hl7.fhir.r4.examples`; those of R4B and R5 are looked for beside it. Without it
//! the test says so and passes; with `CI=true` it fails.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod same;

use std::env;
use std::path::{Path, PathBuf};

use fhir::Version;
use xml::Limits;

const LIMITS: Limits = Limits { depth: 100, values: u32::MAX, issues: 100 };

/// Examples that have no XML: where, and why.
const REFUSED: [(&str, &str); 0] = [];

#[test]
fn json_to_xml_to_json_is_the_identity_on_the_examples_of_r4() {
    round_trip("r4", Version::R4);
}

#[test]
fn json_to_xml_to_json_is_the_identity_on_the_examples_of_r4b() {
    round_trip("r4b", Version::R4B);
}

#[test]
fn json_to_xml_to_json_is_the_identity_on_the_examples_of_r5() {
    round_trip("r5", Version::R5);
}

fn round_trip(release: &str, version: Version) {
    let Some(files) = examples(release) else { return };
    let (mut wrong, mut converted) = (Vec::new(), 0);
    for file in &files {
        match surprise(file, version) {
            Some(surprise) => wrong.push(surprise),
            None => converted += 1,
        }
    }
    eprintln!("{version}: {converted} of {} examples came back as they were", files.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn examples(release: &str) -> Option<Vec<PathBuf>> {
    let Some(folder) = env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from) else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "FRONTDESK_EXAMPLES is not set");
        eprintln!(
            "SKIPPED: set FRONTDESK_EXAMPLES to the folder of hl7.fhir.r4.examples to convert the official examples"
        );
        return None;
    };
    let folder = folder.with_file_name(format!("hl7.fhir.{release}.examples"));
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder };
    if !folder.is_dir() {
        assert!(release != "r4", "expected the examples in {}", folder.display());
        eprintln!("SKIPPED: no examples of {release} beside those of r4");
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| is_example(file));
    files.sort();
    assert!(files.len() > 1_000, "expected the examples in {}", folder.display());
    Some(files)
}

fn is_example(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".json") && name != "package.json" && !name.starts_with('.')
}

fn surprise(file: &Path, version: Version) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy().into_owned();
    let json = std::fs::read(file).ok()?;
    let said = |step: &str, outcome: &fhir::Outcome| {
        let issue = outcome.0.first()?;
        Some((issue.expression.clone().unwrap_or_default(), format!("{stem}: {step}: {issue:?}: {}", issue.text)))
    };
    let expected = REFUSED.iter().find(|(name, _)| *name == stem).map(|(_, expression)| *expression);
    match xml::from_json(&json, version, LIMITS) {
        Err(outcome) => {
            let (expression, text) = said("to XML", &outcome)?;
            (expected != Some(&expression)).then_some(text)
        }
        Ok(_) if expected.is_some() => Some(format!("{stem}: expected to be refused")),
        Ok(xml) => match xml::to_json(&xml, version, LIMITS) {
            Err(outcome) => said("from XML", &outcome).map(|(_, text)| text),
            Ok(back) => same::difference(&json, &back).map(|place| format!("{stem}: another value at {place}")),
        },
    }
}
