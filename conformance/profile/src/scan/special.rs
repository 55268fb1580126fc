//! Objects with rules of their own: Reference, Extension, Coding, CodeableConcept.

use std::borrow::Cow;

use definitions::{Definitions, Element, Family, ValueSet};
use fhir::json::Value;

use super::members::Members;
use super::{Scanner, Step};
use crate::finding::Problem;
use crate::reference::{Literal, literal};
use crate::rules::Special;

impl Scanner<'_> {
    #[inline]
    pub(super) fn special(&mut self, members: &Members, element: Element<'static>) -> Step {
        match self.rules.special(members.shape) {
            Special::None => Ok(()),
            Special::Reference => self.check_reference(members.node, element),
            Special::Extension => self.check_extension(members, element),
            Special::Coding => match element.required_codes() {
                Some(codes) => self.check_with(members.node, |coding| coding_problem(coding, codes, element)),
                None => Ok(()),
            },
            Special::CodeableConcept => match element.required_codes() {
                Some(codes) => self.check_with(members.node, |concept| concept_problem(concept, codes, element)),
                None => Ok(()),
            },
            Special::CodeableReference => {
                let definitions = self.rules.definitions;
                self.check_with(members.node, |object| inner_target_problem(object, definitions, element))?;
                match element.required_codes() {
                    Some(codes) => self
                        .check_with(members.node, |object| concept_problem(object.member("concept")?, codes, element)),
                    None => Ok(()),
                }
            }
        }
    }

    fn check_with(&mut self, node: u32, problem: impl FnOnce(Value<'_>) -> Option<(u32, Problem)>) -> Step {
        match self.view().at(node).and_then(problem) {
            Some((node, problem)) => self.report_at(node, problem),
            None => Ok(()),
        }
    }

    fn check_reference(&mut self, node: u32, element: Element<'static>) -> Step {
        let Some(reference) = self.view().at(node).and_then(|object| object.member("reference")) else {
            return Ok(());
        };
        if reference.raw().starts_with(b"\"#") {
            self.scratch.locals.push(node);
            return Ok(());
        }
        let definitions = self.rules.definitions;
        self.check_with(node, |object| {
            let problem = target_problem(object, &reference_text(object)?, definitions, element)?;
            Some((object.member("reference")?.index(), problem))
        })
    }

    /// ext-1, and extensibility.html: the URL is absolute unless the extension stands in another one.
    fn check_extension(&mut self, members: &Members, element: Element<'static>) -> Step {
        let is_nested = element.owner().is_some_and(|owner| self.rules.special(owner) == Special::Extension);
        let (seen, bits) = (members.seen(), self.rules.extension);
        if (seen & bits.value != 0) == (seen & bits.extension != 0) {
            return self.report_at(members.node, Problem::Extension);
        }
        if is_nested {
            return Ok(());
        }
        self.check_with(members.node, |extension| {
            let url = extension.member("url")?;
            memchr::memchr(b':', url.raw()).is_none().then_some((url.index(), Problem::ExtensionUrl))
        })
    }
}

fn reference_text(object: Value<'_>) -> Option<Cow<'_, str>> {
    object.member("reference")?.text()
}

/// references.html#literal: the target's type is a type, is what `type` says, and is one of those that the element allows.
fn target_problem(
    object: Value<'_>,
    reference: &str,
    definitions: &'static Definitions,
    element: Element<'static>,
) -> Option<Problem> {
    let (name, is_relative) = match literal(reference) {
        Literal::Relative(name) => (name, true),
        Literal::Absolute(name) => (name, false),
        Literal::Other => return None,
    };
    let Some(target) = definitions.type_named(name).filter(|target| target.family() == Family::Resource) else {
        return is_relative.then_some(Problem::UnknownTarget);
    };
    let stated = object.member("type").and_then(Value::text);
    if stated.and_then(|stated| definitions.type_named(&stated)).is_some_and(|stated| !target.specializes(stated)) {
        return Some(Problem::TargetType);
    }
    let is_allowed = element.may_target_any() || element.targets().any(|allowed| target.specializes(allowed));
    (!is_allowed).then_some(Problem::Target(element.id()))
}

/// The reference in a CodeableReference: everything but its target has been checked where it stands.
fn inner_target_problem(
    object: Value<'_>,
    definitions: &'static Definitions,
    element: Element<'static>,
) -> Option<(u32, Problem)> {
    let reference = object.member("reference")?;
    match target_problem(reference, &reference_text(reference)?, definitions, element)? {
        problem @ Problem::Target(_) => Some((reference.member("reference")?.index(), problem)),
        _ => None,
    }
}

/// A Coding under a required binding: its code is one of the value set, in its system when it names one.
fn coding_problem(coding: Value<'_>, codes: ValueSet<'static>, element: Element<'static>) -> Option<(u32, Problem)> {
    let is_bound = is_in(coding, codes) || codes.is_open();
    (!is_bound).then_some((coding.index(), Problem::Coding(element.id())))
}

/// terminologies.html#required: one of the codings is of the value set. A concept without any content but extensions says that
/// there is none.
fn concept_problem(concept: Value<'_>, codes: ValueSet<'static>, element: Element<'static>) -> Option<(u32, Problem)> {
    let codings = concept.member("coding");
    let is_absent = codings.is_none() && concept.member("text").is_none();
    let is_bound = codings.into_iter().flat_map(Value::children).any(|coding| is_in(coding, codes));
    (!is_bound && !is_absent && !codes.is_open()).then_some((concept.index(), Problem::Concept(element.id())))
}

fn is_in(coding: Value<'_>, codes: ValueSet<'static>) -> bool {
    let Some(code) = coding.member("code").and_then(Value::text) else { return false };
    match coding.member("system").and_then(Value::text) {
        Some(system) => codes.has(&system, code.as_bytes()),
        None => codes.has_code(code.as_bytes()),
    }
}
