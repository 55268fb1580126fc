//! JSON as an index over its own bytes. Nothing is copied: a node knows its span, its kind, its member name and its next
//! sibling, so that a validator, FHIRPath and search extraction walk one scan of one buffer.

pub mod lexer;
mod scan;
pub mod splice;
mod syntax_error;

use std::borrow::Cow;

pub use scan::{Limits, check_text, scan};
pub use splice::{SpliceError, Stamp, replace_id, splice};
pub use syntax_error::{Fault, SyntaxError, position};

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, as written.
    Number,
    /// A string without escapes: its bytes are its text.
    String,
    /// A string with escapes.
    EscapedString,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value of a document. In document order: the first child of a node is the node after it.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Offset of the first byte of the value (of a string: its quote).
    pub start: u32,
    /// Offset behind its last byte.
    pub end: u32,
    /// Offset of the member name behind its quote; 0 for what has no name.
    pub name: u32,
    /// Length of the member name in bytes.
    pub name_length: u16,
    /// What it is.
    pub kind: Kind,
    /// Index of the node behind this one's last descendant: where a next sibling stands, if there is one.
    pub after: u32,
    /// What the definitions say it is; 0 when nobody asked or nobody knows. Given meaning by the validator.
    pub element: u32,
}

/// A scanned document: bytes and their nodes. Node 0 is the root.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    bytes: &'a [u8],
    nodes: &'a [Node],
}

impl<'a> Document<'a> {
    /// Puts bytes and the nodes that a scan of them made together.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8], nodes: &'a [Node]) -> Self {
        Self { bytes, nodes }
    }

    /// The root, unless the document is empty.
    #[inline]
    #[must_use]
    pub fn root(self) -> Option<Value<'a>> {
        self.at(0)
    }

    /// The value of a node.
    #[inline]
    #[must_use]
    pub fn at(self, index: u32) -> Option<Value<'a>> {
        self.nodes.get(index as usize).map(|node| Value { document: self, node, index })
    }

    /// The JSON.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: Document<'a>,
    node: &'a Node,
    index: u32,
}

impl<'a> Value<'a> {
    /// Its node.
    #[inline]
    #[must_use]
    pub const fn node(self) -> &'a Node {
        self.node
    }

    /// The index of its node.
    #[inline]
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// The document that it is part of.
    #[inline]
    #[must_use]
    pub const fn document(self) -> Document<'a> {
        self.document
    }

    /// What it is.
    #[inline]
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.node.kind
    }

    /// Its bytes as written, quotes included.
    #[inline]
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.document.bytes.get(self.node.start as usize..self.node.end as usize).unwrap_or_default()
    }

    /// Its member name as written; empty for an array's item and the root.
    #[must_use]
    pub fn name(self) -> &'a str {
        std::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The same as bytes, which costs less.
    #[inline]
    #[must_use]
    pub fn name_bytes(self) -> &'a [u8] {
        let start = self.node.name as usize;
        self.document.bytes.get(start..start + self.node.name_length as usize).unwrap_or_default()
    }

    /// The text of a string, escapes resolved.
    #[inline]
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        match self.node.kind {
            Kind::String => {
                let inner = raw.get(1..raw.len().checked_sub(1)?)?;
                std::str::from_utf8(inner).ok().map(Cow::Borrowed)
            }
            Kind::EscapedString => escaped_text(raw).map(Cow::Owned),
            _ => None,
        }
    }

    /// The text of a number as written.
    #[must_use]
    pub fn number(self) -> Option<&'a str> {
        (self.node.kind == Kind::Number).then(|| std::str::from_utf8(self.raw()).ok()).flatten()
    }

    /// `true` or `false`.
    #[inline]
    #[must_use]
    pub const fn boolean(self) -> Option<bool> {
        match self.node.kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The members of an object or the items of an array, in order.
    #[inline]
    pub fn children(self) -> impl Iterator<Item = Self> + use<'a> {
        let mut next = self.index + 1;
        let end = if matches!(self.node.kind, Kind::Array | Kind::Object) { self.node.after } else { next };
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let child = self.document.at(next)?;
            next = child.node.after;
            Some(child)
        })
    }

    /// The member of that name.
    #[inline]
    #[must_use]
    pub fn member(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.is_named(name))
    }

    /// Whether its member name is `name`, in whatever spelling.
    #[inline]
    #[must_use]
    pub fn is_named(self, name: &str) -> bool {
        let (raw, name) = (self.name_bytes(), name.as_bytes());
        // An escape is longer than what it stands for.
        if raw.len() <= name.len() { raw == name } else { is_spelled(raw, name) }
    }

    /// The items of an array, or the value itself: FHIRPath sees no difference.
    #[inline]
    pub fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        let array = self.node.kind == Kind::Array;
        self.children().filter(move |_| array).chain((!array).then_some(self))
    }
}

#[cold]
fn escaped_text(raw: &[u8]) -> Option<String> {
    serde_json::from_slice(raw).ok()
}

/// Whether a member name with escapes says `name`, which is shorter. Where the two differ first an escape must stand.
#[inline]
fn is_spelled(raw: &[u8], name: &[u8]) -> bool {
    let first = raw.iter().zip(name).find(|(left, right)| left != right);
    first.is_some_and(|(byte, _)| *byte == b'\\') && spells(raw, name)
}

#[cold]
fn spells(raw: &[u8], name: &[u8]) -> bool {
    let raw = std::str::from_utf8(raw).unwrap_or_default();
    unescaped(raw).is_some_and(|spelled| spelled.as_bytes() == name)
}

#[cold]
fn unescaped(raw: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{raw}\"")).ok()
}
