//! The official examples of R4B and R5, beside those of R4 that `FRONTDESK_EXAMPLES` names. `examples/*.tsv` lists those that break
//! the specification: name, where, and what they break. Most are of two families: R4B's own code systems and value sets claim
//! `shareablecodesystem` and `shareablevalueset` and lack the publisher or description that these ask for; R5's questionnaires
//! that were generated from its definitions use link ids twice (que-2). The others are less than two in a hundred.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use fhir::{Severity, Version};

#[test]
fn every_example_of_r4b_is_accepted_but_those_that_break_a_clause() {
    compare("r4b", Version::R4B, include_str!("examples/r4b.tsv"));
}

#[test]
fn every_example_of_r5_is_accepted_but_those_that_break_a_clause() {
    compare("r5", Version::R5, include_str!("examples/r5.tsv"));
}

fn compare(release: &str, version: Version, listed: &str) {
    let Some(files) = examples(release) else { return };
    let listed: BTreeMap<&str, &str> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    let family = listed.iter().filter(|(name, broken)| is_of_a_family(name, broken)).count();
    let share = (listed.len() - family) as f64 / files.len() as f64;
    eprintln!("{release}: {} of {} refused, {family} of a family, {share:.4} others", listed.len(), files.len());
    assert!(share < 0.02, "{share}");
    let wrong: Vec<String> = files.iter().filter_map(|file| surprise(file, version, &listed)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn is_of_a_family(name: &str, broken: &str) -> bool {
    name.starts_with("Questionnaire-qgen-") || broken.contains("\tclaims shareable")
}

/// The examples, or none where they are not installed.
fn examples(release: &str) -> Option<Vec<PathBuf>> {
    let Some(of_r4) = env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from) else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "FRONTDESK_EXAMPLES is not set");
        eprintln!(
            "SKIPPED: set FRONTDESK_EXAMPLES to the folder of hl7.fhir.r4.examples, beside which those of {release} lie"
        );
        return None;
    };
    let folder = of_r4.with_file_name(format!("hl7.fhir.{release}.examples"));
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder };
    if !folder.is_dir() {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "expected {}", folder.display());
        eprintln!("SKIPPED: no {}", folder.display());
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| is_example(file));
    assert!(files.len() > 1_000, "expected the examples in {}", folder.display());
    Some(files)
}

fn is_example(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".json") && name != "package.json" && !name.starts_with('.')
}

/// What is said about an example that should not be, or is not said that should.
fn surprise(file: &Path, version: Version, listed: &BTreeMap<&str, &str>) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy().into_owned();
    let outcome = profile::validate(&std::fs::read(file).ok()?, version, None);
    let first = outcome.0.iter().find(|issue| issue.severity >= Severity::Error);
    let found = first.map(|issue| issue.expression.as_deref().unwrap_or_default());
    let expected = listed.get(stem.as_str()).map(|broken| broken.split('\t').next().unwrap_or_default());
    (found != expected)
        .then(|| format!("{stem}: expected {expected:?}, found {found:?}: {:?}", first.map(|issue| &issue.text)))
}
