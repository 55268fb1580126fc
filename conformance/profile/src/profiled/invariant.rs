//! Rules of profiles in FHIRPath.

use definitions::Shape;
use fhir::Version;
use fhir::json::Document;
use fhirpath::{CompileError, Services};

use crate::invariants::{self, Constraint, Verdict};

/// Steps of evaluation that one rule may take.
const STEPS: u64 = 2_000_000;

/// A rule, compiled.
pub(crate) struct Invariant {
    pub(crate) key: Box<str>,
    pub(crate) human: Box<str>,
    pub(crate) is_error: bool,
    rule: invariants::Invariant,
}

/// What a rule is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) node: u32,
    pub(crate) resource: u32,
    pub(crate) root: u32,
    pub(crate) services: &'a dyn Services,
}

impl Invariant {
    /// Compiles a rule for elements of a shape, where that is known.
    pub(crate) fn compile(
        key: &str,
        human: &str,
        is_error: bool,
        expression: &str,
        version: Version,
        shape: Option<Shape<'static>>,
    ) -> Result<Self, CompileError> {
        let human = human.trim_end_matches(['.', ' ']);
        let constraint = Constraint {
            key: key.to_owned().into(),
            is_error,
            expression: expression.to_owned().into(),
            human: human.to_owned().into(),
        };
        let rule = invariants::Invariant::compile(constraint, version, shape)?;
        Ok(Self { key: key.into(), human: human.into(), is_error, rule })
    }

    /// Whether it is broken; what cannot be decided is not. `seen`: the ordinals of the object's members.
    pub(crate) fn is_broken(&self, place: &Place<'_>, seen: u64) -> bool {
        if self.rule.is_certain(seen) {
            return false;
        }
        let place = invariants::Place {
            document: place.document,
            node: place.node,
            resource: place.resource,
            root: place.root,
            services: place.services,
            steps: STEPS,
        };
        matches!(self.rule.run(&place).0, Verdict::Broken)
    }
}
