//! A Bundle of a search or a history, without the entries that a token does not reach.

use fhir::Id;
use fhir::json::{Kind, Value};

use super::view::{Seen, View, parse};

/// The bundle as the token sees it. `total` goes when a match does: it would count what is hidden. `None`: it is no
/// Bundle, so that nothing of it may be shown.
pub(super) fn filtered(view: &View<'_>, bytes: &[u8]) -> Option<Seen> {
    let mut nodes = Vec::new();
    let root = parse(bytes, &mut nodes)?;
    if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
        return None;
    }
    let Some(entries) = root.member("entry") else { return Some(Seen::Whole) };
    if entries.kind() != Kind::Array {
        return None;
    }
    let mut kept = Vec::new();
    let (mut is_changed, mut is_short) = (false, false);
    for entry in entries.children() {
        match seen(view, entry) {
            Seen::Whole => kept.push(entry.raw().to_vec()),
            Seen::Redacted(resource) => {
                is_changed = true;
                kept.push(with_resource(entry, &resource));
            }
            Seen::Hidden => {
                is_changed = true;
                is_short |= is_match(entry);
            }
        }
    }
    if !is_changed {
        return Some(Seen::Whole);
    }
    Some(Seen::Redacted(with_entries(root, &kept, is_short)))
}

/// Whether there is no entry.
pub(super) fn is_empty(bytes: &[u8]) -> bool {
    let mut nodes = Vec::new();
    parse(bytes, &mut nodes).is_none_or(|root| root.member("entry").is_none())
}

/// The ids of the matches that are seen, whole or in part. `None`: it is no Bundle.
pub(super) fn matches(view: Option<&View<'_>>, bytes: &[u8]) -> Option<Vec<Id>> {
    let mut nodes = Vec::new();
    let root = parse(bytes, &mut nodes)?;
    if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
        return None;
    }
    let entries = root.member("entry").into_iter().flat_map(Value::children);
    let found = entries.filter(|entry| is_match(*entry));
    let is_seen = |resource: &Value<'_>| view.is_none_or(|view| view.see(resource.raw()) != Seen::Hidden);
    let seen = found.filter_map(|entry| entry.member("resource")).filter(is_seen);
    Some(seen.filter_map(|resource| resource.member("id")?.text()?.parse().ok()).collect())
}

/// What came along is in no total.
fn is_match(entry: Value<'_>) -> bool {
    let mode = entry.member("search").and_then(|search| search.member("mode")).and_then(Value::text);
    mode.is_none_or(|mode| mode == "match")
}

/// An entry without a resource (a deletion in a history) says of nobody whose it was.
fn seen(view: &View<'_>, entry: Value<'_>) -> Seen {
    match entry.member("resource") {
        Some(resource) => view.see(resource.raw()),
        None if view.is_confined() => Seen::Hidden,
        None => Seen::Whole,
    }
}

fn with_resource(entry: Value<'_>, resource: &[u8]) -> Vec<u8> {
    rebuilt(entry.children().map(|member| match member.name() {
        "resource" => (member, Some(resource.to_vec())),
        _ => (member, Some(member.raw().to_vec())),
    }))
}

fn with_entries(root: Value<'_>, entries: &[Vec<u8>], is_short: bool) -> Vec<u8> {
    rebuilt(root.children().map(|member| match member.name() {
        // FHIR json.html: an array is never empty.
        "entry" if entries.is_empty() => (member, None),
        "entry" => (member, Some([b"[".as_slice(), &entries.join(&b","[..]), b"]"].concat())),
        "total" if is_short => (member, None),
        _ => (member, Some(member.raw().to_vec())),
    }))
}

/// An object of these members, each by its name as it was written.
pub(super) fn rebuilt<'a>(members: impl Iterator<Item = (Value<'a>, Option<Vec<u8>>)>) -> Vec<u8> {
    let mut json = vec![b'{'];
    for (member, value) in members {
        let Some(value) = value else { continue };
        if json.len() > 1 {
            json.push(b',');
        }
        json.push(b'"');
        json.extend_from_slice(member.name().as_bytes());
        json.extend_from_slice(b"\":");
        json.extend_from_slice(&value);
    }
    json.push(b'}');
    json
}
