//! Bodies in XML: from here on they are JSON, and whatever is wrong with them is told by the lines of the XML.

use bytes::Bytes;
use fhir::{Issue, Outcome, Version};
use http::StatusCode;
use xml::{Limits, Positions};

use crate::failure::Failure;

/// A body in XML, what is wrong with it as XML, and where in it each part of its JSON stands. Its `Debug` shows nothing of it.
pub struct Markup {
    xml: Bytes,
    json: Bytes,
    positions: Positions,
    faults: Vec<Issue>,
}

impl Markup {
    /// Reads a resource; returns it in JSON, as far as it could be read. A request whose markup [has faults](Self::is_sound) ends
    /// where its payload is held against the rules, so that a client is told of everything at once.
    ///
    /// # Errors
    /// 400 when nothing could be read.
    pub fn read(xml: Bytes, version: Version) -> Result<(Bytes, Self), Failure> {
        let reading = xml::read(&xml, version, Limits::default());
        if reading.json.is_empty() {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, reading.issues));
        }
        let json = Bytes::from(reading.json);
        Ok((json.clone(), Self { xml, json, positions: reading.positions, faults: reading.issues }))
    }

    /// Whether the JSON says all that the XML says.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Bytes that it holds beside the XML and the JSON.
    #[must_use]
    pub fn extra(&self) -> usize {
        self.positions.size()
    }

    /// What is wrong with the XML, and what was found in its JSON: by the lines and columns of the XML. What is wrong at one
    /// place twice is told once, in the words for XML.
    #[must_use]
    pub fn told(&self, found: Vec<Issue>) -> Vec<Issue> {
        self.told_as(found, |path| path)
    }

    /// The same where `found` has FHIRPaths of its own: `path` makes them of those of the whole body.
    #[must_use]
    pub fn told_as(&self, found: Vec<Issue>, path: impl Fn(String) -> String) -> Vec<Issue> {
        let mut found = Outcome(found);
        self.positions.relocate(&self.json, &self.xml, &mut found);
        if self.is_sound() {
            return found.0;
        }
        let own = |fault: &Issue| Issue { expression: fault.expression.clone().map(&path), ..fault.clone() };
        let mut all: Vec<Issue> = self.faults.iter().map(own).collect();
        let is_new = |issue: &Issue| !all.iter().any(|fault| fault.expression == issue.expression);
        let new: Vec<Issue> = found.0.into_iter().filter(is_new).collect();
        all.extend(new);
        all.sort_by_key(|issue| issue.position.map(|place| (place.line, place.column)));
        all
    }
}

impl std::fmt::Debug for Markup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Markup({} bytes)", self.xml.len())
    }
}
