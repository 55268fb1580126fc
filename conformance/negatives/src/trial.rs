//! Every rule of a type against examples and made instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use definitions::{Element, Shape};
use fhir::json::{Document, Kind as Json, Node};
use fhir::{Issue, Outcome, Severity, Version};

use crate::coverage::Coverage;
use crate::instance::{Maker, Wanted};
use crate::invariant::Judge;
use crate::mutation::{Mutant, Site};
use crate::rule::{Kind, Rule, Rules};

/// Examples in which an invariant is broken; finding out how is the expensive part.
const MOST_FOR_AN_INVARIANT: u32 = 2;

/// Codes that are tried in a made instance.
const MOST_CODES: usize = 12;

/// A validator on trial.
pub struct Trial<'v> {
    version: Version,
    type_name: String,
    rules: Rules,
    validate: &'v dyn Fn(&[u8]) -> Outcome,
    /// Of each rule, mutants made.
    made: Vec<u32>,
    coverage: Coverage,
}

/// Something valid to mutate.
struct Specimen<'a> {
    name: &'a str,
    bytes: &'a [u8],
    nodes: Arc<[Node]>,
}

impl<'v> Trial<'v> {
    /// Of a resource type; `validate` is the validator.
    #[must_use]
    pub fn of(version: Version, type_name: &str, validate: &'v dyn Fn(&[u8]) -> Outcome) -> Self {
        let rules = Rules::of(version, type_name);
        let made = vec![0; rules.all.len()];
        Self { version, type_name: type_name.to_owned(), rules, validate, made, coverage: Coverage::default() }
    }

    /// Runs it: each example is mutated once for each rule that it can break; then an instance is made for each rule that none
    /// could.
    #[must_use]
    pub fn run(mut self, examples: &[(String, Vec<u8>)]) -> Coverage {
        for rule in &self.rules.all {
            self.coverage.tallies.entry(rule.kind).or_default().rules += 1;
        }
        for (name, bytes) in examples {
            if let Some(specimen) = self.accepted(name, bytes) {
                self.mutate(&specimen, None);
            }
        }
        for (index, rule) in self.rules.all.clone().iter().enumerate() {
            if self.made.get(index) == Some(&0) {
                self.make_and_mutate(index, rule);
            }
        }
        self.coverage
    }

    /// The example, when it is valid as it is.
    fn accepted<'a>(&mut self, name: &'a str, bytes: &'a [u8]) -> Option<Specimen<'a>> {
        if let Some(error) = errors(&(self.validate)(bytes)).next() {
            self.coverage.refused.push(format!("{name}: {:?} {}", error.expression, error.text));
            return None;
        }
        let nodes = profile::check(bytes, self.version, None).ok()?;
        Some(Specimen { name, bytes, nodes })
    }

    /// Breaks each rule once, or one rule only.
    fn mutate(&mut self, specimen: &Specimen<'_>, only: Option<usize>) {
        let by_shape = self.rules_by_shape(only);
        let document = Document::new(specimen.bytes, &specimen.nodes);
        let Some(root) = document.root() else { return };
        let mut done: Vec<usize> = Vec::new();
        for node in 0..specimen.nodes.len() as u32 {
            let Some(object) = document.at(node).filter(|value| value.kind() == Json::Object) else { continue };
            let shape = self.rules.definitions.element_of(object.node()).and_then(Element::shape);
            let Some(rules) = shape.and_then(|shape| by_shape.get(&shape.number())) else { continue };
            // A primitive's companion has the shape of an element, but none of its rules.
            if object.name_bytes().first() == Some(&b'_') {
                continue;
            }
            let site = Site::new(self.rules.definitions, root, object);
            for (index, rule) in rules {
                if !done.contains(index) && self.break_rule(*index, rule, &site, specimen.name, only.is_some()) {
                    done.push(*index);
                }
            }
        }
    }

    fn rules_by_shape(&self, only: Option<usize>) -> BTreeMap<u16, Vec<(usize, Rule)>> {
        let mut by_shape: BTreeMap<u16, Vec<(usize, Rule)>> = BTreeMap::new();
        let wanted = self.rules.all.iter().enumerate().filter(|(index, _)| only.is_none_or(|only| only == *index));
        for (index, rule) in wanted.filter(|(_, rule)| self.rules.reach.has(rule.shape)) {
            by_shape.entry(rule.shape.number()).or_default().push((index, *rule));
        }
        by_shape
    }

    /// Breaks a rule at a place and has the mutant judged. False when that cannot be done there.
    fn break_rule(&mut self, index: usize, rule: &Rule, site: &Site<'_>, name: &str, is_made: bool) -> bool {
        let enough = if rule.kind == Kind::Invariant { MOST_FOR_AN_INVARIANT } else { u32::MAX };
        if self.made.get(index).is_none_or(|made| *made >= enough) {
            return true;
        }
        let mutant = match rule.kind {
            Kind::Invariant => Judge::new(self.version, rule).and_then(|mut judge| judge.broken(rule, site)),
            _ => site.broken(rule).or_else(|| site.broken_anew(rule).filter(|_| is_made)),
        };
        let Some(mutant) = mutant else { return false };
        self.judge(index, rule, &mutant, name, is_made);
        true
    }

    fn judge(&mut self, index: usize, rule: &Rule, mutant: &Mutant, name: &str, is_made: bool) {
        let outcome = (self.validate)(&mutant.bytes);
        let is_caught = errors(&outcome).any(|issue| is_at(issue, &mutant.expression));
        let is_first = self.made.get(index) == Some(&0);
        if let Some(made) = self.made.get_mut(index) {
            *made += 1;
        }
        let tally = self.coverage.tallies.entry(rule.kind).or_default();
        tally.by_example += u32::from(is_first && !is_made);
        tally.by_instance += u32::from(is_first && is_made);
        tally.mutants += 1;
        tally.caught += u32::from(is_caught);
        tally.alone += u32::from(errors(&outcome).count() == 1);
        if !is_caught {
            let said: Vec<_> =
                errors(&outcome).map(|issue| format!("{:?} {}", issue.expression, issue.text)).take(2).collect();
            let text = format!("{name}: {} at {}: {said:?}", rule.name(), mutant.expression);
            self.coverage.missed.push((rule.kind, text));
        }
    }

    /// Makes an instance that has what a rule speaks of, and mutates it for this rule.
    fn make_and_mutate(&mut self, index: usize, rule: &Rule) {
        let mut why = "no change breaks it".to_owned();
        for instance in self.instances(rule) {
            if let Some(error) = errors(&(self.validate)(instance.as_bytes())).next() {
                why = format!("the last instance has {:?}: {}", error.expression, error.text);
                continue;
            }
            let Ok(nodes) = profile::check(instance.as_bytes(), self.version, None) else { continue };
            let specimen = Specimen { name: "made", bytes: instance.as_bytes(), nodes };
            self.mutate(&specimen, Some(index));
            if self.made.get(index) != Some(&0) {
                return;
            }
        }
        self.coverage.unreached.push(format!("{}: {why}", rule.name()));
    }

    /// Instances with the element of a rule: as small as can be, then with one or two more elements beside it, with all, with other
    /// codes, and without the element, because some have no value that is sure to be valid.
    fn instances(&self, rule: &Rule) -> Vec<String> {
        let usual = Maker::new(self.rules.definitions);
        let way = self.rules.reach.way_to(rule.shape);
        let made = |maker: &Maker, beside: &[Element<'static>]| {
            let beside: Vec<_> = rule.element.into_iter().chain(beside.iter().copied()).collect();
            maker.resource(&self.type_name, Wanted { way: &way, beside: &beside })
        };
        let others: Vec<_> = optional(rule.shape).collect();
        let contained: Vec<_> = rule.shape.elements().filter(|element| element.name() == "contained").collect();
        let beside = std::iter::once([].as_slice()).chain(others.chunks(1)).chain(others.windows(2));
        let beside = beside.chain([others.as_slice(), contained.as_slice()]);
        let mut all: Vec<_> = beside.filter_map(|beside| made(&usual, beside)).collect();
        all.extend((1..MOST_CODES).filter_map(|code| made(&Maker { code, ..Maker::new(self.rules.definitions) }, &[])));
        all.extend((0..2).filter_map(|few| made(&Maker { usual: few, ..Maker::new(self.rules.definitions) }, &[])));
        all.extend(usual.resource(&self.type_name, Wanted { way: &way, beside: &[] }));
        all
    }
}

fn optional(shape: Shape<'static>) -> impl Iterator<Item = Element<'static>> {
    shape.elements().filter(|element| {
        element.min() == 0 && !matches!(element.name(), "id" | "contained" | "implicitRules" | "modifierExtension")
    })
}

fn errors(outcome: &Outcome) -> impl Iterator<Item = &Issue> {
    outcome.0.iter().filter(|issue| issue.severity >= Severity::Error)
}

/// Whether an issue is at an expression, or within it.
fn is_at(issue: &Issue, expression: &str) -> bool {
    let Some(found) = &issue.expression else { return false };
    found.strip_prefix(expression).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
