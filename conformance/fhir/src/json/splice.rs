//! Puts a server's own facts into the bytes of a resource: id and meta. Everything else stays as it was, byte for byte.

use super::{Document, Kind, Value};

/// What a server says about a resource. What is `None` is left as it is.
#[derive(Clone, Copy, Default)]
pub struct Stamp<'a> {
    /// The logical id.
    pub id: Option<&'a str>,
    /// `meta.versionId`.
    pub version_id: Option<&'a str>,
    /// `meta.lastUpdated`, an instant.
    pub last_updated: Option<&'a str>,
}

/// A document that has no place for an id or a meta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// The root is no object.
    #[error("expected a resource: an object")]
    NotAnObject,
    /// `meta` is there and is no object.
    #[error("expected `meta` to be an object")]
    MetaIsNoObject,
}

/// Writes the document with the stamp into `out`, which is cleared first. Members that are there get the new value, others are
/// put in: the id behind `resourceType`, the meta behind the id.
///
/// # Errors
/// When the document is no object, or its meta is none.
pub fn splice(document: Document<'_>, stamp: Stamp<'_>, out: &mut Vec<u8>) -> Result<(), SpliceError> {
    let root = document.root().filter(|root| root.kind() == Kind::Object).ok_or(SpliceError::NotAnObject)?;
    let mut edits = Edits::default();
    let id_place = place_behind(root, "resourceType");
    if let Some(id) = stamp.id {
        set(&mut edits, root, "id", id, id_place);
    }
    if stamp.version_id.is_some() || stamp.last_updated.is_some() {
        let meta_place = root.member("id").map_or(id_place, |id| Place::Behind(id.node().end));
        set_meta(&mut edits, root, stamp, meta_place)?;
    }
    edits.apply(document.bytes(), out);
    Ok(())
}

/// The document with another id; see [`splice`].
///
/// # Errors
/// When the document is no object.
pub fn replace_id(document: Document<'_>, id: &str) -> Result<Vec<u8>, SpliceError> {
    let mut out = Vec::with_capacity(document.bytes().len() + id.len() + 8);
    splice(document, Stamp { id: Some(id), ..Stamp::default() }, &mut out)?;
    Ok(out)
}

fn set_meta(edits: &mut Edits, root: Value<'_>, stamp: Stamp<'_>, place: Place) -> Result<(), SpliceError> {
    let facts = [("versionId", stamp.version_id), ("lastUpdated", stamp.last_updated)];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    match root.member("meta") {
        Some(meta) if meta.kind() == Kind::Object => {
            for (name, value) in facts {
                set(edits, meta, name, value, first_place(meta));
            }
            Ok(())
        }
        Some(_) => Err(SpliceError::MetaIsNoObject),
        None => {
            let members: Vec<String> = facts.map(|(name, value)| member(name, value)).collect();
            edits.insert(place, &format!("\"meta\":{{{}}}", members.join(",")));
            Ok(())
        }
    }
}

/// Sets a string member of an object.
fn set(edits: &mut Edits, object: Value<'_>, name: &str, value: &str, place: Place) {
    match object.member(name) {
        Some(member) => edits.replace(member.node().start, member.node().end, quoted(value)),
        None => edits.insert(place, &member(name, value)),
    }
}

fn member(name: &str, value: &str) -> String {
    format!("\"{name}\":{}", quoted(value))
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// Where a new member goes.
#[derive(Clone, Copy)]
enum Place {
    /// Behind a member that ends there.
    Behind(u32),
    /// Before the first member.
    First(u32),
    /// Into an empty object.
    Alone(u32),
}

fn place_behind(object: Value<'_>, name: &str) -> Place {
    object.member(name).map_or_else(|| first_place(object), |member| Place::Behind(member.node().end))
}

fn first_place(object: Value<'_>) -> Place {
    let inside = object.node().start + 1;
    if object.children().next().is_some() { Place::First(inside) } else { Place::Alone(inside) }
}

/// Replacements of spans, kept in the order in which they are made.
#[derive(Default)]
struct Edits(Vec<(u32, u32, String)>);

impl Edits {
    fn replace(&mut self, start: u32, end: u32, text: String) {
        self.0.push((start, end, text));
    }

    fn insert(&mut self, place: Place, member: &str) {
        match place {
            Place::Behind(at) => self.replace(at, at, format!(",{member}")),
            Place::First(at) => self.replace(at, at, format!("{member},")),
            Place::Alone(at) => {
                // The next member into the same object follows this one.
                let comma = if self.0.iter().any(|(start, _, _)| *start == at) { "," } else { "" };
                self.replace(at, at, format!("{comma}{member}"));
            }
        }
    }

    fn apply(mut self, bytes: &[u8], out: &mut Vec<u8>) {
        // Stable: what is inserted at one place keeps its order.
        self.0.sort_by_key(|(start, _, _)| *start);
        out.clear();
        let mut copied = 0;
        for (start, end, text) in self.0 {
            out.extend_from_slice(bytes.get(copied..start as usize).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            copied = end as usize;
        }
        out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, scan};

    const STAMP: Stamp<'static> =
        Stamp { id: Some("7"), version_id: Some("2"), last_updated: Some("2026-01-02T03:04:05Z") };

    fn stamped(text: &str) -> String {
        let mut nodes = Vec::new();
        scan(text.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let mut out = Vec::new();
        splice(Document::new(text.as_bytes(), &nodes), STAMP, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_missing_is_put_behind_the_resource_type() {
        assert_eq!(
            stamped(r#"{ "resourceType" : "Slot", "x": 1.50}"#),
            r#"{ "resourceType" : "Slot","id":"7","meta":{"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z"}, "x": 1.50}"#
        );
    }

    #[test]
    fn what_is_there_is_replaced_and_the_rest_of_meta_stays() {
        assert_eq!(
            stamped(r#"{"meta":{"tag":[ ],"versionId" : "1"},"id":"1","resourceType":"Slot"}"#),
            r#"{"meta":{"lastUpdated":"2026-01-02T03:04:05Z","tag":[ ],"versionId" : "2"},"id":"7","resourceType":"Slot"}"#
        );
    }

    #[test]
    fn an_empty_object_or_meta_gets_its_members_without_stray_commas() {
        assert_eq!(stamped("{}"), r#"{"id":"7","meta":{"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z"}}"#);
        assert_eq!(
            stamped(r#"{"meta": { }}"#),
            r#"{"id":"7","meta": {"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z" }}"#
        );
    }

    #[test]
    fn without_a_resource_type_the_new_members_come_first() {
        assert_eq!(
            stamped(r#"{"a":[]}"#),
            r#"{"id":"7","meta":{"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z"},"a":[]}"#
        );
    }

    #[test]
    fn an_escaped_spelling_of_id_is_the_id() {
        let text = r#"{"resourceType":"Slot","\u0069d":"1"}"#;
        let mut nodes = Vec::new();
        scan(text.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let out = replace_id(Document::new(text.as_bytes(), &nodes), "7").unwrap();
        assert_eq!(out, br#"{"resourceType":"Slot","\u0069d":"7"}"#);
    }

    #[test]
    fn a_list_and_a_meta_that_is_no_object_are_refused() {
        for (text, error) in [("[1]", SpliceError::NotAnObject), (r#"{"meta":1}"#, SpliceError::MetaIsNoObject)] {
            let mut nodes = Vec::new();
            scan(text.as_bytes(), &mut nodes, Limits::default()).unwrap();
            assert_eq!(splice(Document::new(text.as_bytes(), &nodes), STAMP, &mut Vec::new()), Err(error));
        }
    }
}
