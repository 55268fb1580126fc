//! Invariants: noted where the presence of members does not decide them, run when all is read. What needs codes or profiles is
//! left to who has a validator.

use definitions::ElementId;
use fhir::IssueType;
use fhirpath::EvaluationError;

use super::{Pending, STEPS, Scanner, Scratch, Step};
use crate::finding::Problem;
use crate::invariants::{Place, Verdict};
use crate::policy::BestPractice;
use crate::profiled::Known;
use crate::report::Report;
use crate::rules;
use crate::validator::Subject;

impl Scanner<'_> {
    /// Notes the rules of an element that its members leave open.
    #[inline]
    pub(super) fn note_invariants(&mut self, node: u32, element: ElementId, seen: u64) {
        let group = self.rules.invariants.group(element);
        if group == 0 {
            return;
        }
        for rule in self.rules.invariants.open(group, seen, self.bounds.best_practice != BestPractice::Ignore) {
            self.scratch.pending.push(Pending { node, resource: self.resource, root: self.root, rule });
        }
    }

    /// Whether a problem is enough to refuse.
    pub(super) fn is_error(&self, problem: Problem) -> bool {
        match problem {
            Problem::Invariant(rule) => self.rules.invariants.rule(rule).is_none_or(|rule| {
                let level = self.bounds.best_practice;
                if rule.is_best_practice() { level == BestPractice::Error } else { rule.constraint().is_error }
            }),
            Problem::Unchecked(_) => false,
            _ => true,
        }
    }

    /// Runs what was noted, in the order of the document's ends.
    pub(super) fn run_invariants(&mut self) -> Step {
        let pending = std::mem::take(&mut self.scratch.pending);
        let result = pending.iter().try_for_each(|pending| self.run_invariant(pending));
        self.scratch.pending = pending;
        result
    }

    fn run_invariant(&mut self, pending: &Pending) -> Step {
        let Pending { node, resource, root, rule } = *pending;
        let Some(invariant) = self.rules.invariants.rule(rule) else { return Ok(()) };
        let steps = self.bounds.steps;
        let services = &fhirpath::NoServices;
        let (verdict, taken) = invariant.run(&Place { document: self.view(), node, resource, root, services, steps });
        self.bounds.steps = steps.saturating_sub(taken);
        match verdict {
            Verdict::Broken => self.report_at(node, Problem::Invariant(rule)),
            Verdict::Open(Some(EvaluationError::Undecidable(_))) => {
                self.scratch.undecided.push(*pending);
                Ok(())
            }
            // What is missing here (the target of a reference) is no fault of the resource.
            Verdict::Holds | Verdict::Open(None) => Ok(()),
            Verdict::Open(Some(_)) => self.report_at(node, Problem::Unchecked(rule)),
        }
    }
}

/// Runs the rules that the scan could not decide, with the codes and profiles of a validator.
pub(crate) fn settle(subject: &Subject<'_>, scratch: &Scratch, report: &mut Report) {
    if scratch.undecided.is_empty() {
        return;
    }
    let rules = rules::of(subject.validator.version());
    let services = Known::new(subject.validator, 0);
    let mut steps = STEPS;
    for Pending { node, resource, root, rule } in scratch.undecided.iter().copied() {
        let Some(invariant) = rules.invariants.rule(rule) else { continue };
        let place = Place { document: subject.document, node, resource, root, services: &services, steps };
        let (verdict, taken) = invariant.run(&place);
        steps = steps.saturating_sub(taken);
        if verdict == Verdict::Broken {
            report.say(invariant.severity(), node, IssueType::Invariant, invariant.text());
        }
    }
}
