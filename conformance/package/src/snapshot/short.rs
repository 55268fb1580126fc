//! The short form: `Observation.valueQuantity` in a differential constrains `Observation.value[x]` to be a Quantity, and that
//! Quantity (profiling.html#slicing, "type slicing").

use super::tree::Node;
use super::{Ground, place};
use crate::draft::ElementDraft;
use crate::structure::Rules;

/// Remembers an element that is written in the short form, unless the choice is sliced in so many words.
pub(super) fn note(node: &Node, element: &ElementDraft, ground: &mut Ground<'_, '_>) {
    let written = element.path.rsplit('.').next().unwrap_or_default();
    if written == node.name || !node.name.ends_with("[x]") {
        return;
    }
    if let (Some(slice), Some((parent, _))) = (&node.slice, element.id.rsplit_once('.')) {
        ground.short.push((format!("{parent}.{}", node.name), slice.clone()));
    }
}

/// Allows choices no other types where the short form demands one of them.
pub(super) fn close(root: &mut Node, ground: &mut Ground<'_, '_>) {
    while let Some((choice, slice)) = ground.short.pop() {
        let mut slices = vec![slice];
        ground.short.retain(|(other, slice)| {
            let is_same = *other == choice;
            if is_same {
                slices.push(slice.clone());
            }
            !is_same
        });
        close_choice(root, &choice, &slices, ground);
    }
}

fn close_choice(root: &mut Node, choice: &str, slices: &[String], ground: &mut Ground<'_, '_>) {
    let Some((parent, name)) = choice.rsplit_once('.') else { return };
    let mut node = root;
    for step in parent.split('.').skip(1) {
        let Some(number) = place::child(node, step, ground) else { return };
        node = &mut node.children[number];
    }
    let least = match slices {
        [only] => node.find(name, Some(only)).map_or(0, |number| node.children[number].element.min),
        _ => 0,
    };
    let Some(number) = node.find(name, None) else { return };
    if !node.children[number].is_sliced_by_itself || (least == 0 && !ground.closes_short_forms) {
        return;
    }
    let element = &mut node.children[number].element;
    let stem = name.trim_end_matches("[x]");
    element.types.retain(|used| slices.contains(&format!("{stem}{}", place::capital(&used.code))));
    element.min = element.min.max(least);
    if let Some(slicing) = &mut element.slicing {
        slicing.rules = Rules::Closed;
    }
}
