//! Resources: the root, contained ones, and those in Bundles and Parameters.

use definitions::{Element, Family, Type};
use fhir::ResourceType;
use fhir::json::lexer::{skip_space, string};

use super::{Name, Scanner, Step};
use crate::finding::Problem;

/// Where a resource stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The document itself; of that type, when one is expected.
    Root(Option<ResourceType>),
    /// In an element such as `Bundle.entry.resource`.
    Inner,
    /// In `DomainResource.contained`.
    Contained,
}

impl Place {
    pub(super) fn of(element: Element<'_>) -> Self {
        if element.name() == "contained" { Self::Contained } else { Self::Inner }
    }
}

impl Scanner<'_> {
    /// Reads a resource of any type; `{` is next.
    pub(super) fn resource(&mut self, name: Name, place: Place) -> Step {
        let Some((start, end)) = self.resource_type_ahead() else {
            self.report(Problem::NoResourceType)?;
            return self.untyped(name);
        };
        let Some(known) = self.resource_type(start, end, place)? else {
            return self.unknown_resource(name, place, start, end);
        };
        let Some(element) = known.root().and_then(|root| self.rules.definitions.element(root)) else {
            return self.untyped(name);
        };
        let Some(shape) = element.shape() else { return self.untyped(name) };
        let (locals, contained) = (self.scratch.locals.len(), self.contained);
        let outside = (self.resource, self.root);
        self.resource = self.next_node();
        self.root = if place == Place::Contained { outside.1 } else { self.resource };
        let members = self.members(name, element.id(), shape, Some(start))?;
        self.note_invariants(members.node, element.id(), members.seen());
        (self.resource, self.root) = outside;
        if place == Place::Contained {
            self.contained += 1;
            return Ok(());
        }
        if self.contained == contained && self.scratch.locals.len() == locals {
            return Ok(());
        }
        self.check_contained(members.node, locals)
    }

    /// The type that `resourceType` at that place names.
    fn resource_type(&mut self, start: usize, end: usize, place: Place) -> Step<Option<Type<'static>>> {
        let is_text = self.bytes.get(start - 1) == Some(&b'"') && end > start;
        let name = self.bytes.get(start..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        let node = self.next_node();
        if !is_text {
            self.note(node, start, Problem::ResourceTypeKind)?;
            return Ok(None);
        }
        let definitions = self.rules.definitions;
        let known =
            definitions.type_named(name).filter(|known| known.family() == Family::Resource && !known.is_abstract());
        if known.is_some() && matches!(place, Place::Root(Some(expected)) if expected.as_str() != name) {
            self.note(node, start, Problem::UnexpectedResourceType)?;
        }
        Ok(known)
    }

    /// The span of the value of `resourceType` in the object that is next, without its quotes; empty when it is no string.
    /// Usually it comes first. What is no JSON is left to the scan to find.
    fn resource_type_ahead(&self) -> Option<(usize, usize)> {
        let bytes = self.bytes;
        let mut at = skip_space(bytes, self.at + 1);
        loop {
            if bytes.get(at) != Some(&b'"') {
                return None;
            }
            let start = at + 1;
            let close = string(bytes, start).ok()?.close;
            at = skip_space(bytes, close + 1);
            if bytes.get(at) != Some(&b':') {
                return None;
            }
            at = skip_space(bytes, at + 1);
            if bytes.get(start..close) == Some(b"resourceType") {
                return Some(string_at(bytes, at));
            }
            at = skip_space(bytes, skip_value(bytes, at)?);
            if bytes.get(at) != Some(&b',') {
                return None;
            }
            at = skip_space(bytes, at + 1);
        }
    }
}

fn string_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let start = at + 1;
    match bytes.get(at) {
        Some(b'"') => (start, string(bytes, start).map_or(start, |quoted| quoted.close)),
        _ => (start, start),
    }
}

/// The offset behind a value, by its brackets alone.
fn skip_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string(bytes, at + 1).ok()?.close,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}
