//! Ids and references in bodies: those of an adapter become those that clients see, and the other way round. What is no id and
//! no reference stays byte for byte.

use bytes::Bytes;
use fhir::ResourceType;
use fhir::json::{Document, Kind, Limits, Value, scan};

use super::space::{Ids, Whose};

/// What cannot be rewritten, so that it cannot be shown. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the JSON of one FHIR resource")]
pub(super) struct Unreadable;

/// A body as clients see it, and what of it has to be written down ([`Ids::keep`]) before they do.
///
/// # Errors
/// It is no JSON object.
pub(super) fn seen(ids: &Ids, bytes: &Bytes, base: &str) -> Result<(Bytes, Vec<(String, String)>), Unreadable> {
    let mut long = Vec::new();
    let rewritten = {
        let mut rename = |role, of, id: &str| match role {
            Role::Own => ids.seen(of, id, &mut long),
            Role::Target => ids.target_seen(of, id, &mut long),
        };
        rewrite(bytes, base, &mut rename)?
    };
    Ok((rewritten.unwrap_or_else(|| bytes.clone()), long))
}

/// A body as the adapter has it.
///
/// # Errors
/// It is no JSON object.
pub(super) fn own(ids: &Ids, bytes: &Bytes, base: &str) -> Result<Option<Bytes>, Unreadable> {
    rewrite(bytes, base, &mut |role, of, id| match role {
        Role::Own => match ids.own(of, id) {
            Whose::Own(own) => Some(own).filter(|own| own != id),
            Whose::Other => None,
        },
        Role::Target => ids.target_own(of, id),
    })
}

/// What an id is in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// That of the resource itself.
    Own,
    /// That of a resource which it refers to.
    Target,
}

type Rename<'a> = dyn FnMut(Role, ResourceType, &str) -> Option<String> + 'a;

/// Replacements of string values by their offsets.
type Edits = Vec<(u32, u32, String)>;

fn rewrite(bytes: &Bytes, base: &str, rename: &mut Rename<'_>) -> Result<Option<Bytes>, Unreadable> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, Limits::default()).map_err(|_| Unreadable)?;
    let document = Document::new(bytes, &nodes);
    let root = document.root().filter(|root| root.kind() == Kind::Object).ok_or(Unreadable)?;
    let mut edits = Edits::new();
    for value in (1..nodes.len()).filter_map(|index| document.at(u32::try_from(index).ok()?)) {
        let is_attachment = value.is_named("url") && value.text().is_some_and(|url| is_binary(&url, base));
        if is_attachment || value.is_named("reference") {
            place(value, Role::Target, base, rename, &mut edits);
        }
    }
    resource(root, rename, &mut edits);
    bundle(root, base, rename, &mut edits);
    Ok(apply(bytes, edits))
}

/// The resource's own id.
fn resource(resource: Value<'_>, rename: &mut Rename<'_>, edits: &mut Edits) {
    let of = resource.member("resourceType").and_then(Value::text).and_then(|of| of.parse().ok());
    let id = resource.member("id");
    if let (Some(of), Some(value)) = (of, id)
        && let Some(id) = value.text()
        && let Some(renamed) = rename(Role::Own, of, &id)
    {
        edits.push((value.node().start, value.node().end, quoted(&renamed)));
    }
}

/// What a Bundle says of its entries: where they stand, and what was asked.
fn bundle(root: Value<'_>, base: &str, rename: &mut Rename<'_>, edits: &mut Edits) {
    if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
        return;
    }
    let own = |value: Option<Value<'_>>, rename: &mut Rename<'_>, edits: &mut Edits| {
        if let Some(value) = value {
            place(value, Role::Own, base, rename, edits);
        }
    };
    for link in root.member("link").into_iter().flat_map(Value::children) {
        own(link.member("url"), rename, edits);
    }
    for entry in root.member("entry").into_iter().flat_map(Value::children) {
        if let Some(inner) = entry.member("resource") {
            resource(inner, rename, edits);
        }
        own(entry.member("fullUrl"), rename, edits);
        own(entry.member("request").and_then(|request| request.member("url")), rename, edits);
        own(entry.member("response").and_then(|response| response.member("location")), rename, edits);
    }
}

/// A string that may be `Type/id…`, perhaps behind the base.
fn place(value: Value<'_>, role: Role, base: &str, rename: &mut Rename<'_>, edits: &mut Edits) {
    let Some(text) = value.text() else { return };
    if let Some(renamed) = literal(&text, role, base, rename) {
        edits.push((value.node().start, value.node().end, quoted(&renamed)));
    }
}

/// `Type/id`, with what follows it, and with the base before it or without.
pub(super) fn literal(text: &str, role: Role, base: &str, rename: &mut Rename<'_>) -> Option<String> {
    let relative = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    let before = text.get(..text.len() - relative.len())?;
    let (kind, rest) = relative.split_once('/')?;
    let of: ResourceType = kind.parse().ok()?;
    let end = rest.find(['/', '?', '#', '|']).unwrap_or(rest.len());
    let (id, behind) = rest.split_at(end);
    if !fhir::id::is_id(id.as_bytes()) {
        return None;
    }
    Some(format!("{before}{kind}/{}{behind}", rename(role, of, id)?))
}

/// An Attachment may name a Binary.
fn is_binary(url: &str, base: &str) -> bool {
    url.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(url).starts_with("Binary/")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn apply(bytes: &Bytes, mut edits: Edits) -> Option<Bytes> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(start, _, _)| *start);
    edits.dedup_by_key(|(start, _, _)| *start);
    let mut out = Vec::with_capacity(bytes.len() + edits.len() * 16);
    let mut copied = 0;
    for (start, end, text) in edits {
        out.extend_from_slice(bytes.get(copied..start as usize).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        copied = end as usize;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::names::Names;
    use super::super::space::Space;
    use super::*;

    const BASE: &str = "https://gate.example/fhir/r4";

    fn ehr() -> Ids {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::new(Arc::new(Names::open(&folder.path().join("ids.db"), "default").unwrap()));
        let types = ["Patient", "Binary"].map(|of| config::Types::One(of.parse().unwrap()));
        space.share(&types, &[("ehr".into(), "ehr".into()), ("old".into(), "old".into())]);
        Ids::new(Arc::new(space), "ehr".into(), Arc::new(BTreeMap::new()))
    }

    fn shown(text: &str) -> String {
        let (bytes, _) = seen(&ehr(), &Bytes::copy_from_slice(text.as_bytes()), BASE).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn ids_and_references_are_rewritten_and_every_other_byte_stays() {
        let text = r##"{ "resourceType":"Patient", "id" : "1","multipleBirthInteger":1.50,
            "contained":[{"resourceType":"Patient","id":"1"},{"resourceType":"Group","member":[{"entity":{"reference":"Patient\/2"}}]}],
            "link":[{"other":{"reference":"#1"}},{"other":{"reference":"https://gate.example/fhir/r4/Patient/3/_history/7"}},
            {"other":{"reference":"Slot/1"}},{"other":{"reference":"Patient?identifier=1"}},{"other":{"reference":"urn:uuid:1"}}],
            "photo":[{"url":"Binary/5"},{"url":"https://elsewhere.example/Binary/5"}],"text":{"div":"Patient/1"}}"##;
        let expected = text
            .replacen(r#""id" : "1""#, r#""id" : "ehr-1""#, 1)
            .replace(r"Patient\/2", "Patient/ehr-2")
            .replace("Patient/3/", "Patient/ehr-3/")
            .replace(r#""Binary/5"#, r#""Binary/ehr-5"#);
        assert_eq!(shown(text), expected);
        let back = own(&ehr(), &Bytes::from(expected.clone()), BASE).unwrap().unwrap();
        assert_eq!(String::from_utf8(back.to_vec()).unwrap(), text.replace(r"Patient\/2", "Patient/2"));
    }

    #[test]
    fn a_bundle_says_where_its_entries_stand() {
        let text = r#"{"resourceType":"Bundle","link":[{"relation":"next","url":"https://gate.example/fhir/r4/Patient/1/_history?_page=x"}],
            "entry":[{"fullUrl":"https://gate.example/fhir/r4/Patient/1","resource":{"resourceType":"Patient","id":"1"},
            "request":{"method":"PUT","url":"Patient/1"},"response":{"location":"Patient/1/_history/2"}}]}"#;
        let expected = text.replace("Patient/1", "Patient/ehr-1").replace(r#""id":"1""#, r#""id":"ehr-1""#);
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn a_body_without_a_shared_type_is_the_same_bytes() {
        let text = r#"{"resourceType":"Slot","id":"1","schedule":{"reference":"Schedule/1"}}"#;
        assert_eq!(shown(text), text);
        assert!(own(&ehr(), &Bytes::from_static(text.as_bytes()), BASE).unwrap().is_none());
        assert!(seen(&ehr(), &Bytes::from_static(b"[1]"), BASE).is_err());
    }
}
