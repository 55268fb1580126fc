//! The types of elements, and the profiles that their values must follow.

use definitions::Element;
use fhir::IssueType;
use fhir::json::Value;

use super::super::items::Item;
use super::super::model::TypeRule;
use super::{At, Walk};

impl<'a> Walk<'a, '_> {
    pub(super) fn types(&mut self, item: Item<'a>, types: &[TypeRule], at: At<'_>) {
        let node = self.document.at(item.node).map(Value::node);
        let Some(element) = node.and_then(|node| self.definitions.element_of(node)) else { return };
        let is_told = element.is_variant() || element.is_root();
        let is_meant = |rule: &&TypeRule| !is_told || is_a(element, &rule.code);
        if is_told && !types.iter().any(|rule| is_meant(&rule)) {
            self.other_type(item, element, types, at);
            return;
        }
        if let Some(value) = item.present() {
            self.type_profiles(value, types.iter().filter(is_meant), at);
            match element.type_name() {
                "Reference" | "CodeableReference" => self.reference(value, types.iter().filter(is_meant), at),
                "canonical" => self.canonical(value, types.iter().filter(is_meant), at),
                _ => {}
            }
        }
    }

    #[cold]
    fn other_type(&mut self, item: Item<'a>, element: Element<'static>, types: &[TypeRule], at: At<'_>) {
        self.error(item.node, IssueType::Structure, || {
            let names: Vec<_> = types.iter().map(|rule| &*rule.code).collect();
            let found = if element.is_root() { element.name() } else { element.type_name() };
            format!("expected {}, found {found} (profile {})", names.join(" or "), at.profile.canonical)
        });
    }

    /// The value follows one of the profiles, unless a type without profiles allows it.
    fn type_profiles<'t>(&mut self, value: Value<'a>, types: impl Iterator<Item = &'t TypeRule> + Clone, at: At<'_>) {
        if types.clone().any(|rule| rule.profiles.is_empty()) {
            return;
        }
        let mut profiles = types.clone().flat_map(|rule| &*rule.profiles);
        let Some(first) = profiles.next() else { return };
        if profiles.next().is_none() {
            self.type_profile(value, first, at);
            return;
        }
        let mut is_known = true;
        for profile in types.clone().flat_map(|rule| &*rule.profiles) {
            match self.engine.profile(profile) {
                Ok(profile) if self.conforms(value.index(), &profile, at.scope, Some(at.trail)) => return,
                Ok(_) => {}
                Err(_) => is_known = false,
            }
        }
        if is_known {
            self.error(value.index(), IssueType::Structure, || {
                let names: Vec<_> = types.flat_map(|rule| &*rule.profiles).map(|profile| &**profile).collect();
                format!("expected it to follow one of {} (profile {})", names.join(", "), at.profile.canonical)
            });
        }
    }

    fn type_profile(&mut self, value: Value<'a>, profile: &str, at: At<'_>) {
        let url = profile.split('|').next().unwrap_or_default();
        let is_own_extension =
            value.member("url").is_some_and(|own| own.raw().get(1..own.raw().len() - 1) == Some(url.as_bytes()));
        // An extension is checked against its own definition wherever it stands.
        if is_own_extension {
            return;
        }
        if let Some(profile) = self.known(profile, value.index()) {
            self.profile(value.index(), &profile, at.scope, Some(at.trail));
        }
    }
}

/// Whether an element is of a type or specializes it.
pub(super) fn is_a(element: Element<'static>, code: &str) -> bool {
    element.type_().is_some_and(|known| known.name() == code || known.is_a(code))
}
