//! Search by the rules of FHIR R4 search.html.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

mod added;
mod examples;
mod expressions;
mod extraction;
mod hostile;
mod matching;
mod queries;
mod support;
