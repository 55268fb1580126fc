//! A snapshot as a tree. Slices are siblings that follow what they slice.

use crate::structure::ElementDefinition;

/// An element and what it contains.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The last step of its path.
    pub(super) name: String,
    /// The slice it is.
    pub(super) slice: Option<String>,
    /// Its facts; `id` and `path` are set by [`Node::flatten`].
    pub(super) element: ElementDefinition,
    /// Whether nobody said how it is sliced: that it is follows from a slice.
    pub(super) is_sliced_by_itself: bool,
    /// What it contains. Empty where nobody has walked into its type.
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn new(element: &ElementDefinition) -> Self {
        let (name, slice) = (element.name().to_owned(), element.slice_name.clone());
        Self { name, slice, element: element.clone(), is_sliced_by_itself: false, children: Vec::new() }
    }

    /// The tree of a snapshot; none when it is empty.
    pub(super) fn tree(elements: &[ElementDefinition]) -> Option<Self> {
        let (first, rest) = elements.split_first()?;
        let mut open = vec![Self::new(first)];
        for element in rest {
            let depth = element.path.matches('.').count().max(1);
            close(&mut open, depth);
            open.push(Self::new(element));
        }
        close(&mut open, 1);
        open.pop()
    }

    /// What it contains, and so on, with ids and paths.
    pub(super) fn flatten(self) -> Vec<ElementDefinition> {
        let mut out = Vec::new();
        let (id, path) = (self.name.clone(), self.name.clone());
        self.write(id, path, &mut out);
        out
    }

    fn write(self, id: String, path: String, out: &mut Vec<ElementDefinition>) {
        let element = ElementDefinition { id, path, slice_name: self.slice, ..self.element };
        let (id, path) = (element.id.clone(), element.path.clone());
        out.push(element);
        for child in self.children {
            let slice = child.slice.as_ref().map(|slice| format!(":{slice}")).unwrap_or_default();
            let (child_id, child_path) = (format!("{id}.{}{slice}", child.name), format!("{path}.{}", child.name));
            child.write(child_id, child_path, out);
        }
    }

    /// How many elements it is.
    pub(super) fn size(&self) -> usize {
        1 + self.children.iter().map(Self::size).sum::<usize>()
    }

    /// Where a child is.
    pub(super) fn find(&self, name: &str, slice: Option<&str>) -> Option<usize> {
        self.children.iter().position(|child| child.name == name && child.slice.as_deref() == slice)
    }
}

/// Puts what is deeper than `depth` into its parents.
fn close(open: &mut Vec<Node>, depth: usize) {
    while open.len() > depth {
        let Some(done) = open.pop() else { return };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => {
                open.push(done);
                return;
            }
        }
    }
}
