//! The walk: nodes and rules side by side.

mod binding;
mod canonical;
mod extension;
mod own;
mod reference;
mod slice;
mod slices;
mod types;
mod values;

use std::cell::Cell;
use std::sync::Arc;

use definitions::Definitions;
use fhir::json::{Document, Value};
use fhir::{IssueType, Severity};
use package::Unresolved;

pub(crate) use extension::Holders;

use super::engine::Engine;
use super::errata;
use super::invariant::{Invariant, Place};
use super::items::{Item, Items};
use super::model::{Members, Profile, Rule, RuleIndex};
use super::resolve::Resolver;
use super::services::Known;
use crate::report::Report;
use crate::validator::Subject;

/// Profiles within profiles at most.
const DEPTH: u32 = 40;

/// Rules that are applied to nodes in one validation at most. A bundle of 200 resources takes some 20,000.
const STEPS: u32 = 5_000_000;

/// Where in a document a node stands.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    /// The resource that holds it.
    pub(crate) resource: u32,
    /// The resource that contains that one, otherwise the same.
    pub(crate) root: u32,
}

/// Profiles under which the walk is already, so that it never goes in circles.
#[derive(Clone, Copy)]
pub(crate) struct Trail<'t> {
    node: u32,
    profile: &'t Profile,
    outer: Option<&'t Trail<'t>>,
    depth: u32,
}

/// A rule of a profile at a place.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    pub(super) profile: &'p Profile,
    pub(super) rule: &'p Rule,
    pub(super) scope: Scope,
    pub(super) trail: &'p Trail<'p>,
}

impl<'p> At<'p> {
    fn rule(self, index: RuleIndex) -> Option<Self> {
        self.profile.rules.get(index as usize).map(|rule| Self { rule, ..self })
    }
}

pub(crate) struct Walk<'a, 'r> {
    pub(super) subject: Subject<'a>,
    pub(super) document: Document<'a>,
    pub(super) definitions: &'static Definitions,
    pub(super) engine: &'a Engine,
    pub(super) resolver: Resolver<'a>,
    report: &'r mut Report,
    /// Whether only the fact that something is wrong matters.
    is_quiet: bool,
    /// Whether something was wrong since the walk became quiet.
    is_broken: bool,
    steps: u32,
    /// How many rules that ask for profiles led here.
    rule_depth: u32,
    /// Paths that were looked at for the contexts of extensions.
    descents: Cell<u32>,
}

impl<'a, 'r> Walk<'a, 'r> {
    pub(crate) fn new(subject: &Subject<'a>, report: &'r mut Report) -> Self {
        let Subject { document, definitions, validator, .. } = *subject;
        let (resolver, engine) = (Resolver::new(document), validator.engine());
        Self {
            subject: *subject,
            document,
            definitions,
            engine,
            resolver,
            report,
            is_quiet: false,
            is_broken: false,
            steps: 0,
            rule_depth: 0,
            descents: Cell::new(0),
        }
    }

    /// For a rule that asks for a profile.
    pub(crate) fn within(subject: &Subject<'a>, report: &'r mut Report, rule_depth: u32) -> Self {
        Self { rule_depth, ..Self::new(subject, report) }
    }

    /// Checks a node against a profile of its type.
    pub(crate) fn profile(&mut self, node: u32, profile: &Profile, scope: Scope, outer: Option<&Trail<'_>>) {
        let depth = outer.map_or(0, |outer| outer.depth + 1);
        let is_known = |trail: &&Trail<'_>| trail.node == node && std::ptr::eq(trail.profile, profile);
        let is_open = std::iter::successors(outer, |trail| trail.outer).any(|trail| is_known(&trail));
        let Some(value) = self.document.at(node).filter(|_| !is_open && depth < DEPTH) else { return };
        let trail = Trail { node, profile, outer, depth };
        let Some(rule) = profile.rules.first() else { return };
        self.apply(Item::of(value), At { profile, rule, scope, trail: &trail });
        for imposed in &profile.imposed {
            if let Ok(imposed) = self.engine.profile(imposed) {
                self.profile(node, &imposed, scope, Some(&trail));
            }
        }
    }

    /// Whether a node follows a profile, said without a word.
    pub(crate) fn conforms(&mut self, node: u32, profile: &Profile, scope: Scope, outer: Option<&Trail<'_>>) -> bool {
        self.quietly(|walk| walk.profile(node, profile, scope, outer))
    }

    /// Whether nothing is wrong in what `check` does.
    pub(super) fn quietly(&mut self, check: impl FnOnce(&mut Self)) -> bool {
        let outside = (self.is_quiet, self.is_broken);
        (self.is_quiet, self.is_broken) = (true, false);
        check(self);
        let is_valid = !self.is_broken;
        (self.is_quiet, self.is_broken) = outside;
        is_valid
    }

    pub(crate) const fn definitions(&self) -> &'static Definitions {
        self.definitions
    }

    pub(crate) const fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// Applies a rule to an item: the item itself, then its members.
    pub(super) fn apply(&mut self, item: Item<'a>, at: At<'_>) {
        if !self.spend(item.node) {
            return;
        }
        if at.rule.has_facts() {
            self.values(item, at);
            if let Some(types) = &at.rule.types {
                self.types(item, types, at);
            }
            if let Some(binding) = &at.rule.binding {
                self.binding(item, binding, at);
            }
        }
        let seen = self.members(item, at);
        for invariant in &at.rule.invariants {
            self.invariant(invariant, item, at, seen);
        }
    }

    /// Applies the rules of an object's members. Gives the ordinals that it has.
    fn members(&mut self, item: Item<'a>, at: At<'_>) -> u64 {
        let is_asked = !at.rule.members.is_empty() || !at.rule.invariants.is_empty();
        if !at.rule.named.is_empty() {
            self.named_members(item, at);
        }
        let Some(object) = item.object().filter(|_| is_asked) else { return 0 };
        let shape = self.definitions.element_of(object.node()).and_then(|element| element.shape());
        let Some(shape) = shape.map(|shape| shape.number()) else { return 0 };
        match at.rule.members(shape) {
            Some(members) => self.object(object, members, at),
            None if at.rule.invariants.is_empty() => 0,
            None => self.object(object, &Members::default(), at),
        }
    }

    fn object(&mut self, object: Value<'a>, members: &Members, at: At<'_>) -> u64 {
        let mut seen = 0_u64;
        for member in object.children() {
            let Some(element) = self.definitions.element_of(member.node()) else { continue };
            // A resource in place of an element has the id of its type: the ordinal is that of the member around it.
            let element = if element.is_root() { self.slot(object, member) } else { Some(element) };
            let Some(element) = element else { continue };
            let bit = 1_u64 << element.ordinal();
            let was_seen = seen & bit != 0;
            seen |= bit;
            if was_seen {
                continue;
            }
            if let Some(at) = members.rule(element.ordinal()).and_then(|rule| at.rule(rule)) {
                let items = Items::of(object, member, element.primitive().is_some());
                let scope = self.scope_of(member, at.scope);
                self.element(object, items, At { scope, ..at });
            }
        }
        let missing = members.required & !seen;
        if missing != 0 {
            self.missing(object, members, missing, at);
        }
        seen
    }

    /// The element of a member that is a resource: `Bundle.entry.resource`.
    fn slot(&self, object: Value<'a>, member: Value<'a>) -> Option<definitions::Element<'static>> {
        self.definitions.element_of(object.node())?.shape()?.member(member.name_bytes())
    }

    /// The scope within a member: another one where resources stand in it.
    fn scope_of(&self, member: Value<'a>, outer: Scope) -> Scope {
        let is_resource =
            |value: Value<'_>| self.definitions.element_of(value.node()).is_some_and(|element| element.is_root());
        if is_resource(member) { Scope { resource: member.index(), root: member.index() } } else { outer }
    }

    /// All items of an element: how many there are, each by itself, and by slices.
    fn element(&mut self, object: Value<'a>, items: Items<'a>, at: At<'_>) {
        let count = u32::try_from(items.count()).unwrap_or(u32::MAX);
        if count > at.rule.max {
            let max = at.rule.max;
            self.error(items.node(), IssueType::Structure, || {
                format!("expected at most {max} of `{}`, found {count} (profile {})", at.rule.id, at.profile.canonical)
            });
        }
        if count < at.rule.min {
            self.too_few(object.index(), at, count);
        }
        for item in items.iter() {
            self.item(item, at);
        }
        if let Some(binding) = at.rule.binding.as_ref().filter(|binding| binding.is_any()) {
            self.any_binding(items, binding, at);
        }
        if let Some(slicing) = &at.rule.slicing {
            self.slicing(object, items, slicing, None, at);
        }
    }

    /// Applies a rule to an item in the scope of the item: another one where it is a resource.
    pub(super) fn item(&mut self, item: Item<'a>, at: At<'_>) {
        let resource = item.value.filter(|it| self.definitions.element_of(it.node()).is_some_and(|it| it.is_root()));
        let scope = resource.map_or(at.scope, |resource| Scope { resource: resource.index(), ..at.scope });
        self.apply(item, At { scope, ..at });
    }

    #[cold]
    fn missing(&mut self, object: Value<'a>, members: &Members, missing: u64, at: At<'_>) {
        for ordinal in (0..64_u8).filter(|ordinal| missing >> ordinal & 1 == 1) {
            let Some(at) = members.rule(ordinal).and_then(|rule| at.rule(rule)) else { continue };
            if at.rule.min > 0 {
                self.too_few(object.index(), at, 0);
            }
            let slices = at.rule.slicing.as_ref().map(|slicing| &slicing.slices);
            for slice in slices.into_iter().flatten().filter_map(|slice| at.rule(slice.rule)) {
                if slice.rule.min > 0 {
                    self.too_few(object.index(), slice, 0);
                }
            }
        }
    }

    #[cold]
    pub(super) fn too_few(&mut self, object: u32, at: At<'_>, found: u32) {
        let rule = at.rule;
        let name = member_name(&rule.id);
        let text = || {
            let profile = &at.profile.canonical;
            let what = if rule.slice.is_some() { "slice " } else { "" };
            format!("expected at least {} of {what}`{}`, found {found} (profile {profile})", rule.min, rule.id)
        };
        let is_doubtful = errata::is_doubtful_minimum(&at.profile.url, self.definitions.version(), &rule.id);
        let severity = if is_doubtful { Severity::Warning } else { Severity::Error };
        if self.is_quiet {
            self.is_broken |= !is_doubtful;
        } else {
            self.report.say_missing(severity, object, name, IssueType::Structure, text());
        }
    }

    pub(super) fn invariant(&mut self, invariant: &Invariant, item: Item<'a>, at: At<'_>, seen: u64) {
        if self.is_quiet && (self.is_broken || !invariant.is_error) {
            return;
        }
        let services = Known::new(self.subject.validator, self.rule_depth);
        let place = Place {
            document: self.document,
            node: item.node,
            resource: at.scope.resource,
            root: at.scope.root,
            services: &services,
        };
        if !invariant.is_broken(&place, seen) {
            return;
        }
        let severity = if invariant.is_error { Severity::Error } else { Severity::Warning };
        self.say(severity, item.node, IssueType::Invariant, || {
            format!("{}: {} (profile {})", invariant.key, invariant.human, at.profile.canonical)
        });
    }

    /// The profile of a canonical; what is said when there is none is a warning: nobody can tell.
    pub(super) fn known(&mut self, canonical: &str, node: u32) -> Option<Arc<Profile>> {
        match self.engine.profile(canonical) {
            Ok(profile) => Some(profile),
            Err(error) => {
                self.unresolved(&error, node);
                None
            }
        }
    }

    #[cold]
    pub(crate) fn unresolved(&mut self, error: &Unresolved, node: u32) {
        let severity = self.subject.validator.policy().unknown_profile;
        self.say(severity, node, IssueType::NotFound, || format!("{error}, so nothing was checked against it"));
    }

    /// Whether work is left that may be done, and it is worth doing.
    fn spend(&mut self, node: u32) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps == STEPS {
            let text = "the profiles ask more of this resource than is checked here, so not all of them were";
            self.report.warning(node, IssueType::TooCostly, text);
        }
        self.steps < STEPS && !(self.is_quiet && self.is_broken)
    }

    pub(crate) fn error(&mut self, node: u32, code: IssueType, text: impl FnOnce() -> String) {
        self.say(Severity::Error, node, code, text);
    }

    #[cold]
    pub(crate) fn say(&mut self, severity: Severity, node: u32, code: IssueType, text: impl FnOnce() -> String) {
        if self.is_quiet {
            self.is_broken |= severity >= Severity::Error;
            return;
        }
        self.report.say(severity, node, code, text());
    }
}

/// `birthDate` of `Patient.birthDate`, `value` of `Observation.value[x]:valueQuantity`.
fn member_name(id: &str) -> &str {
    let step = id.rsplit_once(':').filter(|(_, slice)| !slice.contains('.')).map_or(id, |(before, _)| before);
    let name = step.rsplit_once('.').map_or(step, |(_, name)| name);
    name.strip_suffix("[x]").unwrap_or(name)
}
