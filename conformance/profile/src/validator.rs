//! The whole validation of a resource: the scan, then the passes over its nodes.
//!
//! A pass is a function that is given the [`Subject`] and a [`Report`]; it runs only where the scan left nodes that can be
//! trusted, and a valid resource costs it no allocation.

use fhir::json::{Document, Limits};
use fhir::{Outcome, ResourceType, Version};
use terminology::Terminology;

use crate::explain::Explanation;
use crate::report::Report;
use crate::scan::{Bounds, Scratch, scan};

/// Steps of all invariants of one's own file: some seconds.
const STEPS: u64 = 200_000_000;

/// What a resource is validated against. Made once and shared.
#[derive(Clone, Debug)]
pub struct Validator {
    version: Version,
    terminology: Terminology,
}

/// What one validation is asked beyond the validator's own settings.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The type that the resource must have.
    pub expected: Option<ResourceType>,
    /// Canonicals of profiles that it must follow beside those that it claims itself.
    pub profiles: &'a [&'a str],
}

/// A resource whose scan is done, as the passes see it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) definitions: &'static definitions::Definitions,
    pub(crate) validator: &'a Validator,
}

impl<'a> Subject<'a> {
    pub(crate) const fn terminology(&self) -> &'a Terminology {
        &self.validator.terminology
    }
}

impl Validator {
    /// For the base specification of a release.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self { version, terminology: Terminology::of(version) }
    }

    /// With code systems and value sets of its own: those of packages, or of what a resource comes with.
    #[must_use]
    pub fn with_terminology(mut self, terminology: Terminology) -> Self {
        self.terminology = terminology;
        self
    }

    /// The code systems and value sets that codes are looked up in.
    #[must_use]
    pub const fn terminology(&self) -> &Terminology {
        &self.terminology
    }

    /// The release.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Everything that is wrong or doubtful with a resource in JSON or XML; an outcome without issues when nothing is. Lines and
    /// columns are those of the text as it is given.
    #[must_use]
    pub fn validate(&self, bytes: &[u8], request: &Request<'_>) -> Outcome {
        if !xml::is_xml(bytes) {
            return self.validate_json(bytes, request);
        }
        let limits = xml::Limits { values: u32::MAX, ..xml::Limits::default() };
        xml::read(bytes, self.version, limits).outcome(bytes, |json| self.validate_json(json, request))
    }

    fn validate_json(&self, bytes: &[u8], request: &Request<'_>) -> Outcome {
        let json = Limits { nodes: u32::MAX, ..Limits::default() };
        let bounds = Bounds { json, steps: STEPS, ..Bounds::default() };
        let mut scratch = Scratch::default();
        scan(bytes, self.version, request.expected, bounds, &mut scratch);
        let mut outcome = crate::explain(bytes, self.version, request.expected, &scratch);
        if !scratch.is_whole() {
            return outcome;
        }
        let document = Document::new(bytes, scratch.nodes());
        let subject = Subject { document, definitions: definitions::of(self.version), validator: self };
        let mut report = Report::new(bounds.findings);
        passes(&subject, request, &mut report);
        let explanation = Explanation::new(document, self.version, request.expected);
        outcome.0.extend(report.issues(&explanation));
        outcome
    }
}

/// Every pass behind the scan, in the order in which people want to read what they find.
fn passes(subject: &Subject<'_>, request: &Request<'_>, report: &mut Report) {
    crate::base::check(subject, report);
    crate::binding::check(subject, report);
    let _ = request;
}
