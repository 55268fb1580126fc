//! The kind `process`: the example in Python keeps the contract, and processes that misbehave do no harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test sets up itself is there, or the test ends")]

mod contract;
mod faults;
#[allow(dead_code, reason = "shared with the tests of `fhir-rest`")]
#[path = "../../../fhir-rest/tests/rest/raw.rs"]
mod raw;
mod schema;
mod socket;
mod support;
