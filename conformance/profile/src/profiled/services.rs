//! What rules in FHIRPath may ask: codes and profiles.

use fhir::json::Document;
use fhirpath::{Listed, LookUp, Services, Translation};
use terminology::{Coding, Expansion, Lookup, Membership, Subsumption};

use super::walk::{Scope, Walk};
use crate::report::Report;
use crate::validator::{Subject, Validator};

/// Rules that ask for profiles whose rules ask for profiles, at most.
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
        let subject = Subject { document, definitions, validator: self.validator, own: &[] };
        let mut walk = Walk::within(&subject, &mut report, self.depth + 1);
        Some(walk.conforms(node, &known, Scope { resource: node, root: node }, None))
    }

    fn subsumes(&self, system: &str, ancestor: &str, code: &str) -> Option<bool> {
        let found = self.validator.terminology().subsumes(system, ancestor, code).ok()?;
        Some(matches!(found, Subsumption::Equivalent | Subsumption::Subsumes))
    }

    fn look_up(&self, system: &str, code: &str) -> Option<LookUp> {
        match self.validator.terminology().code(system, None, code) {
            Lookup::Known(known) => Some(LookUp::Known(known.display.map(str::to_owned))),
            Lookup::NotThere => Some(LookUp::Absent),
            Lookup::UnknownSystem | Lookup::NoContent => None,
        }
    }

    fn expand(&self, value_set: &str, filter: Option<&str>, count: Option<usize>) -> Option<Vec<Listed>> {
        let Expansion::Codes { codes, .. } = self.validator.terminology().expand(value_set, filter, count) else {
            return None;
        };
        let listed = |it: terminology::Listed<'_>| Listed {
            system: it.system.to_owned(),
            code: it.code.to_owned(),
            display: it.display.map(str::to_owned),
        };
        Some(codes.into_iter().map(listed).collect())
    }

    fn translate(&self, concept_map: &str, system: Option<&str>, code: &str) -> Option<Vec<Translation>> {
        let found = self.validator.terminology().translate(concept_map, system, code)?;
        let translation = |it: terminology::Translated<'_>| Translation {
            system: Some(it.system.to_owned()).filter(|system| !system.is_empty()),
            code: it.code.to_owned(),
            relationship: it.relationship.to_owned(),
        };
        Some(found.into_iter().map(translation).collect())
    }

    fn is_in_slice(&self, document: Document<'_>, node: u32, profile: &str, slice: &str) -> Option<bool> {
        let known = self.validator.engine().profile(profile).ok().filter(|_| self.depth < DEPTH)?;
        let definitions = definitions::of(self.validator.version());
        let mut report = Report::new(1);
        let subject = Subject { document, definitions, validator: self.validator, own: &[] };
        Walk::within(&subject, &mut report, self.depth + 1).is_in_slice(node, &known, slice)
    }
}
