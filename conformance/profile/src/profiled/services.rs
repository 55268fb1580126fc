//! What rules in FHIRPath may ask: codes and profiles.

use fhir::json::Document;
use fhirpath::Services;
use terminology::{Coding, Membership};

use super::walk::{Scope, Walk};
use crate::report::Report;
use crate::validator::{Subject, Validator};

/// Rules within profiles within rules at most.
const DEPTH: u32 = 4;

/// Answers from what a validator knows.
pub(crate) struct Known<'a> {
    validator: &'a Validator,
    depth: u32,
}

impl<'a> Known<'a> {
    pub(crate) const fn new(validator: &'a Validator, depth: u32) -> Self {
        Self { validator, depth }
    }
}

impl Services for Known<'_> {
    fn member_of(&self, system: Option<&str>, code: &str, value_set: &str) -> Option<bool> {
        match self.validator.terminology().member(value_set, Coding { system, code, ..Coding::default() }) {
            Membership::In => Some(true),
            Membership::NotIn => Some(false),
            Membership::Unknown(_) => None,
        }
    }

    fn conforms_to(&self, document: Document<'_>, node: u32, profile: &str) -> Option<bool> {
        let known = self.validator.engine().profile(profile).ok().filter(|_| self.depth < DEPTH)?;
        let definitions = definitions::of(self.validator.version());
        let element = definitions.element_of(document.at(node)?.node())?;
        if !element.type_().is_some_and(|it| it.is_a(&known.type_name)) {
            return Some(false);
        }
        let mut report = Report::new(1);
        let mut walk = Walk::new(&Subject { document, definitions, validator: self.validator }, &mut report);
        Some(walk.conforms(node, &known, Scope { resource: node, root: node }, None))
    }
}
