//! A JSON text that is changed where it is: spans are replaced, the rest stays as it was, and the node index is made anew.

use std::ops::Range;

use fhir::json::{Document, Fault as JsonFault, Kind, Limits as ScanLimits, Node, SyntaxError, Value, scan};

use crate::Limits;
use crate::error::Reason;

/// One step of a path through a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member of an object.
    Name(String),
    /// An item of an array, from 0.
    Item(usize),
}

/// The text and its index.
pub(crate) struct Text {
    bytes: Vec<u8>,
    nodes: Vec<Node>,
    /// Where containers start that a removal emptied.
    emptied: Vec<usize>,
    most: usize,
    work: u64,
}

impl Text {
    pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Self, Reason> {
        let mut text = Self {
            bytes: bytes.to_vec(),
            nodes: Vec::new(),
            emptied: Vec::new(),
            most: limits.bytes,
            work: limits.work,
        };
        // What is there already may be larger than what may be made.
        text.most = text.most.max(bytes.len());
        text.index()?;
        Ok(text)
    }

    pub(crate) fn document(&self) -> Document<'_> {
        Document::new(&self.bytes, &self.nodes)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What the server alone may say: type and id.
    pub(crate) fn identity(&self) -> [Option<String>; 2] {
        ["resourceType", "id"].map(|name| {
            let member = self.document().root().and_then(|root| root.member(name));
            member.map(|member| member.text().map_or_else(String::new, std::borrow::Cow::into_owned))
        })
    }

    /// The value that a path leads to.
    pub(crate) fn find(&self, path: &[Step]) -> Option<Value<'_>> {
        let root = self.document().root()?;
        path.iter().try_fold(root, |value, step| match step {
            Step::Name(name) if value.kind() == Kind::Object => value.member(name),
            Step::Item(index) if value.kind() == Kind::Array => value.children().nth(*index),
            _ => None,
        })
    }

    /// Puts another value where one stands.
    pub(crate) fn replace(&mut self, node: u32, raw: &[u8]) -> Result<(), Reason> {
        match self.nodes.get(node as usize) {
            Some(node) => self.splice(node.start as usize..node.end as usize, raw),
            None => Err(gone()),
        }
    }

    /// Sets a member of an object: in its place, or behind the others.
    pub(crate) fn put(&mut self, object: u32, name: &str, raw: &[u8]) -> Result<(), Reason> {
        let object = self.document().at(object).ok_or_else(gone)?;
        if let Some(member) = object.member(name) {
            let node = member.index();
            return self.replace(node, raw);
        }
        let mut member = serde_json::Value::from(name).to_string().into_bytes();
        member.push(b':');
        member.extend_from_slice(raw);
        let (at, member) = at_end(object, member);
        self.splice(at..at, &member)
    }

    /// Puts an item into an array, before the one at `index`.
    pub(crate) fn insert(&mut self, array: u32, index: usize, raw: &[u8]) -> Result<(), Reason> {
        let array = self.document().at(array).ok_or_else(gone)?;
        let (at, item) = match array.children().nth(index) {
            Some(next) => (next.node().start as usize, [raw, b","].concat()),
            None => at_end(array, raw.to_vec()),
        };
        self.splice(at..at, &item)
    }

    /// Takes a member or an item out, with the comma that it needs no more. A container that it leaves empty is noted for
    /// [`Text::prune`].
    pub(crate) fn remove(&mut self, container: u32, child: u32) -> Result<(), Reason> {
        let container = self.document().at(container).ok_or_else(gone)?;
        let (mut before, mut found, mut behind) = (None, None, None);
        for value in container.children() {
            match found {
                None if value.index() == child => found = Some(value),
                None => before = Some(value),
                Some(_) => {
                    behind = Some(value);
                    break;
                }
            }
        }
        let found = found.ok_or_else(gone)?;
        let end = found.node().end as usize;
        let range = match (before, behind) {
            (Some(before), _) => before.node().end as usize..end,
            (None, Some(behind)) => begin(found)..begin(behind),
            (None, None) => begin(found)..end,
        };
        if before.is_none() && behind.is_none() {
            let start = container.node().start as usize;
            self.emptied.push(start);
        }
        self.splice(range, b"")
    }

    /// Takes out what removals left empty, and what that leaves empty. In an array of companions a `null` keeps the place
    /// (json.html#primitive).
    pub(crate) fn prune(&mut self) -> Result<(), Reason> {
        while let Some(start) = self.emptied.pop() {
            let index = self.nodes.partition_point(|node| (node.start as usize) < start);
            let Some(value) = self.document().at(index as u32) else { continue };
            let is_empty = value.node().start as usize == start && value.children().next().is_none();
            if !is_empty || !matches!(value.kind(), Kind::Array | Kind::Object) {
                continue;
            }
            let Some(parent) = parent_of(self.document(), index as u32) else { continue };
            let is_companion = parent.kind() == Kind::Array && parent.name().starts_with('_');
            let (parent, node) = (parent.index(), index as u32);
            if is_companion {
                self.replace(node, b"null")?;
                self.drop_nulls(parent)?;
            } else {
                self.remove(parent, node)?;
            }
        }
        Ok(())
    }

    /// Takes an array out that has nothing but `null`.
    pub(crate) fn drop_nulls(&mut self, array: u32) -> Result<(), Reason> {
        let Some(value) = self.document().at(array) else { return Ok(()) };
        if value.kind() != Kind::Array || value.children().any(|item| item.kind() != Kind::Null) {
            return Ok(());
        }
        let Some(parent) = parent_of(self.document(), array) else { return Ok(()) };
        let parent = parent.index();
        self.remove(parent, array)
    }

    fn splice(&mut self, range: Range<usize>, raw: &[u8]) -> Result<(), Reason> {
        let length = self.bytes.len() + raw.len() - range.len();
        if length > self.most && raw.len() > range.len() {
            return Err(Reason::too_costly(format!("expected a result of at most {} bytes", self.most)));
        }
        self.emptied.retain(|start| !range.contains(start));
        for start in self.emptied.iter_mut().filter(|start| **start >= range.end) {
            *start = *start + raw.len() - range.len();
        }
        self.bytes.splice(range, raw.iter().copied());
        self.index()
    }

    /// Accounts for an operation that only reads: the way to a value may lead over all of the text.
    pub(crate) fn look(&mut self) -> Result<(), Reason> {
        let cost = self.bytes.len() as u64;
        self.work = self.work.checked_sub(cost).ok_or_else(|| {
            Reason::too_costly("expected a patch of less work: fewer operations, or a smaller resource")
        })?;
        Ok(())
    }

    fn index(&mut self) -> Result<(), Reason> {
        self.look()?;
        scan(&self.bytes, &mut self.nodes, ScanLimits::default()).map_err(unreadable)
    }
}

/// The container that a value stands in.
pub(crate) fn parent_of(document: Document<'_>, node: u32) -> Option<Value<'_>> {
    let mut parent = document.root().filter(|root| root.index() < node)?;
    loop {
        let child = parent.children().find(|child| child.node().after > node)?;
        if child.index() == node {
            return Some(parent);
        }
        parent = child;
    }
}

/// Where a new last child goes, and its text with the comma before it.
fn at_end(container: Value<'_>, raw: Vec<u8>) -> (usize, Vec<u8>) {
    match container.children().last() {
        Some(last) => (last.node().end as usize, [b",".as_slice(), &raw].concat()),
        None => (container.node().start as usize + 1, raw),
    }
}

/// Where a child's text begins: at the quote of its name, if it has one.
fn begin(child: Value<'_>) -> usize {
    let node = child.node();
    if node.name == 0 { node.start as usize } else { node.name as usize - 1 }
}

fn unreadable(error: SyntaxError) -> Reason {
    match error.fault {
        JsonFault::TooDeep | JsonFault::TooManyValues | JsonFault::LongName | JsonFault::TooLong => {
            Reason::too_costly(error.fault.to_string())
        }
        fault => Reason::unsuitable(format!("expected a resource in JSON: {fault}")),
    }
}

fn gone() -> Reason {
    Reason::unsuitable("expected a value that is there")
}
