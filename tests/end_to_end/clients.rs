//! Client libraries of others, unmodified: each creates, reads, searches, pages and changes what it made.

use std::path::Path;
use std::process::Command;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::{peers, repository};

/// Runs a script of `tests/peers` with a library's name, a base and a token; it prints `done` at its end.
fn ends_well(program: &Path, script: &str, library: &str) {
    let site = Site::on_store();
    let gateway = site.serve();
    let token = gateway.http(&site, EVERYTHING).token.unwrap();
    let mut command = Command::new(program);
    command.arg(repository().join("tests/peers").join(script)).arg(library).arg(&gateway.base).arg(&token);
    let output = command.env("FRONTDESK_PEERS", peers::folder()).output().unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.trim() == "done", "{library}:\n{printed}\n{errors}");
}

#[tokio::test]
async fn fhir_kit_client_of_npm_creates_reads_searches_pages_patches_and_deletes() {
    ends_well(Path::new("node"), "clients.mjs", "fhir-kit-client");
}

#[tokio::test]
async fn fhirclient_of_npm_creates_reads_searches_pages_patches_and_deletes() {
    ends_well(Path::new("node"), "clients.mjs", "fhirclient");
}

#[tokio::test]
async fn fhirclient_of_pypi_creates_reads_searches_pages_updates_and_deletes() {
    ends_well(&peers::folder().join("python/bin/python"), "clients.py", "fhirclient");
}

#[tokio::test]
async fn fhirpy_of_pypi_creates_reads_searches_pages_patches_and_deletes() {
    ends_well(&peers::folder().join("python/bin/python"), "clients.py", "fhirpy");
}
