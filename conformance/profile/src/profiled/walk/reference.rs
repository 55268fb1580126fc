//! What references lead to.

use fhir::IssueType;
use fhir::json::Value;

use super::super::model::{Aggregation, Target, TypeRule};
use super::super::resolve::Found;
use super::{At, Scope, Walk};
use crate::reference::{Literal, literal};

impl<'a> Walk<'a, '_> {
    /// A Reference, or a CodeableReference with one, against the targets that are allowed.
    pub(super) fn reference<'t>(
        &mut self,
        value: Value<'a>,
        types: impl Iterator<Item = &'t TypeRule> + Clone,
        at: At<'_>,
    ) {
        let object = value.member("reference").filter(|inner| inner.member("reference").is_some()).unwrap_or(value);
        let Some(reference) = object.member("reference") else { return };
        let Some(text) = reference.text() else { return };
        let found = self.resolver.resolve(&text, at.scope.root, at.scope.resource);
        if let Some(mode) = types.clone().map(|rule| rule.aggregation).next().filter(|mode| !mode.is_any()) {
            self.aggregation(reference, found, mode, at);
        }
        if types.clone().any(|rule| rule.targets.is_empty()) {
            return;
        }
        let targets = types.flat_map(|rule| &*rule.targets);
        let resolved = found.and_then(|found| self.type_name(found.node));
        let stated = || match literal(&text) {
            Literal::Relative(name) | Literal::Absolute(name) => self.definitions.type_named(name).map(|it| it.name()),
            Literal::Other => None,
        };
        let Some(type_name) = resolved.or_else(stated) else { return };
        if !targets.clone().any(|target| self.allows(target, type_name)) {
            self.error(reference.index(), IssueType::Structure, || {
                let names: Vec<_> = targets.map(|target| &*target.profile).collect();
                format!(
                    "expected a reference to {}, found {type_name} (profile {})",
                    names.join(", "),
                    at.profile.canonical
                )
            });
            return;
        }
        if let Some(found) = found {
            self.target(reference, found, targets, type_name, at);
        }
    }

    /// What is referred to follows one of the profiles.
    fn target<'t>(
        &mut self,
        reference: Value<'a>,
        found: Found,
        targets: impl Iterator<Item = &'t Target> + Clone,
        type_name: &str,
        at: At<'_>,
    ) {
        let meant =
            targets.filter(|target| target.type_name.as_deref().is_none_or(|it| it == type_name) || target.is_type);
        if meant.clone().any(|target| target.is_type && self.allows(target, type_name)) {
            return;
        }
        let scope = Scope { resource: found.node, root: if found.is_contained { at.scope.root } else { found.node } };
        for target in meant.clone() {
            let Ok(profile) = self.engine.profile(&target.profile) else { return };
            if self.conforms(found.node, &profile, scope, Some(at.trail)) {
                return;
            }
        }
        self.error(reference.index(), IssueType::Structure, || {
            let names: Vec<_> = meant.map(|target| &*target.profile).collect();
            let profile = &at.profile.canonical;
            format!("expected what is referred to here to follow one of {} (profile {profile})", names.join(", "))
        });
    }

    /// How what is referred to may be found (elementdefinition.html#aggregation); `bundled` counts in bundles only.
    fn aggregation(&mut self, reference: Value<'a>, found: Option<Found>, mode: Aggregation, at: At<'_>) {
        let is_allowed = match found {
            Some(found) if found.is_contained => mode.contained,
            Some(_) => mode.bundled || mode.referenced,
            None => mode.referenced || mode.bundled && !self.resolver.is_bundle(),
        };
        if !is_allowed {
            self.error(reference.index(), IssueType::Structure, || {
                let modes = [(mode.contained, "contained"), (mode.bundled, "bundled"), (mode.referenced, "referenced")];
                let names: Vec<_> = modes.iter().filter(|(is_in, _)| *is_in).map(|(_, name)| *name).collect();
                format!(
                    "expected what is referred to here to be {} (profile {})",
                    names.join(" or "),
                    at.profile.canonical
                )
            });
        }
    }

    pub(super) fn type_name(&self, node: u32) -> Option<&'static str> {
        Some(self.definitions.element_of(self.document.at(node)?.node())?.type_name())
    }

    pub(super) fn allows(&self, target: &Target, type_name: &str) -> bool {
        let Some(wanted) = target.type_name.as_deref() else { return true };
        self.definitions.type_named(type_name).is_none_or(|known| known.is_a(wanted))
    }
}
