//! From places in the JSON that was made to places in the XML that was read.

use fhir::json::position;
use fhir::{Issue, Outcome};

/// Where in the XML each member and item of the JSON comes from. The JSON has no line breaks, so that the column of an issue is
/// its place.
#[derive(Clone, Default)]
pub struct Positions {
    /// Offset in the JSON and in the XML, in the order of the JSON.
    marks: Vec<(u32, u32)>,
}

impl Positions {
    pub(crate) const fn new(marks: Vec<(u32, u32)>) -> Self {
        Self { marks }
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.marks.len() * size_of::<(u32, u32)>()
    }

    /// The offset in the XML of what stands at an offset in the JSON.
    #[must_use]
    pub fn in_xml(&self, json_offset: usize) -> usize {
        let behind = self.marks.partition_point(|(json, _)| *json as usize <= json_offset);
        behind.checked_sub(1).and_then(|index| self.marks.get(index)).map_or(0, |(_, xml)| *xml as usize)
    }

    /// Gives the issues of a check of `json` the lines and columns of `xml`.
    pub fn relocate(&self, json: &[u8], xml: &[u8], outcome: &mut Outcome) {
        let is_ascii = json.is_ascii();
        for issue in &mut outcome.0 {
            self.relocate_issue(json, is_ascii, xml, issue);
        }
    }

    fn relocate_issue(&self, json: &[u8], is_ascii: bool, xml: &[u8], issue: &mut Issue) {
        let Some(found) = issue.position else { return };
        let character = found.column.saturating_sub(1) as usize;
        let offset = if is_ascii { character } else { offset_of(json, character) };
        issue.position = Some(position(without_mark(xml), self.in_xml(offset)));
    }
}

fn offset_of(json: &[u8], character: usize) -> usize {
    // A character starts at every byte that does not continue one.
    let mut starts = json.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80).map(|(offset, _)| offset);
    starts.nth(character).unwrap_or(json.len())
}

/// The text without a byte order mark, which has no column.
pub(crate) fn without_mark(xml: &[u8]) -> &[u8] {
    xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml)
}
