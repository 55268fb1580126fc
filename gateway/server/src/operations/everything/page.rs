//! The page that is being filled.

use std::collections::HashSet;

use bytes::Bytes;
use fhir::ResourceType;
use fhir::json::{Document, Limits, Value, scan};

use super::asked::Asked;
use super::notes::Notes;
use super::position::{self, Mark, mark};
use crate::operations::bundle;

/// Bytes of records on one page; the one that reaches it is its last.
const BYTES: usize = 8 << 20;

/// Entries of one answer.
pub(super) struct Page {
    base: String,
    entries: Vec<Bytes>,
    /// What is on it, as `Type/id`.
    held: HashSet<String>,
    /// Records whose references have not been looked at.
    pub(super) fresh: Vec<Bytes>,
    left: usize,
    bytes: usize,
}

impl Page {
    pub(super) fn new(asked: &Asked, most: usize) -> Self {
        Self {
            base: asked.base.clone(),
            entries: Vec::new(),
            held: HashSet::new(),
            fresh: Vec::new(),
            left: asked.count,
            bytes: BYTES.min(most),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) const fn is_full(&self) -> bool {
        self.left == 0 || self.bytes == 0
    }

    /// Records that it still takes.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// Adds a record of the compartment.
    pub(super) fn push(&mut self, resource: &Bytes) {
        if self.add(resource, r#"{"mode":"match"}"#) {
            self.left = self.left.saturating_sub(1);
        }
    }

    /// Adds what a record refers to; it does not count as one. False when it is there.
    pub(super) fn push_along(&mut self, resource: &Bytes) -> bool {
        self.add(resource, r#"{"mode":"include"}"#)
    }

    /// Does not add a record, whose references count all the same.
    pub(super) fn pass_over(&mut self, resource: &Bytes) {
        self.fresh.push(resource.clone());
    }

    /// Whether `Type/id` is on it.
    pub(super) fn holds(&self, identity: &str) -> bool {
        self.held.contains(identity)
    }

    fn add(&mut self, resource: &Bytes, search: &str) -> bool {
        let Some((of, id)) = identity(resource) else { return false };
        let identity = format!("{of}/{id}");
        let url = format!("{}/{identity}", self.base);
        if !self.held.insert(identity) {
            return false;
        }
        self.bytes = self.bytes.saturating_sub(resource.len());
        self.entries.push(bundle::entry(&url, resource, search));
        self.fresh.push(resource.clone());
        true
    }

    /// The Bundle.
    pub(super) fn written(mut self, asked: &Asked, next: Option<String>, notes: Notes) -> Bytes {
        let own = position::own(asked);
        let links: Vec<(&str, String)> =
            std::iter::once(("self", own)).chain(next.map(|next| ("next", next))).collect();
        self.entries.extend(notes.entries());
        bundle::searchset(None, &links, &self.entries)
    }
}

/// Type and id of a resource.
pub(super) fn identity(resource: &[u8]) -> Option<(ResourceType, String)> {
    let mut nodes = Vec::new();
    scan(resource, &mut nodes, Limits::default()).ok()?;
    let root = Document::new(resource, &nodes).root()?;
    let of = root.member("resourceType").and_then(Value::text)?.parse().ok()?;
    Some((of, root.member("id").and_then(Value::text)?.into_owned()))
}

/// The mark of a resource.
pub(super) fn mark_of(resource: &[u8]) -> Option<Mark> {
    identity(resource).map(|(of, id)| mark(&format!("{of}/{id}")))
}
