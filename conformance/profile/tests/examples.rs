//! The official examples of R4, R4B and R5. They are not part of this repository: `FRONTDESK_EXAMPLES` names the folder of the
//! unpacked npm package `hl7.fhir.r4.examples`; those of R4B and R5 lie beside it. Without them the tests say so and pass; with
//! `CI=true` they fail.
//!
//! `examples/*.tsv` list those that break the specification: name, where, and the clause. At most one in a hundred may. What a
//! release breaks by the dozen is an erratum in `src/`, and a warning.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fhir::{Issue, Severity, Version};

/// The seconds that the examples of a release may take, in a test build on a busy machine.
const SECONDS: u64 = 240;

#[test]
fn every_official_example_of_r4_is_accepted_but_the_one_in_a_hundred_that_breaks_a_clause() {
    compare("r4", Version::R4, include_str!("examples/r4.tsv"));
}

#[test]
fn every_official_example_of_r4b_is_accepted_but_the_one_in_a_hundred_that_breaks_a_clause() {
    compare("r4b", Version::R4B, include_str!("examples/r4b.tsv"));
}

#[test]
fn every_official_example_of_r5_is_accepted_but_the_one_in_a_hundred_that_breaks_a_clause() {
    compare("r5", Version::R5, include_str!("examples/r5.tsv"));
}

/// An example that is refused: where, and what the text of the first error starts with.
type Listed<'l> = BTreeMap<&'l str, (&'l str, &'l str)>;

fn compare(release: &str, version: Version, list: &str) {
    let Some(files) = examples(release) else { return };
    let listed: Listed<'_> = list.lines().filter_map(listed).collect();
    assert_eq!(listed.len(), list.lines().count(), "expected three columns in each line of examples/{release}.tsv");
    let began = Instant::now();
    let wrong: Vec<String> = files.iter().filter_map(|file| surprise(file, version, &listed)).collect();
    let seconds = began.elapsed().as_secs();
    println!("{release}: {} examples, {} refused, {seconds} s", files.len(), listed.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    assert!(listed.len() * 100 <= files.len(), "{} of {} are more than one in a hundred", listed.len(), files.len());
    assert!(seconds <= SECONDS, "{seconds} s");
}

fn listed(line: &str) -> Option<(&str, (&str, &str))> {
    let (name, rest) = line.split_once('\t')?;
    Some((name, rest.split_once('\t')?))
}

/// The examples, or none where they are not installed.
fn examples(release: &str) -> Option<Vec<PathBuf>> {
    let folder = folder(release);
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "no examples of {release} at FRONTDESK_EXAMPLES");
        eprintln!(
            "SKIPPED: set FRONTDESK_EXAMPLES to the folder of hl7.fhir.r4.examples, beside which that of {release} lies"
        );
        return None;
    };
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| is_example(file));
    assert!(files.len() > 1_000, "expected the examples in {}", folder.display());
    Some(files)
}

/// A package lies in a folder of its own name, or in that of its release, with its files in it or one deeper.
fn folder(release: &str) -> Option<PathBuf> {
    let of_r4 = env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from)?;
    let of_r4 = if of_r4.ends_with("package") { of_r4.parent()?.to_path_buf() } else { of_r4 };
    let name = of_r4.file_name()?.to_string_lossy().replace("r4", release);
    let folder = of_r4.with_file_name(name);
    Some(if folder.join("package").is_dir() { folder.join("package") } else { folder })
}

fn is_example(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".json") && name != "package.json" && !name.starts_with('.')
}

/// What is said about an example that should not be, or is not said that should.
fn surprise(file: &Path, version: Version, listed: &Listed<'_>) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy().into_owned();
    let outcome = profile::validate(&std::fs::read(file).ok()?, version, None);
    let first = outcome.0.iter().find(|issue| issue.severity >= Severity::Error);
    let expected = listed.get(stem.as_str());
    let is_expected = match (first, expected) {
        (None, None) => true,
        (Some(issue), Some((at, clause))) => at_of(issue) == *at && issue.text.starts_with(clause),
        _ => false,
    };
    (!is_expected).then(|| {
        let (at, text) = first.map_or(("", ""), |issue| (at_of(issue), &issue.text));
        format!("{stem}\t{at}\t{text}\n    expected {expected:?}")
    })
}

fn at_of(issue: &Issue) -> &str {
    issue.expression.as_deref().unwrap_or_default()
}
