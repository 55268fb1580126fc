//! The invariants of the base specification, by element: its own, and those of its type and all that the type specializes.

use std::borrow::Cow;
use std::collections::HashMap;

use definitions::{Definitions, Element, ElementId, Shape};

use super::errata::{self, Remedy};
use super::{Constraint, Invariant, Term};

/// The invariants of a release.
pub(crate) struct BaseInvariants {
    rules: Vec<Invariant>,
    /// By element id: a group, 0 for none.
    of_element: Vec<u16>,
    /// Places in `members`; the first is empty.
    groups: Vec<(u32, u32)>,
    members: Vec<Member>,
    terms: Vec<Term>,
}

/// A rule in a group.
#[derive(Clone, Copy)]
struct Member {
    rule: u16,
    is_best_practice: bool,
    first_term: u32,
    terms: u32,
}

impl BaseInvariants {
    pub(crate) fn new(definitions: &'static Definitions) -> Self {
        let mut collector = Collector {
            definitions,
            base: Self {
                rules: Vec::new(),
                of_element: vec![0],
                groups: vec![(0, 0)],
                members: Vec::new(),
                terms: Vec::new(),
            },
            known: HashMap::new(),
            groups: HashMap::from([(Vec::new(), 0)]),
        };
        let elements = (1..).map_while(|raw| ElementId::from_raw(raw).and_then(|id| definitions.element(id)));
        elements.for_each(|element| collector.element(element));
        collector.base
    }

    /// The group of rules of an element; 0 when it has none.
    #[inline]
    pub(crate) fn group(&self, element: ElementId) -> u16 {
        self.of_element.get(element.raw() as usize).copied().unwrap_or_default()
    }

    /// The rules of a group that the presence of members leaves open.
    #[inline]
    pub(crate) fn open(&self, group: u16, seen: u64, best_practice: bool) -> impl Iterator<Item = u16> + '_ {
        let (first, end) = self.groups.get(group as usize).copied().unwrap_or_default();
        let members = self.members.get(first as usize..end as usize).unwrap_or_default();
        members
            .iter()
            .filter(move |member| !self.is_certain(member, seen) && (best_practice || !member.is_best_practice))
            .map(|member| member.rule)
    }

    #[inline]
    fn is_certain(&self, member: &Member, seen: u64) -> bool {
        let first = member.first_term as usize;
        let terms = self.terms.get(first..first + member.terms as usize).unwrap_or_default();
        terms.iter().any(|term| term.holds(seen))
    }

    #[inline]
    pub(crate) fn rule(&self, number: u16) -> Option<&Invariant> {
        self.rules.get(number as usize)
    }
}

struct Collector {
    definitions: &'static Definitions,
    base: BaseInvariants,
    /// Rules by expression, key and shape.
    known: HashMap<(&'static str, &'static str, Option<u16>), Vec<u16>>,
    groups: HashMap<Vec<u16>, u16>,
}

impl Collector {
    fn element(&mut self, element: Element<'static>) {
        let mut rules = Vec::new();
        if !element.is_choice() {
            let shape = if element.primitive().is_some() { None } else { element.shape() };
            self.rules_of(element, shape, &mut rules);
            if element.is_simple_quantity() {
                self.simple_quantity(shape, &mut rules);
            }
            let lineage = element.type_().into_iter().flat_map(|of| of.lineage());
            let roots = lineage.filter_map(|of| self.definitions.element(of.root()?)).collect::<Vec<_>>();
            roots.into_iter().filter(|root| root.id() != element.id()).for_each(|root| {
                self.rules_of(root, shape, &mut rules);
            });
        }
        let group = self.group(rules);
        self.base.of_element.push(group);
    }

    fn rules_of(&mut self, element: Element<'static>, shape: Option<Shape<'static>>, rules: &mut Vec<u16>) {
        for invariant in element.invariants() {
            let place = (invariant.expression(), invariant.key(), shape.map(Shape::number));
            let numbers = match self.known.get(&place) {
                Some(numbers) => numbers.clone(),
                None => {
                    let numbers = self.compiled(invariant, shape);
                    self.known.insert(place, numbers.clone());
                    numbers
                }
            };
            numbers.into_iter().for_each(|number| {
                if !rules.contains(&number) {
                    rules.push(number);
                }
            });
        }
    }

    /// datatypes.html#SimpleQuantity: the profile that the release names for the type of these elements.
    fn simple_quantity(&mut self, shape: Option<Shape<'static>>, rules: &mut Vec<u16>) {
        let constraint = Constraint {
            key: Cow::Borrowed("sqty-1"),
            is_error: true,
            expression: Cow::Borrowed("comparator.empty()"),
            human: Cow::Borrowed("The comparator is not used on a SimpleQuantity"),
        };
        let place = ("comparator.empty()", "sqty-1", shape.map(Shape::number));
        let known = self.known.get(&place).and_then(|numbers| numbers.first().copied());
        let number = known.or_else(|| {
            let number = self.push(Invariant::compile(constraint, self.definitions.version(), shape).ok()?)?;
            self.known.insert(place, vec![number]);
            Some(number)
        });
        rules.extend(number);
    }

    /// Compiles a rule, unless it is left out. One that does not compile is left out, too: a test lists them.
    fn compiled(&mut self, invariant: definitions::Invariant<'_>, shape: Option<Shape<'static>>) -> Vec<u16> {
        let constraint = Constraint {
            key: Cow::Borrowed(invariant.key()),
            is_error: invariant.is_error(),
            expression: Cow::Borrowed(invariant.expression()),
            human: Cow::Borrowed(invariant.human()),
        };
        let version = self.definitions.version();
        let constraints = match errata::remedy(version, invariant.key(), invariant.expression()) {
            Some((Remedy::Skip, _)) => Vec::new(),
            Some((Remedy::Instead(other), _)) => vec![Constraint { expression: Cow::Borrowed(other), ..constraint }],
            Some((Remedy::Doubtful(place), source)) => doubtful(&constraint, place, source),
            None => vec![constraint],
        };
        let compiled = constraints.into_iter().filter_map(|it| Invariant::compile(it, version, shape).ok());
        compiled.filter_map(|rule| self.push(rule)).collect()
    }

    fn push(&mut self, rule: Invariant) -> Option<u16> {
        let number = u16::try_from(self.base.rules.len()).ok()?;
        self.base.rules.push(rule);
        Some(number)
    }

    fn group(&mut self, rules: Vec<u16>) -> u16 {
        if let Some(group) = self.groups.get(&rules) {
            return *group;
        }
        let first = self.base.members.len() as u32;
        for rule in &rules {
            let Some(compiled) = self.base.rules.get(*rule as usize) else { continue };
            let first_term = self.base.terms.len() as u32;
            self.base.terms.extend(compiled.terms());
            self.base.members.push(Member {
                rule: *rule,
                is_best_practice: errata::is_best_practice(&compiled.constraint().key),
                first_term,
                terms: compiled.terms().len() as u32,
            });
        }
        let group = self.base.groups.len() as u16;
        self.base.groups.push((first, self.base.members.len() as u32));
        self.groups.insert(rules, group);
        group
    }
}

/// A rule that is an error but in one place, and a warning there that says why.
fn doubtful(constraint: &Constraint, place: &str, source: &str) -> Vec<Constraint> {
    let published = &constraint.expression;
    let elsewhere = Constraint { expression: format!("({place}) or ({published})").into(), ..constraint.clone() };
    let there = Constraint {
        expression: format!("({place}).not() or ({published})").into(),
        is_error: false,
        human: format!("{} (a warning only: {source})", constraint.human.trim_end_matches(['.', ' '])).into(),
        ..constraint.clone()
    };
    vec![elsewhere, there]
}

#[cfg(test)]
mod tests {
    use fhir::Version;

    use super::*;

    #[test]
    fn every_rule_of_every_release_compiles() {
        for version in [Version::R4, Version::R4B, Version::R5] {
            let definitions = definitions::of(version);
            let elements = (1..).map_while(|raw| definitions.element(ElementId::from_raw(raw)?));
            for rule in elements.flat_map(|element| element.invariants().collect::<Vec<_>>()) {
                let compiled = fhirpath::Program::compile(rule.expression(), version);
                assert!(compiled.is_ok(), "{version} {}: {:?} in {}", rule.key(), compiled.err(), rule.expression());
            }
        }
    }

    #[test]
    fn most_rules_need_no_program_in_the_ordinary_case() {
        for version in [Version::R4, Version::R4B, Version::R5] {
            let base = BaseInvariants::new(definitions::of(version));
            let rules = || base.rules.iter().filter(|rule| !errata::is_best_practice(&rule.constraint().key));
            let decided = rules().filter(|rule| !rule.terms().is_empty()).count();
            assert!(decided * 4 > rules().count() * 3, "{version}: {decided} of {}", rules().count());
        }
    }
}
