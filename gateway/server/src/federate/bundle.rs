//! Bundles of listings: one back end's page read, and the merged page written.

use bytes::Bytes;
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Id, Outcome, ResourceType};
use search::Vocabulary;

use super::order::{Key, Order};

/// A page of one back end.
#[derive(Default)]
pub(super) struct Listed {
    /// Its matches, or the versions of its history, in its order.
    pub(super) matches: Vec<Entry>,
    /// What came along: includes, and outcomes about the search.
    pub(super) others: Vec<Entry>,
    /// Matches in all, when it says so.
    pub(super) total: Option<u64>,
    /// Its link to the next page.
    pub(super) next: Option<String>,
}

/// An entry as it is written.
pub(super) struct Entry {
    pub(super) json: Bytes,
    /// Type, id and, in a history, the version.
    pub(super) identity: String,
    pub(super) keys: Vec<Key>,
}

impl Entry {
    /// The type of its resource, or of what was deleted.
    pub(super) fn of(&self) -> Option<ResourceType> {
        let (named, _) = self.identity.split_once(' ')?;
        named.rsplit('/').nth(1)?.parse().ok()
    }

    /// The id of its resource, when that is of the type.
    pub(super) fn id_of(&self, of: ResourceType) -> Option<Id> {
        let (named, _) = self.identity.split_once(' ')?;
        named.strip_prefix(of.as_str())?.strip_prefix('/')?.parse().ok()
    }
}

/// Reads a page whose ids are those of clients. None for what is no Bundle.
pub(super) fn read(bytes: &Bytes, order: &Order, vocabulary: Vocabulary) -> Option<Listed> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, Limits::default()).ok()?;
    let root = Document::new(bytes, &nodes).root()?;
    if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
        return None;
    }
    let total = root.member("total").and_then(Value::number).and_then(|total| total.parse().ok());
    let mut listed = Listed { total, next: next(root), ..Listed::default() };
    for entry in root.member("entry").into_iter().flat_map(Value::children) {
        let mode = entry.member("search").and_then(|search| search.member("mode")).and_then(Value::text);
        let is_match = mode.as_deref().is_none_or(|mode| mode == "match");
        let read = read_entry(bytes, entry, if is_match { Some(order) } else { None }, vocabulary);
        if is_match { listed.matches.push(read) } else { listed.others.push(read) }
    }
    Some(listed)
}

fn next(root: Value<'_>) -> Option<String> {
    let links = root.member("link")?;
    let is_next = |link: &Value<'_>| link.member("relation").and_then(Value::text).as_deref() == Some("next");
    let link = links.children().find(is_next)?;
    Some(link.member("url")?.text()?.into_owned())
}

fn read_entry(bytes: &Bytes, entry: Value<'_>, order: Option<&Order>, vocabulary: Vocabulary) -> Entry {
    let node = entry.node();
    let json = bytes.slice(node.start as usize..node.end as usize);
    let text = |object: Option<Value<'_>>, name: &str| {
        object.and_then(|object| object.member(name)).and_then(Value::text).map(|text| text.into_owned())
    };
    let (resource, response) = (entry.member("resource"), entry.member("response"));
    let of = text(resource, "resourceType");
    let named = match (&of, text(resource, "id")) {
        (Some(of), Some(id)) => format!("{of}/{id}"),
        // What was deleted: where it stood, or what was asked.
        _ => text(Some(entry), "fullUrl").or_else(|| text(entry.member("request"), "url")).unwrap_or_default(),
    };
    // In a history a resource stands once for each of its versions.
    let etag = text(response, "etag").or_else(|| text(response, "lastModified")).unwrap_or_default();
    let changed = text(response, "lastModified").and_then(|at| order?.of_change(&at));
    let keys = match (order, resource, of.and_then(|of| of.parse().ok())) {
        _ if changed.is_some() => changed.into_iter().collect(),
        (Some(order), Some(resource), Some(of)) => keys(resource.raw(), of, order, vocabulary),
        _ => Vec::new(),
    };
    Entry { json, identity: format!("{named} {etag}"), keys }
}

fn keys(resource: &[u8], of: ResourceType, order: &Order, vocabulary: Vocabulary) -> Vec<Key> {
    let mut nodes = Vec::new();
    if scan(resource, &mut nodes, Limits::default()).is_err() {
        return Vec::new();
    }
    order.keys(Document::new(resource, &nodes), of, vocabulary)
}

/// Writes the merged page.
pub(super) fn write(kind: &str, total: Option<u64>, links: &[(&str, String)], entries: &[Bytes]) -> Bytes {
    let links: Vec<_> =
        links.iter().map(|(relation, url)| serde_json::json!({ "relation": relation, "url": url })).collect();
    let mut head = format!(r#"{{"resourceType":"Bundle","type":"{kind}""#);
    if let Some(total) = total {
        head.push_str(&format!(r#","total":{total}"#));
    }
    head.push_str(&format!(r#","link":{}"#, serde_json::Value::from(links)));
    let mut out = Vec::with_capacity(head.len() + entries.iter().map(|entry| entry.len() + 1).sum::<usize>() + 16);
    out.extend_from_slice(head.as_bytes());
    for (index, entry) in entries.iter().enumerate() {
        // FHIR json.html: an array is never empty, so that it begins with its first entry.
        out.extend_from_slice(if index == 0 { br#","entry":["# } else { b"," });
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(if entries.is_empty() { b"}" } else { b"]}" });
    out.into()
}

/// An entry that says something about the search itself.
pub(super) fn outcome(outcome: &Outcome) -> Bytes {
    let entry: [&[u8]; 3] = [br#"{"resource":"#, &outcome.to_json(), br#","search":{"mode":"outcome"}}"#];
    entry.concat().into()
}
