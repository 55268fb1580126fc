//! `fhir-rest` before a FHIR server in this process, and before servers that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test sets up itself is there, or the test ends")]

mod authorization;
mod confinement;
mod contract;
mod faults;
mod http2;
mod metadata;
mod raw;
mod retry;
mod rewriting;
mod server;
mod support;
mod tls;
