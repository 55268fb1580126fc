//! What was reached and what was caught.

use std::collections::BTreeMap;
use std::fmt;

use crate::rule::Kind;

/// Counts of one kind of rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rules that the definition has.
    pub rules: u32,
    /// Rules that an example has been mutated for.
    pub by_example: u32,
    /// Rules that a made instance has been mutated for.
    pub by_instance: u32,
    /// Mutants.
    pub mutants: u32,
    /// Mutants with an error at the right expression.
    pub caught: u32,
    /// Mutants with no other error.
    pub alone: u32,
}

/// How a trial of one type ended.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By kind of rule.
    pub tallies: BTreeMap<Kind, Tally>,
    /// Examples that were not accepted as they are, with the first error.
    pub refused: Vec<String>,
    /// Mutants that were not caught: the rule, where, what was said instead.
    pub missed: Vec<(Kind, String)>,
    /// Rules that nothing was found for.
    pub unreached: Vec<String>,
}

impl Coverage {
    /// Rules, rules reached, mutants, mutants caught.
    #[must_use]
    pub fn totals(&self) -> (u32, u32, u32, u32) {
        self.tallies.values().fold((0, 0, 0, 0), |(rules, reached, mutants, caught), tally| {
            let by = tally.by_example + tally.by_instance;
            (rules + tally.rules, reached + by, mutants + tally.mutants, caught + tally.caught)
        })
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, tally) in &self.tallies {
            writeln!(
                f,
                "  {:<12} rules {:>4}: {:>4} by examples, {:>4} by instances; mutants {:>5}, caught {:>5}, with no other error {:>5}",
                format!("{kind:?}"),
                tally.rules,
                tally.by_example,
                tally.by_instance,
                tally.mutants,
                tally.caught,
                tally.alone
            )?;
        }
        let (rules, reached, mutants, caught) = self.totals();
        writeln!(f, "  all          rules {rules:>4}: {reached:>4} reached; mutants {mutants:>5}, caught {caught:>5}")
    }
}
