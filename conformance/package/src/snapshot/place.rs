//! Where an element of a differential belongs.

use super::Ground;
use super::tree::Node;
use super::walk;
use crate::structure::{Cardinality, Discriminator, DiscriminatorType, ElementDefinition, Rules, Slicing, TypeUse};

/// The number of the child that a step of an id means (`extension:race`), after growing it where it is not there yet. None when
/// there can be no such child.
pub(super) fn child(node: &mut Node, step: &str, ground: &mut Ground<'_, '_>) -> Option<usize> {
    let (name, slice) = step.split_once(':').map_or((step, None), |(name, slice)| (name, Some(slice)));
    let (name, short) = known(node, name).or_else(|| {
        walk::grow(node, name, ground);
        known(node, name).or_else(|| ground.is_open.then(|| (added(node, name, ground), None)))
    })?;
    match slice.map(str::to_owned).or(short) {
        None => node.find(&name, None).or_else(|| node.children.iter().position(|child| child.name == name)),
        Some(slice) => match node.find(&name, Some(&slice)) {
            Some(number) => Some(number),
            None => sliced(node, &name, &slice, ground),
        },
    }
}

/// The name that a child has, and the slice that a short form means: `valueQuantity` is the slice of that name of `value[x]`.
fn known(node: &Node, name: &str) -> Option<(String, Option<String>)> {
    if node.children.iter().any(|child| child.name == name) {
        return Some((name.to_owned(), None));
    }
    // Some write the choice without `[x]`.
    if let Some(choice) = node.children.iter().find(|child| child.name.strip_suffix("[x]") == Some(name)) {
        return Some((choice.name.clone(), None));
    }
    let short = |choice: &&Node| {
        choice
            .name
            .strip_suffix("[x]")
            .and_then(|stem| name.strip_prefix(stem))
            .is_some_and(|type_| choice.element.types.iter().any(|used| capital(&used.code) == type_))
    };
    if let Some(choice) = node.children.iter().find(short) {
        return Some((choice.name.clone(), Some(name.to_owned())));
    }
    // An older base may have renamed the choice: `valueQuantity` alone.
    let stem = name.strip_suffix("[x]")?;
    let renamed = |child: &&Node| {
        child
            .name
            .strip_prefix(stem)
            .is_some_and(|type_| child.element.types.iter().any(|used| capital(&used.code) == type_))
    };
    node.children.iter().find(renamed).map(|child| (child.name.clone(), None))
}

/// `Quantity` of `Quantity`, `DateTime` of `dateTime`: how the name of a variant ends.
pub(super) fn capital(code: &str) -> String {
    let mut chars = code.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn added(node: &mut Node, name: &str, ground: &mut Ground<'_, '_>) -> String {
    ground.room = ground.room.saturating_sub(1);
    let element = ElementDefinition { max: Some(1), ..ElementDefinition::default() };
    node.children.push(Node { name: name.to_owned(), ..Node::new(&element) });
    name.to_owned()
}

/// Adds a slice: a copy of what it slices, which may appear or not.
fn sliced(node: &mut Node, name: &str, slice: &str, ground: &mut Ground<'_, '_>) -> Option<usize> {
    let of_slice = slice.rsplit_once('/').and_then(|(outer, _)| node.find(name, Some(outer)));
    let number = of_slice.or_else(|| node.find(name, None))?;
    let of = node.children.get_mut(number)?;
    if of.element.slicing.is_none() {
        of.element.slicing = Some(implied_slicing(&of.name));
        of.is_sliced_by_itself = true;
    }
    ground.room = ground.room.saturating_sub(of.size());
    if ground.room == 0 {
        return None;
    }
    let mut copy = of.clone();
    copy.slice = Some(slice.to_owned());
    copy.element.slicing = None;
    copy.element.min = 0;
    narrow(&mut copy, slice);
    let behind =
        node.children.iter().rposition(|child| child.name == name && belongs(child, of_slice.is_some(), slice));
    let place = behind.unwrap_or(number) + 1;
    node.children.insert(place, copy);
    Some(place)
}

/// Whether a new slice stands behind that sibling.
fn belongs(child: &Node, is_reslice: bool, slice: &str) -> bool {
    if !is_reslice {
        return true;
    }
    let outer = slice.rsplit_once('/').map_or(slice, |(outer, _)| outer);
    child
        .slice
        .as_deref()
        .and_then(|known| known.strip_prefix(outer))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What tells slices apart where nothing is said: extensions by URL, choices by type.
fn implied_slicing(name: &str) -> Slicing {
    let discriminator = |type_, path: &str| vec![Discriminator { type_, path: path.to_owned() }];
    let discriminators = match name {
        "extension" | "modifierExtension" => discriminator(DiscriminatorType::Value, "url"),
        choice if choice.ends_with("[x]") => discriminator(DiscriminatorType::Type, "$this"),
        _ => Vec::new(),
    };
    Slicing { discriminators, is_ordered: false, rules: Rules::Open }
}

/// The slice `valueQuantity` of `value[x]` has the type Quantity.
fn narrow(copy: &mut Node, slice: &str) {
    let Some(type_) = copy.name.strip_suffix("[x]").and_then(|stem| slice.strip_prefix(stem)) else { return };
    let types: Vec<TypeUse> = copy.element.types.iter().filter(|used| capital(&used.code) == type_).cloned().collect();
    if !types.is_empty() {
        copy.element.types = types;
    }
}

/// What a new element of a type says of itself first.
pub(super) fn first_definition(element: &ElementDefinition, path: &str) -> Cardinality {
    Cardinality { path: path.to_owned(), min: element.min, max: element.max }
}
