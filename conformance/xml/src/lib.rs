//! FHIR XML to FHIR JSON and back (xml.html and json.html of R4, R4B and R5).
//!
//! [`to_json`] and [`from_json`] convert whole resources or say what is wrong. [`read`] goes on after what can be passed over, so
//! that a validator can report everything at once: [`Reading::outcome`] runs it on the JSON and tells its issues by line and
//! column of the XML.
//!
//! What survives JSON -> XML -> JSON: every value, the order of repeats, ids and extensions of primitives, the spelling of
//! numbers, the bytes of `div`. What does not: white space, the order of members (XML has that of the definitions), the spelling
//! of escapes in strings, white space around a `div`, and nulls at the end of a list of primitives or of its companions.
//! What survives XML -> JSON -> XML: the same; not comments, processing instructions, prefixes and `xsi:schemaLocation`.
//!
//! The bytes are hostile: no DTD, no entities but those of XML itself, bounded depth, values and issues, and no recursion beyond
//! that depth. What XML cannot hold, such as control characters, is refused and not replaced.

mod fault;
mod narrative;
mod path;
mod positions;
mod read;
mod write;

use fhir::json::{self, Document};
use fhir::{Issue, Outcome, Version};

pub use positions::Positions;
pub use read::{Reading, read};

/// The namespace of FHIR.
pub const FHIR_NAMESPACE: &str = "http://hl7.org/fhir";
/// The namespace of the `div` of a narrative.
pub const XHTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements within each other; the `div` of a narrative has a limit of its own.
    pub depth: u32,
    /// Values in all.
    pub values: u32,
    /// Issues until reading stops.
    pub issues: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 100, values: 400_000, issues: 100 }
    }
}

/// Whether a text is rather XML than JSON: its first character is `<`.
#[must_use]
pub fn is_xml(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// A resource in JSON, compact, from its XML.
///
/// # Errors
/// Everything that keeps it from being FHIR XML, with FHIRPath, line and column. Rules of values (formats, codes, cardinality
/// of what is missing) are not checked here.
pub fn to_json(xml: &[u8], version: Version, limits: Limits) -> Result<Vec<u8>, Outcome> {
    let reading = read(xml, version, limits);
    if reading.issues.is_empty() { Ok(reading.json) } else { Err(Outcome(reading.issues)) }
}

/// How XML is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// On one line behind the declaration.
    #[default]
    Compact,
    /// A line and two blanks a level for each element; a `div` stays as it is.
    Indented,
}

/// A resource in XML from its JSON, compact, with an XML declaration.
///
/// # Errors
/// The first thing that has no place in FHIR XML, with FHIRPath, line and column in the JSON.
pub fn from_json(bytes: &[u8], version: Version, limits: Limits) -> Result<Vec<u8>, Outcome> {
    from_json_as(Layout::Compact, bytes, version, limits)
}

/// The same in another layout.
///
/// # Errors
/// As [`from_json`].
pub fn from_json_as(layout: Layout, bytes: &[u8], version: Version, limits: Limits) -> Result<Vec<u8>, Outcome> {
    let mut nodes = Vec::new();
    let bounds = json::Limits { depth: limits.depth, nodes: limits.values };
    json::scan(bytes, &mut nodes, bounds).map_err(|error| Outcome::from(error.issue(bytes)))?;
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    from_document(layout, Document::new(bytes, &nodes), version, &mut out).map_err(Outcome::from)?;
    Ok(out)
}

/// The same for a document that has been scanned, appended to `out`.
///
/// # Errors
/// As [`from_json`]; `out` then has the part that could be written.
pub fn from_document(layout: Layout, document: Document<'_>, version: Version, out: &mut Vec<u8>) -> Result<(), Issue> {
    write::document(layout, document, version, out)
}
