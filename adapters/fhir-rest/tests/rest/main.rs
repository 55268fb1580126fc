//! `fhir-rest` before a FHIR server in this process, and before servers that misbehave.

mod authorization;
mod confinement;
mod contract;
mod faults;
mod metadata;
mod raw;
mod retry;
mod rewriting;
mod server;
mod support;
mod tls;
