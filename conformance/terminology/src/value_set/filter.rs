//! Filters of a value set (valueset-filter-operator).

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use crate::code_system::{CodeSystem, Concept, Text};

/// What a filter does with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equals,
    IsA,
    DescendentOf,
    IsNotA,
    Regex,
    In,
    NotIn,
    Generalizes,
    ChildOf,
    DescendentLeaf,
    Exists,
    Unknown,
}

const OPERATORS: [(&str, Operator); 11] = [
    ("=", Operator::Equals),
    ("is-a", Operator::IsA),
    ("descendent-of", Operator::DescendentOf),
    ("is-not-a", Operator::IsNotA),
    ("regex", Operator::Regex),
    ("in", Operator::In),
    ("not-in", Operator::NotIn),
    ("generalizes", Operator::Generalizes),
    ("child-of", Operator::ChildOf),
    ("descendent-leaf", Operator::DescendentLeaf),
    ("exists", Operator::Exists),
];

impl Operator {
    fn named(name: &str) -> Self {
        OPERATORS.iter().find(|(known, _)| *known == name).map_or(Self::Unknown, |(_, operator)| *operator)
    }
}

/// Whether any property, name and value, that supplements of the code system give a code, or any code, is such.
pub(crate) type Supplied<'s> = dyn Fn(Option<&str>, &dyn Fn(&str, &str) -> bool) -> bool + 's;

/// A filter.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) property: Text,
    operator: Operator,
    value: Text,
    /// The value compiled, at its first use; none when it is no regular expression or too large a one.
    pattern: OnceLock<Option<Regex>>,
}

/// Of units a value set takes those of one dimension, by their canonical unit.
const UCUM: &str = "http://unitsofmeasure.org";

/// Largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

impl Filter {
    pub(crate) fn new(property: Text, operator: &str, value: Text) -> Self {
        Self { property, operator: Operator::named(operator), value, pattern: OnceLock::new() }
    }

    /// Whether a concept meets it; none when that cannot be said.
    pub(crate) fn holds(&self, system: &CodeSystem, index: u32, supplied: &Supplied<'_>) -> Option<bool> {
        let concept = system.concepts.get(index as usize)?;
        if self.is_untold(system, supplied) {
            return None;
        }
        match self.operator {
            Operator::IsA => self.relates(system, |own| system.is_below(index, own)),
            Operator::DescendentOf => self.relates(system, |own| index != own && system.is_below(index, own)),
            Operator::IsNotA => self.relates(system, |own| !system.is_below(index, own)),
            Operator::Generalizes => self.relates(system, |own| system.is_below(own, index)),
            Operator::ChildOf => self.relates(system, |own| concept.parents.contains(&own)),
            Operator::DescendentLeaf => {
                self.relates(system, |own| index != own && system.is_below(index, own) && !system.has_children(index))
            }
            Operator::Exists => Some(self.any(system, concept, supplied, |_| true) == (self.value == "true")),
            Operator::Equals => Some(self.any(system, concept, supplied, |value| value == self.value)),
            Operator::In => Some(self.any(system, concept, supplied, |value| self.lists(value))),
            Operator::NotIn => Some(!self.any(system, concept, supplied, |value| self.lists(value))),
            Operator::Regex => {
                let pattern = self.pattern()?;
                Some(self.any(system, concept, supplied, |value| pattern.is_match(value)))
            }
            Operator::Unknown => None,
        }
    }

    /// Whether a code meets it, where the code alone is enough to say.
    pub(crate) fn holds_for_code(&self, system: &str, code: &str) -> Option<bool> {
        if self.property == "canonical" && self.operator == Operator::Equals && system == UCUM {
            return ucum::is_unit(&self.value).then(|| ucum::is_comparable(code, &self.value));
        }
        if !matches!(&*self.property, "code" | "concept") {
            return None;
        }
        match self.operator {
            Operator::Equals => Some(code == self.value),
            Operator::In => Some(self.lists(code)),
            Operator::NotIn => Some(!self.lists(code)),
            Operator::Regex => self.pattern().map(|pattern| pattern.is_match(code)),
            _ => None,
        }
    }

    /// The relation to the concept that the value names. Nothing is below a code that is not there.
    fn relates(&self, system: &CodeSystem, relation: impl Fn(u32) -> bool) -> Option<bool> {
        Some(system.find(&self.value).map_or(self.operator == Operator::IsNotA, relation))
    }

    fn lists(&self, value: &str) -> bool {
        self.value.split(',').any(|listed| listed.trim() == value)
    }

    /// Whether it asks for a property of which the built-in facts say nothing: they keep those that value sets of the packages
    /// ask for.
    fn is_untold(&self, system: &CodeSystem, supplied: &Supplied<'_>) -> bool {
        const ALWAYS: [&str; 7] = ["code", "concept", "display", "parent", "child", "inactive", "notSelectable"];
        matches!(system.url, Text::Borrowed(_))
            && !ALWAYS.contains(&&*self.property)
            && !system.has_property(None, &|name, _| name == self.property)
            && !supplied(None, &|name, _| name == self.property)
    }

    fn any(
        &self,
        system: &CodeSystem,
        concept: &Concept,
        supplied: &Supplied<'_>,
        holds: impl Fn(&str) -> bool,
    ) -> bool {
        match &*self.property {
            "code" | "concept" => holds(&concept.code),
            "display" => holds(&concept.display),
            "parent" => concept
                .parents
                .iter()
                .any(|parent| system.concepts.get(*parent as usize).is_some_and(|parent| holds(&parent.code))),
            "child" => system.find(&concept.code).is_some_and(|own| {
                system.concepts.iter().any(|child| child.parents.contains(&own) && holds(&child.code))
            }),
            "inactive" => holds(if concept.is_inactive { "true" } else { "false" }),
            "notSelectable" => holds(if concept.is_abstract { "true" } else { "false" }),
            name => {
                let is = |known: &str, value: &str| known == name && holds(value);
                concept.properties.iter().any(|(known, value)| is(known, value)) || supplied(Some(&concept.code), &is)
            }
        }
    }

    fn pattern(&self) -> Option<&Regex> {
        let compiled = self.pattern.get_or_init(|| {
            let anchored = format!("^(?:{})$", self.value);
            RegexBuilder::new(&anchored).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build().ok()
        });
        compiled.as_ref()
    }
}
