//! The sample practice, built with typed FHIR models. Everyone in it is invented.
//!
//! A leaf crate with a plain border: the models behind it compile for minutes, and nobody else sees them.

mod diary;
mod parts;
mod patients;
mod staff;

use fhir::ResourceType;
use fhir_model::BuilderError;
use serde::Serialize;
use time::Date;

/// One resource of the sample: `PUT [type]/[id]` with these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id, the same on every run, so that references hold.
    pub id: String,
    /// The resource as JSON, valid in R4.
    pub json: Vec<u8>,
}

/// Why the sample could not be built: a mistake in this crate.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A resource lacks what its type requires.
    #[error("a sample resource is incomplete: {0}")]
    Incomplete(#[from] BuilderError),
    /// A resource does not become JSON.
    #[error("a sample resource does not become JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A day beyond the calendar.
    #[error("the sample practice needs 14 days after its first day")]
    Calendar,
}

/// The practice whose diary begins on `start`: an organization with 2 locations and 3 practitioners in their roles,
/// 60 patients, a schedule for each practitioner with slots of half an hour for 14 days, and 120 appointments, whose
/// slots are busy. What is referred to comes first. The same `start` gives the same bytes.
///
/// # Errors
/// Only for a `start` at the end of the calendar; anything else would be a mistake in this crate.
pub fn practice(start: Date) -> Result<Vec<Entry>, SampleError> {
    let mut entries = Vec::new();
    staff::add(&mut entries)?;
    patients::add(start, &mut entries)?;
    diary::add(start, &mut entries)?;
    Ok(entries)
}

fn push(
    entries: &mut Vec<Entry>,
    resource_type: ResourceType,
    id: &str,
    resource: &impl Serialize,
) -> Result<(), SampleError> {
    entries.push(Entry { resource_type, id: id.to_owned(), json: serde_json::to_vec(resource)? });
    Ok(())
}
