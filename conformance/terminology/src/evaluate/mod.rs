//! Answers for one code at a time: value sets are never expanded for it.

mod expand;
mod system;

use crate::Terminology;
use crate::answer::{Coding, Membership, Why};
use crate::code_system::{CodeSystem, Content};
use crate::value_set::{Clause, Filter, ValueSet};

/// Deepest nesting of value sets that import each other.
const MAX_DEPTH: u32 = 16;
/// Most clauses that one question looks at.
const MAX_CLAUSES: u32 = 20_000;

/// One question and the work that it may still cause.
pub(crate) struct Question<'t> {
    terminology: &'t Terminology,
    depth: u32,
    clauses: u32,
}

/// A canonical and its version.
pub(crate) fn parts(canonical: &str) -> (&str, Option<&str>) {
    let Some(bar) = memchr::memchr(b'|', canonical.as_bytes()) else { return (canonical, None) };
    let (url, version) = (canonical.get(..bar).unwrap_or_default(), canonical.get(bar + 1..));
    (url, version.filter(|version| !version.is_empty()))
}

/// Whether a version is what was asked for: `4.0` asks for `4.0.1` too.
pub(crate) fn is_version(known: &str, asked: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    let is_asked = |known: &str| known.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    known.split(' ').any(is_asked)
}

impl<'t> Question<'t> {
    pub(crate) const fn new(terminology: &'t Terminology) -> Self {
        Self { terminology, depth: 0, clauses: 0 }
    }

    pub(crate) fn has_value_set(&self, canonical: &str) -> bool {
        let (url, _) = parts(canonical);
        self.terminology.value_sets(url, None).next().is_some() || self.whole_system(url).is_some()
    }

    pub(crate) fn member(&mut self, canonical: &'t str, coding: &Coding<'t>) -> Membership<'t> {
        if self.depth > MAX_DEPTH {
            return Membership::Unknown(Why::TooDeep);
        }
        self.depth += 1;
        let answer = self.member_of(canonical, coding);
        self.depth -= 1;
        answer
    }

    /// In when a known value set of that canonical has it; one of another version than asked can only affirm, and when there is no
    /// other nobody can deny. Editions of the terminology of all releases count beside those of the core.
    fn member_of(&mut self, canonical: &'t str, coding: &Coding<'t>) -> Membership<'t> {
        let (url, version) = parts(canonical);
        let terminology = self.terminology;
        let (mut answer, mut is_known) = (None, false);
        for set in terminology.value_sets(url, version) {
            is_known = true;
            let found = self.set_has(set, coding);
            if found == Membership::In || is_version(&set.version, version) {
                answer = Some(either(answer, found));
            }
            if found == Membership::In {
                break;
            }
        }
        let whole = |question: &mut Self| (!is_known).then(|| question.in_whole_system(url, coding)).flatten();
        answer.or_else(|| whole(self)).unwrap_or(Membership::Unknown(Why::ValueSet(canonical)))
    }

    /// The code system that a canonical names all codes of: `…?fhir_vs`, or `CodeSystem.valueSet`.
    fn whole_system<'v>(&self, url: &'v str) -> Option<&'v str>
    where
        't: 'v,
    {
        url.strip_suffix("?fhir_vs").or_else(|| self.terminology.whole(url))
    }

    fn in_whole_system(&self, url: &'t str, coding: &Coding<'t>) -> Option<Membership<'t>> {
        if let Some((system, rest)) = url.split_once("?fhir_vs=") {
            return Some(self.in_implicit(system, rest, coding));
        }
        let system = self.whole_system(url)?;
        Some(if coding.system.is_some_and(|own| own != system) {
            Membership::NotIn
        } else {
            self.in_system(system, None, coding)
        })
    }

    /// `?fhir_vs=isa/CODE`, of whatever system; other forms are of systems that are not here.
    fn in_implicit(&self, system: &'t str, rest: &'t str, coding: &Coding<'t>) -> Membership<'t> {
        if coding.system.is_some_and(|own| own != system) {
            return Membership::NotIn;
        }
        match rest.strip_prefix("isa/") {
            Some(ancestor) => {
                let filter = Filter::new("concept".into(), "is-a", ancestor.to_owned().into());
                self.meets(system, None, std::slice::from_ref(&filter), coding)
                    .unwrap_or(Membership::Unknown(Why::Filter(rest)))
            }
            None => Membership::Unknown(Why::Filter(rest)),
        }
    }

    pub(crate) fn set_has(&mut self, set: &'t ValueSet, coding: &Coding<'t>) -> Membership<'t> {
        let included = match self.any_has(&set.includes, coding) {
            Membership::NotIn if set.is_partial => Membership::Unknown(Why::ValueSet(&set.url)),
            included => included,
        };
        if included == Membership::NotIn || set.excludes.is_empty() && !set.is_active_only {
            return included;
        }
        match self.any_has(&set.excludes, coding) {
            Membership::In => Membership::NotIn,
            Membership::Unknown(why) => Membership::Unknown(why),
            Membership::NotIn if set.is_active_only && self.is_inactive(coding) => Membership::NotIn,
            Membership::NotIn => included,
        }
    }

    fn any_has(&mut self, clauses: &'t [Clause], coding: &Coding<'t>) -> Membership<'t> {
        let mut answer = Membership::NotIn;
        for clause in clauses {
            answer = either(Some(answer), self.clause_has(clause, coding));
            if answer == Membership::In {
                break;
            }
        }
        answer
    }

    fn clause_has(&mut self, clause: &'t Clause, coding: &Coding<'t>) -> Membership<'t> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Membership::Unknown(Why::TooDeep);
        }
        let mut answer = Membership::In;
        if !clause.system.is_empty() {
            answer = self.in_clause_system(clause, coding);
        }
        for import in &clause.imports {
            if answer == Membership::NotIn {
                break;
            }
            answer = both(answer, self.member(import, coding));
        }
        answer
    }

    fn in_clause_system(&self, clause: &'t Clause, coding: &Coding<'t>) -> Membership<'t> {
        if coding.system.is_some_and(|system| system != clause.system) {
            return Membership::NotIn;
        }
        if let Some(codes) = &clause.codes {
            let is_listed = codes.has(coding.code, false) || codes.has(coding.code, true) && self.folds(&clause.system);
            return if is_listed { Membership::In } else { Membership::NotIn };
        }
        if clause.filters.is_empty() {
            return self.in_system(&clause.system, clause.version(), coding);
        }
        self.meets(&clause.system, clause.version(), &clause.filters, coding)
            .unwrap_or_else(|| self.cannot_filter(clause))
    }

    fn cannot_filter(&self, clause: &'t Clause) -> Membership<'t> {
        let property = clause.filters.first().map_or("", |filter| &*filter.property);
        match self.terminology.code_systems(&clause.system).next() {
            Some(_) => Membership::Unknown(Why::Filter(property)),
            None => Membership::Unknown(Why::NoContent(&clause.system)),
        }
    }

    /// Whether a code meets all filters; none when that cannot be said.
    fn meets(
        &self,
        system: &'t str,
        version: Option<&str>,
        filters: &[Filter],
        coding: &Coding<'_>,
    ) -> Option<Membership<'t>> {
        let mut is_complete = false;
        for known in self.terminology.code_systems(system) {
            if let Some(index) = known.find(coding.code) {
                let supplied = |code: Option<&str>, is: &dyn Fn(&str, &str) -> bool| {
                    let mut supplements = self.terminology.supplements(system);
                    supplements.any(|more| more.has_property(code, is))
                };
                return meets_all(filters, |filter| filter.holds(known, index, &supplied));
            }
            is_complete |= known.content == Content::Complete && is_version(&known.version, version);
        }
        if is_complete {
            return Some(Membership::NotIn);
        }
        meets_all(filters, |filter| filter.holds_for_code(system, coding.code))
    }

    fn folds(&self, system: &str) -> bool {
        self.terminology.code_systems(system).any(|known: &CodeSystem| !known.is_case_sensitive)
    }
}

fn meets_all<'t>(filters: &[Filter], holds: impl Fn(&Filter) -> Option<bool>) -> Option<Membership<'t>> {
    let mut is_known = true;
    for filter in filters {
        match holds(filter) {
            Some(true) => {}
            Some(false) => return Some(Membership::NotIn),
            None => is_known = false,
        }
    }
    is_known.then_some(Membership::In)
}

/// In when one is, unknown when one is.
const fn either<'t>(left: Option<Membership<'t>>, right: Membership<'t>) -> Membership<'t> {
    match (left, right) {
        (Some(Membership::In), _) | (_, Membership::In) => Membership::In,
        (Some(Membership::Unknown(why)), _) | (_, Membership::Unknown(why)) => Membership::Unknown(why),
        _ => Membership::NotIn,
    }
}

/// In when both are, out when one is not.
const fn both<'t>(left: Membership<'t>, right: Membership<'t>) -> Membership<'t> {
    match (left, right) {
        (Membership::NotIn, _) | (_, Membership::NotIn) => Membership::NotIn,
        (Membership::Unknown(why), _) | (_, Membership::Unknown(why)) => Membership::Unknown(why),
        _ => Membership::In,
    }
}
