//! Extensions against their definitions, wherever they stand (extensibility.html).

use definitions::Element;
use fhir::json::Value;
use fhir::{IssueType, Severity};
use package::{Context, ContextType, Unresolved};

use super::super::errata;
use super::super::items::Item;
use super::super::model::Profile;
use super::{At, Scope, Trail, Walk};

/// Paths from a resource to an element that are looked at in one validation.
const DESCENTS: u32 = 2_000;

/// The objects around an extension.
#[derive(Clone, Copy)]
pub(crate) struct Holders {
    /// The object that has it.
    pub(crate) inner: u32,
    /// The object around that.
    pub(crate) outer: u32,
}

impl<'a> Walk<'a, '_> {
    /// Checks an extension. `is_modifier`: it stands in `modifierExtension`.
    pub(crate) fn extension(&mut self, extension: Value<'a>, is_modifier: bool, holders: Holders, scope: Scope) {
        let Some(url) = extension.member("url").and_then(Value::text) else { return };
        // Within another extension a url without a scheme names a part of that.
        if memchr::memchr(b':', url.as_bytes()).is_none() {
            return;
        }
        let plain = memchr::memchr(b'|', url.as_bytes()).and_then(|bar| url.get(..bar)).unwrap_or(&url);
        if plain.len() < url.len() {
            self.error(extension.index(), IssueType::Value, || {
                "expected the url of an extension without a version".to_owned()
            });
        }
        match self.engine.profile(plain) {
            Ok(profile) if *profile.type_name == *"Extension" => {
                self.placed(extension, &profile, is_modifier, holders, scope);
                self.profile(extension.index(), &profile, scope, None);
            }
            Ok(_) => self.error(extension.index(), IssueType::Extension, || {
                format!("expected the url of an extension, found that of another definition: {plain}")
            }),
            Err(error) => self.unknown_extension(extension, plain, is_modifier, &error),
        }
    }

    /// Nobody may overlook an unknown modifier; another unknown extension is for somebody else.
    #[cold]
    fn unknown_extension(&mut self, extension: Value<'a>, url: &str, is_modifier: bool, error: &Unresolved) {
        let policy = self.subject.validator.policy();
        let severity = if is_modifier { Severity::Error } else { policy.extensions.severity(url) };
        self.say(severity, extension.index(), IssueType::Extension, || match error {
            Unresolved::Unknown { .. } if is_modifier => {
                format!("expected a known modifier extension, found {url}: what it changes here cannot be told")
            }
            Unresolved::Unknown { .. } => format!("unknown extension {url}: it was not checked"),
            error => error.to_string(),
        });
    }

    fn placed(&mut self, extension: Value<'a>, profile: &Profile, is_modifier: bool, holders: Holders, scope: Scope) {
        if is_modifier != profile.is_modifier {
            let (wanted, other) =
                if is_modifier { ("extension", "modifierExtension") } else { ("modifierExtension", "extension") };
            self.error(extension.index(), IssueType::Extension, || {
                format!("expected {} in `{wanted}`, found it in `{other}`", profile.url)
            });
        }
        let version = self.definitions.version();
        let outside = profile.releases.as_ref().filter(|releases| !releases.include(version));
        if let Some(releases) = outside.filter(|_| !errata::is_used_in(&profile.url, version)) {
            self.error(extension.index(), IssueType::Extension, || {
                let (first, last) = (releases.first.as_deref(), releases.last.as_deref());
                format!("expected {} in FHIR {} to {} only", profile.url, first.unwrap_or("any"), last.unwrap_or("any"))
            });
        }
        let Some(parent) = self.document.at(holders.inner) else { return };
        let is_here = |context| self.is_in_context(parent, context, holders, scope);
        let is_known_fault = || errata::contexts(&profile.url).any(|context| self.is_element(parent, context, scope));
        if !profile.contexts.is_empty() && !profile.contexts.iter().any(is_here) && !is_known_fault() {
            self.error(extension.index(), IssueType::Extension, || {
                let places: Vec<_> = profile.contexts.iter().map(|context| context.expression.as_str()).collect();
                format!("expected {} in {} only", profile.url, places.join(", "))
            });
        }
        for invariant in &profile.context_invariants {
            let Some(rule) = profile.rules.first() else { return };
            let trail = Trail { node: extension.index(), profile, outer: None, depth: 0 };
            self.invariant(invariant, Item::of(parent), At { profile, rule, scope, trail: &trail }, 0);
        }
    }

    fn is_in_context(&self, holder: Value<'a>, context: &Context, holders: Holders, scope: Scope) -> bool {
        let expression = context.expression.as_str();
        match context.type_ {
            ContextType::Extension => {
                // On the extension, or on its value.
                let url = holder.member("url").or_else(|| self.document.at(holders.outer)?.member("url"));
                let url = url.and_then(Value::text);
                url.is_some_and(|url| *url == *expression.split('#').next().unwrap_or_default())
            }
            // Whether a FHIRPath selects an element is not asked here.
            ContextType::Fhirpath => true,
            ContextType::Element => self.is_element(holder, expression, scope),
        }
    }

    /// Whether an element is one of a type, or has that path.
    fn is_element(&self, holder: Value<'a>, expression: &str, scope: Scope) -> bool {
        let Some(element) = self.definitions.element_of(holder.node()) else { return true };
        is_element(element, expression) || expression.contains('.') && self.is_path(holder, expression, scope)
    }

    /// Whether the path to an element from its resource, or from a data type on the way, is that one.
    #[cold]
    fn is_path(&self, holder: Value<'a>, expression: &str, scope: Scope) -> bool {
        // Each descent passes siblings: after some thousands an extension is taken to be in its place.
        self.descents.set(self.descents.get() + 1);
        if self.descents.get() > DESCENTS {
            return true;
        }
        let wanted: Vec<_> = expression.split('.').map(|step| step.strip_suffix("[x]").unwrap_or(step)).collect();
        let Some((first, steps)) = wanted.split_first() else { return false };
        let mut way = Vec::new();
        let Some(mut here) = self.document.at(scope.resource) else { return false };
        way.push(here);
        while here.index() < holder.index() {
            let Some(member) = here.children().find(|child| child.node().after > holder.index()) else { break };
            let Some(next) = member.items().find(|item| item.node().after > holder.index()) else { break };
            way.push(next);
            here = next;
        }
        let names: Vec<_> = way.iter().map(|value| self.definitions.element_of(value.node())).collect();
        let Some(start) = names.len().checked_sub(steps.len() + 1) else { return false };
        let is_type = names.get(start).copied().flatten().is_some_and(|element| is_a(element, first));
        let below = names.iter().skip(start + 1).map(|element| element.map_or("", Element::path_name));
        is_type && below.eq(steps.iter().copied())
    }
}

/// An element by its type, or by its path in the type that defines it.
fn is_element(element: Element<'static>, expression: &str) -> bool {
    // Every element is one; what a profile calls its element, and interfaces, cannot be told from the path.
    if matches!(expression, "Element" | "CanonicalResource" | "MetadataResource") || expression.contains([':', '#']) {
        return true;
    }
    // What refers to the content of another element (contentReference) counts as that.
    if element.shape().is_some_and(|shape| shape.path() == expression) && element.primitive().is_none() {
        return true;
    }
    match expression.rsplit_once('.') {
        None => is_a(element, expression),
        Some((owner, name)) => {
            let name = name.strip_suffix("[x]").unwrap_or(name);
            element.path_name() == name && element.owner().is_some_and(|shape| shape.path() == owner)
        }
    }
}

fn is_a(element: Element<'static>, name: &str) -> bool {
    element.type_().is_some_and(|known| known.is_a(name))
}
