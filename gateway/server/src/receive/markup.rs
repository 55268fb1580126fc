//! Bodies in XML: from here on they are JSON, and whatever is wrong with them is told by the lines of the XML.

use bytes::Bytes;
use fhir::{Issue, Outcome, Version};
use http::StatusCode;
use xml::{Limits, Positions};

use crate::failure::Failure;

/// A body in XML, and where in it each part of its JSON stands. Its `Debug` shows nothing of it.
pub struct Markup {
    xml: Bytes,
    json: Bytes,
    positions: Positions,
}

impl Markup {
    /// Reads a resource; returns it in JSON.
    ///
    /// # Errors
    /// 400 with everything that keeps it from being FHIR XML.
    pub fn read(xml: Bytes, version: Version) -> Result<(Bytes, Self), Failure> {
        let reading = xml::read(&xml, version, Limits::default());
        if !reading.issues.is_empty() {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, reading.issues));
        }
        let json = Bytes::from(reading.json);
        Ok((json.clone(), Self { xml, json, positions: reading.positions }))
    }

    /// Bytes that it holds beside the XML and the JSON.
    #[must_use]
    pub fn extra(&self) -> usize {
        self.positions.size()
    }

    /// Gives issues of the JSON the lines and columns of the XML.
    #[must_use]
    pub fn relocate(&self, issues: Vec<Issue>) -> Vec<Issue> {
        let mut outcome = Outcome(issues);
        self.positions.relocate(&self.json, &self.xml, &mut outcome);
        outcome.0
    }
}

impl std::fmt::Debug for Markup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Markup({} bytes)", self.xml.len())
    }
}
