//! The kind `http` before a JSON API in Python that knows nothing of FHIR, and before APIs that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test sets up itself is there, or the test ends")]

mod api;
mod authorization;
mod contract;
mod faults;
mod mapping;
#[allow(dead_code, reason = "shared with the tests of `fhir-rest`")]
#[path = "../../../fhir-rest/tests/rest/raw.rs"]
mod raw;
