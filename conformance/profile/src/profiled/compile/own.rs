//! Types that packages define (resources and logical models of their own), and profiles of them.

use std::rc::Rc;

use definitions::Element;
use package::{Constraint, ElementDefinition, StructureKind, TypeUse};

use super::super::model::{NamedRule, Rule, RuleIndex};
use super::Compiler;
use super::tree::Group;
use crate::invariants::is_best_practice;

impl Compiler<'_> {
    /// Whether the structure is of a type that the release does not have.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.structure.kind, StructureKind::Resource | StructureKind::Logical)
            && self.definitions.type_named(&self.structure.type_).is_none()
    }

    pub(super) fn own_root(&mut self) {
        let Some((definition, element)) = self.definition(0).zip(self.stand_in("Element")) else { return };
        let mut rule = self.own_facts(definition, element);
        (rule.min, rule.max, rule.types) = (0, u32::MAX, None);
        rule.named = self.named(0);
        if let Some(root) = self.rules.first_mut() {
            *root = rule;
        }
    }

    /// Rules of the members of an element, by their names.
    fn named(&mut self, index: usize) -> Box<[NamedRule]> {
        let tree = Rc::clone(&self.tree);
        let groups = tree.children(index).iter();
        let named = groups.filter_map(|group| {
            let name = self.definition(group.head)?.name();
            let stem = name.strip_suffix("[x]");
            let rule = self.own_group(group)?;
            Some(NamedRule { name: stem.unwrap_or(name).into(), is_choice: stem.is_some(), rule })
        });
        named.collect()
    }

    fn own_group(&mut self, group: &Group) -> Option<RuleIndex> {
        if self.rules.len() >= super::MOST {
            return None;
        }
        let definition = self.definition(group.head)?;
        let code = definition.types.first().map_or("Element", |used| used.code.as_str());
        let known = self.stand_in(code).filter(|_| !matches!(code, "BackboneElement" | "Element" | "Base"));
        let element = known.or_else(|| self.stand_in("Element"))?;
        let mut rule = self.own_facts(definition, element);
        if known.is_some() {
            let shapes = self.shapes(definition, element);
            rule.members = self.members_of(group.head, &shapes);
            rule.slicing = self.slicing(group, element, definition);
        } else {
            rule.named = self.named(group.head);
        }
        self.push(rule)
    }

    /// The element of a type: it stands for one that the specification does not have.
    fn stand_in(&self, type_: &str) -> Option<Element<'static>> {
        self.definitions.element(self.definitions.type_named(type_)?.root()?)
    }

    /// What is said of an element, the rules of the types that it inherits from as well.
    fn own_facts(&mut self, definition: &ElementDefinition, element: Element<'static>) -> Rule {
        let mut rule = self.facts(definition, element);
        let says_more =
            |used: &TypeUse| !used.profiles.is_empty() || !used.targets.is_empty() || !used.aggregation.is_empty();
        if definition.types.iter().any(says_more) {
            rule.types = Some(definition.types.iter().map(|used| self.type_rule(used)).collect());
        }
        let is_meant =
            |rule: &&Constraint| !rule.is_best_practice && !is_best_practice(&rule.key) && rule.key != "ele-1";
        let of_types = definition.constraints.iter().filter(is_meant);
        rule.invariants = of_types.filter_map(|rule| self.invariant(rule, None)).collect();
        rule
    }
}
