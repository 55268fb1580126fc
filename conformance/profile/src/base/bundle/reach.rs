//! In a document every resource is tied to the Composition (documents.html#content): it is referred to, or refers to one that
//! is.

use fhir::IssueType;
use fhir::json::{Kind, Value};

use super::resolve::{Entries, Found};
use crate::report::Report;

pub(super) fn check(entries: &Entries<'_, '_>, report: &mut Report) {
    let reached = reached(&ties(entries));
    for (entry, is_reached) in entries.all.iter().zip(reached) {
        if !is_reached {
            let expected = "expected the resource to be tied to the Composition by references, in either direction";
            report.error(entry.entry.index(), IssueType::Informational, expected);
        }
    }
}

/// Pairs of entries of which one refers to the other.
fn ties(entries: &Entries<'_, '_>) -> Vec<Vec<usize>> {
    let mut ties = vec![Vec::new(); entries.all.len()];
    for (from, entry) in entries.all.iter().enumerate() {
        for text in texts(entry.resource) {
            for to in targets(&text, from, entries) {
                tie(&mut ties, from, to);
                tie(&mut ties, to, from);
            }
        }
    }
    ties
}

fn tie(ties: &mut [Vec<usize>], from: usize, to: usize) {
    if let Some(known) = ties.get_mut(from) {
        known.push(to);
    }
}

/// What a text leads to. A URL of any type counts as well as a reference.
fn targets(text: &str, from: usize, entries: &Entries<'_, '_>) -> Vec<usize> {
    match entries.resolve(text, from) {
        Found::One(to) => vec![to],
        Found::Many(_) => entries.with_url(text).iter().copied().chain(entries.named(text)).collect(),
        Found::Nothing { .. } => Vec::new(),
    }
}

/// Every text of a resource that may be a URL.
fn texts<'a>(resource: Value<'a>) -> impl Iterator<Item = std::borrow::Cow<'a, str>> {
    let document = resource.document();
    (resource.index()..resource.node().after)
        .filter_map(move |index| document.at(index))
        .filter(|value| matches!(value.kind(), Kind::String) && (5..2048).contains(&value.raw().len()))
        .filter(|value| value.raw().iter().any(|byte| matches!(byte, b'/' | b':')))
        .filter_map(Value::text)
}

/// Which entries can be reached from the first.
fn reached(ties: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = vec![false; ties.len()];
    let mut next = vec![0];
    while let Some(number) = next.pop() {
        let Some(is_reached @ false) = reached.get_mut(number) else { continue };
        *is_reached = true;
        next.extend(ties.get(number).into_iter().flatten());
    }
    reached
}
