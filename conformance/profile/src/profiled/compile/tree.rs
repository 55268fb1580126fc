//! The elements of a snapshot as a tree, slices beside what they are slices of.

use package::ElementDefinition;

/// The children of one element that have the same path: the element and its slices.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The element itself; the first slice where a snapshot has no more.
    pub(super) head: usize,
    /// Its slices in order, reslices among them.
    pub(super) slices: Vec<usize>,
}

/// Groups of children for each element.
pub(super) struct Tree {
    groups: Vec<Vec<Group>>,
}

impl Tree {
    pub(super) fn of(elements: &[ElementDefinition]) -> Self {
        let mut groups: Vec<Vec<Group>> = elements.iter().map(|_| Vec::new()).collect();
        let mut open: Vec<usize> = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            while open.last().and_then(|last| elements.get(*last)).is_some_and(|last| !is_child(last, element)) {
                open.pop();
            }
            if let Some(siblings) = open.last().and_then(|parent| groups.get_mut(*parent)) {
                place(siblings, elements, index);
            }
            open.push(index);
        }
        Self { groups }
    }

    pub(super) fn children(&self, element: usize) -> &[Group] {
        self.groups.get(element).map(Vec::as_slice).unwrap_or_default()
    }
}

fn place(siblings: &mut Vec<Group>, elements: &[ElementDefinition], index: usize) {
    let Some(element) = elements.get(index) else { return };
    let known = siblings.iter_mut().rev().find(|group| {
        elements.get(group.head).is_some_and(|head| {
            head.path == element.path && element.slice_name.is_some() || is_variant(head.name(), element.name())
        })
    });
    match known {
        Some(group) => group.slices.push(index),
        // A slice of something that the snapshot does not have stands for itself.
        None => siblings.push(Group { head: index, slices: Vec::new() }),
    }
}

fn is_child(parent: &ElementDefinition, child: &ElementDefinition) -> bool {
    child
        .path
        .strip_prefix(parent.path.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|name| !name.contains('.'))
}

/// Whether `valueQuantity` stands beside `value[x]`.
fn is_variant(choice: &str, name: &str) -> bool {
    let stem = choice.strip_suffix("[x]");
    stem.and_then(|stem| name.strip_prefix(stem))
        .is_some_and(|type_| type_.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The children of an element with that FHIRPath name, slices included.
pub(super) fn named<'s>(
    elements: &'s [ElementDefinition],
    parent: usize,
    name: &'s str,
) -> impl Iterator<Item = usize> + 's {
    let path = elements.get(parent).map_or("", |element| element.path.as_str());
    let below = elements
        .iter()
        .enumerate()
        .skip(parent + 1)
        .take_while(move |(_, element)| element.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
    below
        .filter(move |(_, element)| {
            let rest = element.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
            rest == name || rest.strip_suffix("[x]") == Some(name)
        })
        .map(|(index, _)| index)
}
