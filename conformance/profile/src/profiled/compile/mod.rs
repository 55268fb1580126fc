//! From a structure with its snapshot to a profile: once for each profile.

mod binding;
mod bound;
mod discriminator;
mod own;
mod slicing;
mod tree;
mod types;

use std::rc::Rc;
use std::sync::Arc;

use definitions::{Definitions, Element, Family, Shape};
use fhir::Version;
use package::{Constraint, Derivation, ElementDefinition, Registry, Structure, canonical};

use self::tree::{Group, Tree};
use super::invariant::Invariant;
use super::model::{Literal, Members, Profile, Rule, RuleIndex};

/// Rules of a profile at most: what goes beyond is left out and said.
const MOST: usize = 60_000;

/// Compiles a structure.
pub(crate) fn compile(structure: &Arc<Structure>, registry: &Registry) -> Profile {
    let version = registry.version();
    let mut compiler = Compiler {
        structure,
        registry,
        version,
        definitions: definitions::of(version),
        tree: Rc::new(Tree::of(&structure.elements)),
        rules: Vec::new(),
        faults: Vec::new(),
    };
    let is_type = structure.derivation == Derivation::Specialization
        && canonical::core_name(&structure.url) == Some(structure.type_.as_str());
    compiler.root();
    let context_invariants = compiler.context_invariants();
    Profile {
        canonical: structure.canonical().into(),
        url: structure.url.as_str().into(),
        type_name: structure.type_.as_str().into(),
        is_type,
        imposed: structure.imposed.iter().map(|url| url.as_str().into()).collect(),
        missing_base: structure.missing_base.as_deref().map(Into::into),
        releases: structure.releases.clone(),
        contexts: contexts(structure, version),
        context_invariants,
        is_modifier: structure.is_modifier(),
        rules: compiler.rules,
        faults: compiler.faults,
    }
}

/// Where an extension may stand in a release; nothing is said when every context is for another one.
fn contexts(structure: &Structure, version: Version) -> Box<[package::Context]> {
    let counts = |context: &&package::Context| context.releases.as_ref().is_none_or(|said| said.include(version));
    structure.contexts.iter().filter(counts).cloned().collect()
}

struct Compiler<'c> {
    structure: &'c Arc<Structure>,
    registry: &'c Registry,
    version: Version,
    definitions: &'static Definitions,
    tree: Rc<Tree>,
    rules: Vec<Rule>,
    faults: Vec<String>,
}

impl<'c> Compiler<'c> {
    fn definition(&self, index: usize) -> Option<&'c ElementDefinition> {
        self.structure.elements.get(index)
    }

    fn root(&mut self) {
        let type_ = self.definitions.type_named(&self.structure.type_);
        let element = type_.and_then(|known| known.root()).and_then(|id| self.definitions.element(id));
        self.rules.push(Rule { max: u32::MAX, ..Rule::default() });
        if self.is_own() {
            return self.own_root();
        }
        let Some((element, definition)) = element.zip(self.definition(0)) else {
            self.faults.push(format!("expected the type of a profile, found `{}`", self.structure.type_));
            return;
        };
        let mut rule = self.facts(definition, element);
        // A root appears as often as it is asked about.
        (rule.min, rule.max, rule.types) = (0, u32::MAX, None);
        rule.members = self.members_of(0, &[element.shape()].into_iter().flatten().collect::<Vec<_>>());
        if let Some(root) = self.rules.first_mut() {
            *root = rule;
        }
    }

    /// The rule of an element with its slices; none when it says nothing beyond the definitions. What a contentReference
    /// repeats is the content of the type's element, not what a profile says of that: the scan knows it.
    fn group(&mut self, group: &Group, element: Element<'static>) -> Option<RuleIndex> {
        let definition = self.definition(group.head)?;
        let before = self.rules.len();
        let mut rule = if definition.slice_name.is_some() {
            // The snapshot has a slice and not what it is a slice of.
            Rule { id: definition.path.as_str().into(), max: u32::MAX, ..Rule::default() }
        } else {
            self.rule(group.head, element)?
        };
        rule.slicing = self.slicing(group, element, definition);
        let is_narrower = rule.min > u32::from(element.min()) || rule.max < element.max().map_or(u32::MAX, u32::from);
        if !is_narrower && !rule.has_facts() && rule.members.is_empty() {
            self.rules.truncate(before);
            return None;
        }
        self.push(rule)
    }

    pub(super) fn push(&mut self, rule: Rule) -> Option<RuleIndex> {
        let index = RuleIndex::try_from(self.rules.len()).ok()?;
        self.rules.push(rule);
        Some(index)
    }

    /// The rule of one element or slice, with those of its members.
    fn rule(&mut self, index: usize, element: Element<'static>) -> Option<Rule> {
        if self.rules.len() >= MOST {
            return None;
        }
        let definition = self.definition(index)?;
        let mut rule = self.facts(definition, element);
        let shapes = self.shapes(definition, element);
        rule.members = self.members_of(index, &shapes);
        Some(rule)
    }

    /// Shapes that the objects of an element may have.
    fn shapes(&self, definition: &ElementDefinition, element: Element<'static>) -> Vec<Shape<'static>> {
        if element.is_choice() {
            let is_allowed = |name: &str| definition.types.iter().any(|used| used.code == name);
            return element
                .variants()
                .filter(|variant| is_allowed(variant.type_name()))
                .filter_map(Element::shape)
                .collect();
        }
        if let Some(shape) = element.shape() {
            return vec![shape];
        }
        let types = definition.types.iter().filter_map(|used| self.definitions.type_named(&used.code));
        let roots = types.filter(|known| known.family() == Family::Resource).filter_map(|known| known.root());
        roots.filter_map(|root| self.definitions.element(root)?.shape()).collect()
    }

    fn members_of(&mut self, index: usize, shapes: &[Shape<'static>]) -> Vec<Members> {
        let mut seen: Vec<u16> = Vec::new();
        let mut all = Vec::new();
        for shape in shapes {
            if !seen.contains(&shape.number()) {
                seen.push(shape.number());
                all.extend(self.members(index, *shape));
            }
        }
        all
    }

    fn members(&mut self, index: usize, shape: Shape<'static>) -> Option<Members> {
        let tree = Rc::clone(&self.tree);
        let mut found: Vec<(u8, RuleIndex, bool)> = Vec::new();
        for group in tree.children(index) {
            let name = self.definition(group.head).map_or("", ElementDefinition::name);
            let Some(element) = member(shape, name) else { continue };
            if let Some(rule) = self.group(group, element) {
                found.push((element.ordinal(), rule, self.is_required(rule, element)));
            }
        }
        found.sort_unstable_by_key(|(ordinal, ..)| *ordinal);
        found.dedup_by_key(|(ordinal, ..)| *ordinal);
        let bits = |found: &[(u8, RuleIndex, bool)]| found.iter().fold(0, |bits, (ordinal, ..)| bits | 1 << ordinal);
        let required: Vec<_> = found.iter().copied().filter(|(.., is_required)| *is_required).collect();
        (!found.is_empty()).then(|| Members {
            shape: shape.number(),
            bits: bits(&found),
            required: bits(&required),
            rules: found.iter().map(|(_, rule, _)| *rule).collect(),
        })
    }

    fn is_required(&self, rule: RuleIndex, element: Element<'static>) -> bool {
        self.rules.get(rule as usize).is_some_and(|rule| {
            rule.min > u32::from(element.min()) || rule.slicing.as_ref().is_some_and(|slicing| slicing.is_required)
        })
    }

    /// What is said of the element itself.
    fn facts(&mut self, definition: &ElementDefinition, element: Element<'static>) -> Rule {
        Rule {
            id: definition.id.as_str().into(),
            slice: definition.slice_name.as_deref().map(Into::into),
            min: definition.min,
            max: definition.max.unwrap_or(u32::MAX),
            types: self.types(definition, element),
            fixed: definition.fixed.as_ref().and_then(|fact| Literal::of(&fact.json)),
            pattern: definition.pattern.as_ref().and_then(|fact| Literal::of(&fact.json)),
            least: definition.min_value.as_ref().and_then(|fact| bound::bound(fact, ">=", element, self.version)),
            most: definition.max_value.as_ref().and_then(|fact| bound::bound(fact, "<=", element, self.version)),
            max_length: definition.max_length,
            binding: self.binding(definition, element),
            invariants: self
                .invariants(&definition.constraints, element.shape().filter(|_| element.primitive().is_none())),
            must_have_value: definition.must_have_value,
            alternatives: definition.value_alternatives.iter().map(|url| url.as_str().into()).collect(),
            ..Rule::default()
        }
    }

    fn invariants(&mut self, constraints: &[Constraint], shape: Option<Shape<'static>>) -> Box<[Invariant]> {
        let own =
            constraints.iter().filter(|rule| !rule.is_best_practice && !rule.is_of_the_specification(self.definitions));
        own.filter_map(|rule| self.invariant(rule, shape)).collect()
    }

    fn context_invariants(&mut self) -> Box<[Invariant]> {
        let structure = self.structure;
        let compile = |expression: &String| {
            Invariant::compile("context", "where the extension may stand", true, expression, self.version, None).ok()
        };
        structure.context_invariants.iter().filter_map(compile).collect()
    }

    fn invariant(&self, rule: &Constraint, shape: Option<Shape<'static>>) -> Option<Invariant> {
        let expression = rule.expression.as_ref()?;
        // `%profile` is the profile that is being validated against (validation.html).
        let own = || expression.replace("%profile", &format!("'{}'", self.structure.canonical().replace('\'', "\\'")));
        let expression = &if expression.contains("%profile") { own() } else { expression.clone() };
        // A rule that does not compile here is the profile's fault or ours, never the resource's.
        Invariant::compile(&rule.key, &rule.human, rule.is_error, expression, self.version, shape).ok()
    }
}

/// The member of a shape that a snapshot calls so: `value[x]`, `valueQuantity`, `name`.
fn member(shape: Shape<'static>, name: &str) -> Option<Element<'static>> {
    match name.strip_suffix("[x]") {
        Some(stem) => shape.elements().find(|element| element.name() == stem).or_else(|| shape.member(stem.as_bytes())),
        None => shape.member(name.as_bytes()),
    }
}
