//! Validation against profiles: those that resources claim, those that are asked for, and the definitions of extensions.
//!
//! `compile` turns a structure into a [`model::Profile`] once, [`engine`] keeps it, `walk` goes over nodes and rules side by
//! side. A valid resource costs no allocation.

mod compare;
mod compile;
mod engine;
mod errata;
mod invariant;
mod items;
mod marks;
mod model;
mod resolve;
mod services;
mod vital_signs;
mod walk;

use fhir::json::{Kind, Value};
use fhir::{IssueType, Severity, Version};

pub(crate) use engine::Engine;
use marks::Mark;
pub(crate) use services::Known;
use walk::{Holders, Scope, Walk};

use crate::report::Report;
use crate::validator::{Request, Subject};

/// Whether an element, by its raw id, is a resource, an extension, or what holds contained resources.
pub(crate) fn is_marked(version: Version, element: u32) -> bool {
    marks::of(version).get(element as usize).is_some_and(|mark| *mark != Mark::None)
}

/// All resources of a document against the profiles that they claim, its root against those that are asked for as well, and all
/// extensions against their definitions.
pub(crate) fn check(subject: &Subject<'_>, nodes: &[u32], request: &Request<'_>, report: &mut Report) {
    let mut walk = Walk::new(subject, report);
    let marks = marks::of(subject.validator.version());
    let mut open = Open::new();
    for value in nodes.iter().filter_map(|node| subject.document.at(*node)) {
        match marks.get(value.node().element as usize) {
            Some(Mark::Contained) if value.kind() == Kind::Array => open.contained = value.node().after,
            Some(mark @ (Mark::Resource | Mark::Observation)) if value.kind() == Kind::Object => {
                open.enter(value);
                claims(&mut walk, value, open.scope());
                for profile in by_type(subject, value, request) {
                    asked(&mut walk, value, profile, open.scope());
                }
                if *mark == Mark::Observation {
                    vital_signs(&mut walk, value, open.scope());
                }
            }
            Some(mark @ (Mark::Extension | Mark::ModifierExtension)) if value.kind() == Kind::Object => {
                open.leave(value.index());
                let holders = open.holders(value);
                walk.extension(value, *mark == Mark::ModifierExtension, holders, open.scope());
            }
            _ if !subject.own.is_empty() && subject.own.binary_search(&value.index()).is_ok() => {
                open.enter(value);
                own(&mut walk, value, open.scope());
            }
            _ => {}
        }
    }
    for profile in request.profiles {
        if let Some(root) = subject.document.root() {
            asked(&mut walk, root, profile, Scope { resource: 0, root: 0 });
        }
    }
}

/// Objects in objects at most: documents are no deeper.
const DEPTH: usize = 128;

/// Resources and objects around a node, the innermost last.
struct Open {
    /// Objects and where they end.
    objects: [(u32, u32); DEPTH],
    held: usize,
    /// Where the nodes start that have not been looked at for them.
    next: u32,
    /// Scopes and where they end; what is nested deeper is taken for a part of the last.
    scopes: [(u32, u32, u32); 16],
    depth: usize,
    /// Where the contained resources end that are being read.
    contained: u32,
}

impl Open {
    const fn new() -> Self {
        Self { objects: [(0, 0); DEPTH], held: 0, next: 0, scopes: [(0, 0, 0); 16], depth: 0, contained: 0 }
    }

    /// The object around a node, and the one around that. Nodes are asked for in the order of the document.
    fn holders(&mut self, node: Value<'_>) -> Holders {
        let before = (self.next..node.index()).filter_map(|index| node.document().at(index));
        before.filter(|value| value.kind() == Kind::Object).for_each(|object| self.hold(object));
        self.next = node.index();
        self.let_go(node.index());
        let at = |back: usize| self.held.checked_sub(back).and_then(|place| self.objects.get(place));
        Holders { inner: at(1).map_or(0, |it| it.0), outer: at(2).map_or(0, |it| it.0) }
    }

    fn hold(&mut self, object: Value<'_>) {
        self.let_go(object.index());
        if let Some(place) = self.objects.get_mut(self.held) {
            *place = (object.index(), object.node().after);
            self.held += 1;
        }
    }

    /// Objects that end before a node.
    fn let_go(&mut self, node: u32) {
        while self.held > 0 && self.objects.get(self.held - 1).is_some_and(|(_, after)| *after <= node) {
            self.held -= 1;
        }
    }

    fn enter(&mut self, resource: Value<'_>) {
        self.leave(resource.index());
        let (index, after) = (resource.index(), resource.node().after);
        let container = self.scope().root;
        let root = if index < self.contained { container } else { index };
        if let Some(place) = self.scopes.get_mut(self.depth) {
            *place = (index, root, after);
            self.depth += 1;
        }
    }

    fn leave(&mut self, node: u32) {
        while self.depth > 1 && self.scopes.get(self.depth - 1).is_some_and(|(.., after)| *after <= node) {
            self.depth -= 1;
        }
    }

    fn scope(&self) -> Scope {
        let (resource, root, _) =
            self.depth.checked_sub(1).and_then(|last| self.scopes.get(last)).copied().unwrap_or_default();
        Scope { resource, root }
    }
}

/// A resource of a type that a package defines, against that definition and what it claims.
#[cold]
fn own<'a>(walk: &mut Walk<'a, '_>, resource: Value<'a>, scope: Scope) {
    let structure = type_text(resource).and_then(|name| walk.engine().own_type(&name));
    if let Some(profile) = structure.and_then(|structure| walk.engine().profile(&structure.canonical()).ok()) {
        walk.profile(resource.index(), &profile, scope, None);
    }
    claims(walk, resource, scope);
}

fn type_text(resource: Value<'_>) -> Option<std::borrow::Cow<'_, str>> {
    resource.member("resourceType").and_then(Value::text)
}

/// Whether a profile is one for the type of a resource; that of a package's own type is known by its name.
fn is_for(walk: &Walk<'_, '_>, resource: Value<'_>, profile: &model::Profile) -> bool {
    match walk.definitions().element_of(resource.node()).map(definitions::Element::type_) {
        Some(known) => known.is_some_and(|known| known.is_a(&profile.type_name)),
        None => type_text(resource).is_some_and(|name| name == engine::tail(&profile.type_name)),
    }
}

/// The profiles that a resource claims in `meta.profile`.
fn claims<'a>(walk: &mut Walk<'a, '_>, resource: Value<'a>, scope: Scope) {
    let claimed = resource.member("meta").and_then(|meta| meta.member("profile"));
    for claim in claimed.into_iter().flat_map(Value::children) {
        let Some(canonical) = claim.text() else { continue };
        match walk.engine().profile(&canonical) {
            Ok(profile) => against(walk, resource, claim.index(), &profile, scope),
            Err(error) => walk.unresolved(&error, claim.index()),
        }
    }
}

/// The profile that an Observation's code calls for.
fn vital_signs<'a>(walk: &mut Walk<'a, '_>, observation: Value<'a>, scope: Scope) {
    let called_for = vital_signs::profile(observation);
    if let Some(profile) = called_for.and_then(|canonical| walk.engine().profile(&canonical).ok()) {
        walk.profile(observation.index(), &profile, scope, None);
    }
}

/// The profiles that the request has for resources of a type.
fn by_type<'r>(subject: &Subject<'_>, resource: Value<'_>, request: &'r Request<'_>) -> impl Iterator<Item = &'r str> {
    let asked = if request.by_type.is_empty() { None } else { subject.definitions.element_of(resource.node()) };
    let name = asked.map(definitions::Element::name);
    let meant = request.by_type.iter().filter(move |(of, _)| Some(of.as_str()) == name);
    meant.flat_map(|(_, profiles)| profiles.iter().copied())
}

/// A profile that somebody wants a resource to follow.
fn asked<'a>(walk: &mut Walk<'a, '_>, resource: Value<'a>, canonical: &str, scope: Scope) {
    match walk.engine().profile(canonical) {
        Ok(profile) => against(walk, resource, resource.index(), &profile, scope),
        Err(error) => walk.error(resource.index(), IssueType::NotFound, || error.to_string()),
    }
}

fn against<'a>(walk: &mut Walk<'a, '_>, resource: Value<'a>, claim: u32, profile: &model::Profile, scope: Scope) {
    if !is_for(walk, resource, profile) {
        let element = walk.definitions().element_of(resource.node());
        walk.error(claim, IssueType::Structure, || {
            let found = element.map_or("something else", |element| element.name());
            format!("expected a profile of {found}, found one of {}: {}", profile.type_name, profile.url)
        });
        return;
    }
    if profile.is_type {
        return;
    }
    if let Some(base) = &profile.missing_base {
        walk.say(Severity::Warning, claim, IssueType::NotFound, || {
            format!("no package here has `{base}`, from which {} derives: what it demands was not checked", profile.url)
        });
    }
    for fault in &profile.faults {
        walk.say(Severity::Information, claim, IssueType::NotSupported, || fault.clone());
    }
    walk.profile(resource.index(), profile, scope, None);
}
