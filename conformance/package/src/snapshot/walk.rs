//! Walking into a type: its members become children.

use std::sync::Arc;

use super::Ground;
use super::tree::Node;
use crate::canonical::CORE;
use crate::structure::{Structure, TypeUse};

/// Gives a node the children of its type (or of what it refers to) that has a member `name`.
pub(super) fn grow(node: &mut Node, name: &str, ground: &mut Ground<'_, '_>) {
    if let Some(content) = node.element.content.clone() {
        refer(node, &content, ground);
        return;
    }
    for used in node.element.types.clone() {
        let Some(structure) = structure(&used, ground) else { continue };
        let Some(tree) = Node::tree(&structure.elements) else { continue };
        if tree.children.iter().any(|child| is_or_becomes(&child.name, name)) {
            adopt(node, tree.children, ground);
            return;
        }
    }
}

/// Whether a member is `name`, or a choice that has it as a variant.
fn is_or_becomes(member: &str, name: &str) -> bool {
    member == name || member.strip_suffix("[x]").is_some_and(|stem| name.starts_with(stem))
}

/// The structure of a type: its profile when there is exactly one, and it is known.
fn structure(used: &TypeUse, ground: &mut Ground<'_, '_>) -> Option<Arc<Structure>> {
    let profiled = match used.profiles.as_slice() {
        [profile] => (ground.structures)(profile),
        _ => None,
    };
    let url = if used.code.contains(':') { used.code.clone() } else { format!("{CORE}{}", used.code) };
    profiled.filter(|structure| !structure.elements.is_empty()).or_else(|| (ground.structures)(&url))
}

/// Gives a node the content of another element of its structure. From there on it is what it refers to.
fn refer(node: &mut Node, content: &str, ground: &mut Ground<'_, '_>) {
    let own = Node::tree(&ground.base.elements).and_then(|tree| descend(tree, content));
    let type_name = content.split('.').next().unwrap_or_default();
    let target = own.or_else(|| {
        let structure = (ground.structures)(&format!("{CORE}{type_name}"))?;
        descend(Node::tree(&structure.elements)?, content)
    });
    let Some(target) = target else { return };
    node.element.content = None;
    node.element.types = target.element.types;
    adopt(node, target.children, ground);
}

/// The unsliced element with that path.
fn descend(tree: Node, path: &str) -> Option<Node> {
    let mut node = tree;
    for name in path.split('.').skip(1) {
        let number = node.find(name, None)?;
        node = node.children.swap_remove(number);
    }
    Some(node)
}

fn adopt(node: &mut Node, children: Vec<Node>, ground: &mut Ground<'_, '_>) {
    let sizes = children.iter().map(Node::size).sum::<usize>();
    ground.room = ground.room.saturating_sub(sizes);
    if ground.room == 0 {
        return;
    }
    for child in children {
        if node.find(&child.name, child.slice.as_deref()).is_none() {
            node.children.push(child);
        }
    }
}
