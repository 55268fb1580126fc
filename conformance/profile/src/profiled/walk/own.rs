//! Objects of types that packages define: their members are known by name alone.

use fhir::json::Value;

use super::super::items::{Item, Items};
use super::super::model::NamedRule;
use super::{At, Walk};

impl<'a> Walk<'a, '_> {
    #[cold]
    pub(super) fn named_members(&mut self, item: Item<'a>, at: At<'_>) {
        let Some(object) = item.object() else { return };
        for named in &at.rule.named {
            let Some(at) = at.rule(named.rule) else { continue };
            match items(object, named) {
                Some(items) => self.element(object, items, at),
                None => self.nothing_named(object, at),
            }
        }
    }

    fn nothing_named(&mut self, object: Value<'a>, at: At<'_>) {
        if at.rule.min > 0 {
            self.too_few(object.index(), at, 0);
        }
        let slices = at.rule.slicing.iter().flat_map(|slicing| &slicing.slices);
        for slice in slices.filter_map(|slice| at.rule(slice.rule)).filter(|slice| slice.rule.min > 0) {
            self.too_few(object.index(), slice, 0);
        }
    }
}

/// What an object has of an element: values, companions or both.
fn items<'a>(object: Value<'a>, named: &NamedRule) -> Option<Items<'a>> {
    let is_meant = |name: &[u8]| match name.strip_prefix(named.name.as_bytes()) {
        Some([]) => true,
        Some([first, ..]) => named.is_choice && first.is_ascii_uppercase(),
        None => false,
    };
    let value = object.children().find(|member| is_meant(member.name_bytes()));
    let companion = object.children().find(|member| member.name_bytes().strip_prefix(b"_").is_some_and(is_meant));
    Items::pair(value, companion)
}
