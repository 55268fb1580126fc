//! Lists the codes of a value set.

use std::collections::HashSet;

use super::{MAX_DEPTH, Question, is_version, parts};
use crate::answer::{Coding, Expansion, Listed, Lookup, Membership, Why};
use crate::code_system::Content;
use crate::value_set::{Clause, ValueSet};

/// Most codes that are listed.
const MAX_CODES: usize = 100_000;

/// Codes in order, each once.
#[derive(Default)]
struct Listing<'t> {
    codes: Vec<(&'t str, &'t str)>,
    seen: HashSet<(&'t str, &'t str)>,
}

/// Why a listing stops.
enum Stop<'t> {
    TooCostly,
    Unknown(Why<'t>),
}

impl<'t> Question<'t> {
    pub(crate) fn expand(&mut self, canonical: &'t str, filter: Option<&str>, count: Option<usize>) -> Expansion<'t> {
        let mut listing = Listing::default();
        match self.list(canonical, &mut listing) {
            Ok(()) => {}
            Err(Stop::TooCostly) => return Expansion::TooCostly,
            Err(Stop::Unknown(why)) => return Expansion::Unknown(why),
        }
        let filter = filter.map(str::to_lowercase);
        let listed = listing.codes.iter().map(|(system, code)| self.listed(system, code));
        let matching: Vec<_> = listed.filter(|listed| matches(listed, filter.as_deref())).collect();
        let total = matching.len();
        let codes = matching.into_iter().take(count.unwrap_or(usize::MAX)).collect();
        Expansion::Codes { codes, total }
    }

    fn listed(&self, system: &'t str, code: &'t str) -> Listed<'t> {
        match self.code(system, None, code) {
            Lookup::Known(known) => Listed {
                system,
                code,
                display: known.display,
                is_abstract: known.is_abstract,
                is_inactive: known.is_inactive,
            },
            _ => Listed { system, code, display: None, is_abstract: false, is_inactive: false },
        }
    }

    fn list(&mut self, canonical: &'t str, listing: &mut Listing<'t>) -> Result<(), Stop<'t>> {
        if self.depth > MAX_DEPTH {
            return Err(Stop::Unknown(Why::TooDeep));
        }
        let (url, version) = parts(canonical);
        let terminology = self.terminology;
        let mut sets = terminology.value_sets(url, version);
        let Some(set) = sets.find(|set| is_version(&set.version, version)) else {
            let system = self.whole_system(url).ok_or(Stop::Unknown(Why::ValueSet(canonical)))?;
            return self.list_system(system, listing, |_| Membership::In);
        };
        if set.is_partial {
            return Err(Stop::Unknown(Why::ValueSet(canonical)));
        }
        self.depth += 1;
        let listed = set.includes.iter().try_for_each(|clause| self.list_clause(set, clause, listing));
        self.depth -= 1;
        listed
    }

    fn list_clause(
        &mut self,
        set: &'t ValueSet,
        clause: &'t Clause,
        listing: &mut Listing<'t>,
    ) -> Result<(), Stop<'t>> {
        let mut found = Listing::default();
        if let Some(codes) = &clause.codes {
            codes.listed.iter().for_each(|code| found.push(&clause.system, code));
        } else if !clause.system.is_empty() {
            let system = &*clause.system;
            self.list_system(system, &mut found, |code| match &*clause.filters {
                [] => Membership::In,
                filters => self
                    .meets(system, None, filters, &Coding::of(system, code))
                    .unwrap_or_else(|| self.cannot_filter(clause)),
            })?;
        } else if let Some(first) = clause.imports.first() {
            self.list(first, &mut found)?;
        }
        for (system, code) in found.codes {
            if listing.codes.len() >= MAX_CODES {
                return Err(Stop::TooCostly);
            }
            match self.set_has(set, &Coding::of(system, code)) {
                Membership::In => listing.push(system, code),
                Membership::NotIn => {}
                Membership::Unknown(why) => return Err(Stop::Unknown(why)),
            }
        }
        Ok(())
    }

    fn list_system(
        &self,
        system: &'t str,
        listing: &mut Listing<'t>,
        holds: impl Fn(&'t str) -> Membership<'t>,
    ) -> Result<(), Stop<'t>> {
        let terminology = self.terminology;
        let mut is_complete = false;
        for known in terminology.code_systems(system) {
            is_complete |= known.content == Content::Complete;
            for concept in &known.concepts {
                match holds(&concept.code) {
                    Membership::In => listing.push(system, &concept.code),
                    Membership::NotIn => {}
                    Membership::Unknown(why) => return Err(Stop::Unknown(why)),
                }
            }
        }
        if is_complete { Ok(()) } else { Err(Stop::Unknown(Why::NoContent(system))) }
    }
}

impl<'t> Listing<'t> {
    fn push(&mut self, system: &'t str, code: &'t str) {
        if self.seen.insert((system, code)) {
            self.codes.push((system, code));
        }
    }
}

fn matches(listed: &Listed<'_>, filter: Option<&str>) -> bool {
    let Some(filter) = filter else { return true };
    let has = |text: &str| text.to_lowercase().contains(filter);
    has(listed.code) || listed.display.is_some_and(has)
}
