//! `slice()` of FHIRPath: whether one item is in a slice, without the others.

use fhir::json::{Kind, Value};

use super::super::items::Item;
use super::super::model::{Profile, Rule, Slice, Told};
use super::{At, Scope, Trail, Walk};

impl Walk<'_, '_> {
    /// Whether a node is in a slice of that name; none when the profile has no such slice for it, or does not say who is in it.
    pub(crate) fn is_in_slice(&mut self, node: u32, profile: &Profile, name: &str) -> Option<bool> {
        let value = self.document.at(node)?;
        let element = self.definitions.element_of(value.node())?;
        let trail = Trail { node, profile, outer: None, depth: 0 };
        let scope = Scope { resource: 0, root: 0 };
        let mut found = None;
        for slice in slices(profile) {
            let Some(rule) = profile.rules.get(slice.rule as usize) else { continue };
            if rule.slice.as_deref() != Some(name) || sliced(rule) != element.path_name() {
                continue;
            }
            if matches!(slice.told, Told::Unknown(_)) {
                return None;
            }
            let at = At { profile, rule, scope, trail: &trail };
            let is_in = self.is_in(Item::of(value), self.number(value), &slice.told, at);
            found = Some(found.unwrap_or(false) || is_in);
        }
        found
    }

    /// The place of an item in its list.
    fn number(&self, item: Value<'_>) -> usize {
        let holds = |list: &Value<'_>| list.kind() == Kind::Array && list.node().after > item.index();
        let list = (0..item.index()).rev().filter_map(|index| self.document.at(index)).find(holds);
        list.and_then(|list| list.children().position(|other| other.index() == item.index())).unwrap_or(0)
    }
}

fn slices(profile: &Profile) -> impl Iterator<Item = &Slice> {
    profile.rules.iter().filter_map(|rule| rule.slicing.as_ref()).flat_map(|slicing| slicing.slices.iter())
}

/// The name of the element that a slice is of: `identifier` of `Patient.identifier:npi`.
fn sliced(rule: &Rule) -> &str {
    let last = rule.id.rsplit('.').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default();
    name.strip_suffix("[x]").unwrap_or(name)
}
