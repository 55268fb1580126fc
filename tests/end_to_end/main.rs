//! End to end: the built `frontdesk` as a process of its own, real peers around it, a module per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod audit;
mod back_ends;
mod clients;
mod compartments;
mod console;
mod demo;
mod errors;
mod examples;
mod faults;
mod fhir_client;
mod generated;
mod interactions;
mod issuers;
mod logs;
mod preferences;
mod scene;
mod support;
mod telemetry;
mod tokens;
mod tools;
mod transactions;
mod validation;
