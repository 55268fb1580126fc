//! Rules of the base specification that are no matter of one object's structure.

mod bundle;
mod datatypes;
mod definitions;
mod maps;
mod narratives;
mod profiles;
mod questionnaires;
mod responses;
mod supporting;
mod systems;

use fhir::{Severity, Version};

/// Text and expression of each error.
fn errors(text: &str, version: Version) -> Vec<(String, String)> {
    let outcome = profile::validate(text.as_bytes(), version, None);
    let errors = outcome.0.into_iter().filter(|issue| issue.severity >= Severity::Error);
    errors.map(|issue| (issue.expression.unwrap_or_default(), issue.text)).collect()
}

/// R4 has nothing against it.
#[track_caller]
fn accepted(text: &str) {
    let found = errors(text, Version::R4);
    assert!(found.is_empty(), "{text}: {found:?}");
}

/// R4 refuses it for something at an expression.
#[track_caller]
fn refused_at(text: &str, expression: &str) {
    refused_by(Version::R4, text, expression);
}

/// A release refuses it for something at an expression.
#[track_caller]
fn refused_by(version: Version, text: &str, expression: &str) {
    let found = errors(text, version);
    assert!(found.iter().any(|(at, _)| at == expression), "{text}: expected {expression}, found {found:?}");
}

/// Whether R4 says something of an expression that is no error.
fn doubted_at(text: &str, expression: &str) -> bool {
    let outcome = profile::validate(text.as_bytes(), Version::R4, None);
    let mut doubts = outcome.0.iter().filter(|issue| issue.severity < Severity::Error);
    doubts.any(|issue| issue.expression.as_deref() == Some(expression))
}
