//! Questions to a code system.

use super::{Question, is_version, parts};
use crate::answer::{Coding, Known, Lookup, Membership, Subsumption, Why};
use crate::code_system::{Concept, Content};
use crate::{facts, grammar};

impl<'t> Question<'t> {
    pub(crate) fn code(&self, system: &str, version: Option<&str>, code: &str) -> Lookup<'t> {
        let (url, version) = match parts(system) {
            (url, None) => (url, version),
            stated => stated,
        };
        let (mut is_here, mut is_complete, mut is_other_version) = (false, false, false);
        for known in self.terminology.code_systems(url) {
            if let Some(concept) = known.concept(code) {
                return Lookup::Known(concept.known());
            }
            is_here = true;
            is_complete |= known.content == Content::Complete;
            is_other_version |= !is_version(&known.version, version);
        }
        match (is_here, is_complete, is_other_version) {
            (true, true, false) => Lookup::NotThere,
            (true, true, true) => Lookup::UnknownSystem,
            (true, false, _) => match by_form(url, code) {
                Lookup::UnknownSystem => Lookup::NoContent,
                found => found,
            },
            (false, ..) => in_other_release(url, code).unwrap_or_else(|| by_form(url, code)),
        }
    }

    /// Whether a code is one of its system.
    pub(super) fn in_system(&self, system: &'t str, version: Option<&str>, coding: &Coding<'_>) -> Membership<'t> {
        match self.code(system, version, coding.code) {
            Lookup::Known(_) => Membership::In,
            Lookup::NotThere => Membership::NotIn,
            Lookup::UnknownSystem => Membership::Unknown(Why::System(system)),
            Lookup::NoContent => Membership::Unknown(Why::NoContent(system)),
        }
    }

    pub(super) fn is_inactive(&self, coding: &Coding<'_>) -> bool {
        let found = coding.system.map(|system| self.code(system, coding.version, coding.code));
        matches!(found, Some(Lookup::Known(known)) if known.is_inactive)
    }

    pub(crate) fn has_display(&self, system: &str, code: &str, display: &str) -> Option<bool> {
        let (url, _) = parts(system);
        let terminology = self.terminology;
        let known = terminology.code_systems(url).chain(terminology.supplements(url));
        let mut concepts = known.filter_map(|system| system.concept(code)).map(Concept::known).peekable();
        concepts.peek()?;
        let (mut has_words, mut is_known) = (false, false);
        for concept in concepts {
            has_words |= concept.display.is_some();
            is_known |= concept.display.is_some() && concept.has_display(display);
        }
        has_words.then_some(is_known)
    }

    pub(crate) fn subsumes(&self, system: &str, left: &str, right: &str) -> Result<Subsumption, Lookup<'t>> {
        let (url, _) = parts(system);
        for known in self.terminology.code_systems(url) {
            let (Some(first), Some(second)) = (known.find(left), known.find(right)) else { continue };
            return Ok(if first == second {
                Subsumption::Equivalent
            } else if known.is_below(second, first) {
                Subsumption::Subsumes
            } else if known.is_below(first, second) {
                Subsumption::SubsumedBy
            } else {
                Subsumption::NotSubsumed
            });
        }
        let missing = [left, right].into_iter().map(|code| self.code(url, None, code));
        Err(missing.into_iter().find(|found| !matches!(found, Lookup::Known(_))).unwrap_or(Lookup::NoContent))
    }
}

/// A code system that only another release has: it can affirm, its silence says nothing.
fn in_other_release<'t>(system: &str, code: &str) -> Option<Lookup<'t>> {
    let mut known = facts::code_systems_anywhere(system).peekable();
    known.peek()?;
    let concept = known.find_map(|system| system.concept(code));
    Some(concept.map_or(Lookup::NoContent, |concept| Lookup::Known(concept.known())))
}

/// A code of a system that is told by its form, or known by name.
fn by_form<'t>(system: &str, code: &str) -> Lookup<'t> {
    match grammar::holds(system, code) {
        Some(true) => Lookup::Known(Known::default()),
        Some(false) => Lookup::NotThere,
        None if grammar::is_named(system) => Lookup::NoContent,
        None => Lookup::UnknownSystem,
    }
}
