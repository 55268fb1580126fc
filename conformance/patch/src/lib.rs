//! Patches of resources: JSON Patch (RFC 6902) and FHIRPath Patch (fhirpatch.html), over the bytes of a resource. What a patch does
//! not touch stays as it was, byte for byte; either all of its operations happen or none.

mod equal;
mod error;
mod fhirpath;
mod json;
mod pointer;
mod text;

use fhir::Version;
use fhir::interaction::PatchFormat;
use fhir::json::{Limits as ScanLimits, scan};

pub use error::{Fault, PatchError};
use text::Text;

/// What one patch may cost: it comes from outside, and `copy` doubles what it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Operations.
    pub operations: usize,
    /// Bytes of the resource after any operation.
    pub bytes: usize,
    /// Bytes that all operations together read and write.
    pub work: u64,
    /// Steps of all FHIRPath expressions together.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations: 1_000, bytes: 16 << 20, work: 512 << 20, steps: 20_000_000 }
    }
}

/// The surroundings of a patch.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The release that resource and patch are written in.
    pub version: Version,
    /// The clock of FHIRPath: microseconds since 1970 UTC.
    pub now: i64,
    /// What it may cost.
    pub limits: Limits,
}

impl Context {
    /// With the limits that hold unless told otherwise.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self { version, now: 0, limits: Limits::default() }
    }
}

/// Applies a patch to a resource and returns what comes of it. No array or object that the patch emptied is left behind
/// (json.html has none), and id and type are what they were: they are the server's.
///
/// # Errors
/// When the patch is none, does not fit the resource, is too much work, or would change the id or the type.
pub fn apply(resource: &[u8], format: PatchFormat, patch: &[u8], context: &Context) -> Result<Vec<u8>, PatchError> {
    let mut text = Text::open(resource, &context.limits).map_err(PatchError::from)?;
    let own = text.identity();
    match format {
        PatchFormat::Json => with_document(patch, |patch| json::perform(&mut text, patch, &context.limits))?,
        PatchFormat::FhirPath => with_document(patch, |patch| fhirpath::perform(&mut text, patch, context))?,
    }
    text.prune().map_err(PatchError::from)?;
    if text.identity() != own {
        return Err(PatchError::new(Fault::Protected, "expected `id` and `resourceType` to stay as they are"));
    }
    Ok(text.into_bytes())
}

/// Applies a JSON Patch to any JSON document, by RFC 6902 alone: nothing is protected, and what is emptied stays.
///
/// # Errors
/// As [`apply`].
pub fn apply_json(document: &[u8], patch: &[u8], limits: &Limits) -> Result<Vec<u8>, PatchError> {
    let mut text = Text::open(document, limits).map_err(PatchError::from)?;
    with_document(patch, |patch| json::perform(&mut text, patch, limits))?;
    Ok(text.into_bytes())
}

fn with_document<T>(
    bytes: &[u8],
    work: impl FnOnce(fhir::json::Document<'_>) -> Result<T, PatchError>,
) -> Result<T, PatchError> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, ScanLimits::default()).map_err(|error| PatchError::unreadable(error, bytes))?;
    work(fhir::json::Document::new(bytes, &nodes))
}
