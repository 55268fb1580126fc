//! Invariants: rules in FHIRPath on an element (conformance-rules.html#constraints).
//!
//! Most are decided by which members an object has, which the scan knows ([`presence`]); the others run as a program over the
//! nodes that the scan made. [`base`] holds those of the base specification, [`errata`] where that is at fault.

mod base;
mod errata;
mod period;
mod presence;

use std::borrow::Cow;

use definitions::{ElementId, Shape};
use fhir::json::Document;
use fhir::{Severity, Version};
use fhirpath::{CompileError, Element, Environment, EvaluationError, Item, Program, Services, Truth};

pub(crate) use base::BaseInvariants;
pub(crate) use errata::is_best_practice;
pub(crate) use presence::Term;

/// What a definition says of an invariant.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `pat-1`
    pub key: Cow<'static, str>,
    /// Whether breaking it is an error; a warning otherwise.
    pub is_error: bool,
    /// FHIRPath on the element.
    pub expression: Cow<'static, str>,
    /// The rule in words.
    pub human: Cow<'static, str>,
}

/// An invariant, compiled. It belongs to no document: keep it and share it.
#[derive(Debug)]
pub struct Invariant {
    constraint: Constraint,
    program: Program,
    certain: Box<[Term]>,
    /// Whether it asks what time it is.
    has_clock: bool,
    /// Whether it is the rule of Period, which most periods follow at first sight.
    is_of_period: bool,
}

/// What an invariant says of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not: the expression is false, or empty where nothing was left open.
    Broken,
    /// It cannot be decided here: a profile, value set, reference or precision is missing, or it costs more than is left.
    Open(Option<EvaluationError>),
}

/// The element that an invariant is asked about, and its surroundings.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The document.
    pub document: Document<'a>,
    /// The element's node. Its `Node::element` says what it is.
    pub node: u32,
    /// `%resource`: the resource that holds it.
    pub resource: u32,
    /// `%rootResource`: the resource that contains that one, otherwise the same.
    pub root: u32,
    /// Profiles, value sets and references; [`fhirpath::NoServices`] knows none.
    pub services: &'a dyn Services,
    /// Steps of evaluation that may be taken.
    pub steps: u64,
}

impl Invariant {
    /// Compiles an invariant for the elements of a shape; without one nothing is decided by presence.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn compile(
        constraint: Constraint,
        version: Version,
        shape: Option<Shape<'static>>,
    ) -> Result<Self, CompileError> {
        let expression = fhirpath::parse(&constraint.expression)?;
        let program = Program::of(&expression, version)?;
        let certain = shape.map(|shape| presence::certain(&expression, shape)).unwrap_or_default();
        let has_clock = ["now()", "today()", "timeOfDay()"].iter().any(|it| constraint.expression.contains(it));
        let is_of_period = period::RULES.contains(&&*constraint.expression);
        Ok(Self { constraint, program, certain, has_clock, is_of_period })
    }

    /// What its definition says.
    #[must_use]
    pub const fn constraint(&self) -> &Constraint {
        &self.constraint
    }

    /// How bad it is to break it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        if self.constraint.is_error { Severity::Error } else { Severity::Warning }
    }

    /// Whether it is a recommendation.
    pub(crate) fn is_best_practice(&self) -> bool {
        is_best_practice(&self.constraint.key)
    }

    /// Whether it holds for every object that has exactly the members of these ordinals
    /// ([`definitions::Element::ordinal`]): then it need not run. False says nothing.
    #[inline]
    #[must_use]
    pub fn is_certain(&self, seen: u64) -> bool {
        self.certain.iter().any(|term| term.holds(seen))
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.certain
    }

    /// Runs it. Gives the steps that it took, too.
    #[must_use]
    pub fn run(&self, place: &Place<'_>) -> (Verdict, u64) {
        let environment = Environment {
            resource: place.resource,
            root: place.root,
            step_limit: place.steps,
            services: place.services,
            now: if self.has_clock { now() } else { 0 },
            ..Environment::new(place.document)
        };
        let Some(node) = place.document.at(place.node) else { return (Verdict::Holds, 0) };
        if self.is_of_period && period::is_in_order(node) {
            return (Verdict::Holds, 0);
        }
        let kind = ElementId::from_raw(node.node().element).map(fhirpath::Kind::from).unwrap_or_default();
        let context = Item::Element(Element::new(place.node, kind));
        let (truth, steps) = self.program.check(&environment, context);
        let verdict = match truth {
            Ok(Truth::True) => Verdict::Holds,
            Ok(Truth::False) => Verdict::Broken,
            Ok(Truth::Open) => Verdict::Open(None),
            Err(error) => Verdict::Open(Some(error)),
        };
        (verdict, steps)
    }

    /// Key, words, and what was expected.
    #[must_use]
    pub fn text(&self) -> String {
        let Constraint { key, expression, human, .. } = &self.constraint;
        let human = human.trim_end_matches(['.', ' ']);
        format!("{key}: {human}; expected `{expression}`")
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
