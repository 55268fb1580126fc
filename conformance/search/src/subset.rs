//! Parts of a resource: `_summary` and `_elements` (search.html#summary, search.html#elements), cut out of its bytes.

use definitions::{Definitions, Element, Shape};
use fhir::json::{Document, Kind, Value};
use fhir::{ResourceType, Version};

/// What a resource that was cut is tagged with (search.html#summary).
const TAG: &str = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// Which part of a resource is wanted. `id` and `meta` are in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// `_summary=true`: what the definition marks as summary, and what is mandatory beside it.
    Summary,
    /// `_summary=text`: the narrative and the mandatory elements.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: these, and what is mandatory or modifies the meaning of the rest. A name may have its type before it:
    /// `Patient.name`.
    Elements(&'a [String]),
}

/// Writes that part of a resource into `out`, tagged as SUBSETTED. What is kept stays as it was written, byte for byte. False, with
/// nothing written, for what is no resource of that release.
#[must_use]
pub fn subset(document: Document<'_>, version: Version, part: Part<'_>, out: &mut Vec<u8>) -> bool {
    let Some(root) = document.root() else { return false };
    let name = root.member("resourceType").and_then(Value::text);
    let Some(resource_type) = name.and_then(|name| name.parse::<ResourceType>().ok()) else { return false };
    let definitions = definitions::of(version);
    let shape = definitions
        .type_of(resource_type)
        .and_then(|known| known.root())
        .and_then(|root| definitions.element(root)?.shape());
    let Some(shape) = shape else { return false };
    let cut = Cut { definitions, part, resource_type };
    let mut members = Members::new(out);
    let mut has_meta = false;
    for member in root.children() {
        let name = member.name();
        match name {
            "meta" if member.kind() == Kind::Object => {
                has_meta = true;
                tagged(member, members.next("meta"));
            }
            "resourceType" | "id" | "_id" => members.copy(member),
            _ if cut.keeps(shape, name) => cut.member(shape, member, &mut members),
            _ => {}
        }
    }
    if !has_meta {
        let meta = members.next("meta");
        meta.extend_from_slice(br#"{"tag":["#);
        meta.extend_from_slice(TAG.as_bytes());
        meta.extend_from_slice(b"]}");
    }
    members.end();
    true
}

struct Cut<'a> {
    definitions: &'static Definitions,
    part: Part<'a>,
    resource_type: ResourceType,
}

impl Cut<'_> {
    /// Whether a member of the resource itself is wanted.
    fn keeps(&self, shape: Shape<'_>, name: &str) -> bool {
        // A companion `_x` goes with `x`.
        let plain = name.strip_prefix('_').unwrap_or(name);
        let Some(element) = shape.member(plain.as_bytes()) else { return false };
        match self.part {
            Part::Summary => element.is_summary() || self.is_mandatory(element),
            Part::Text => plain == "text" || self.is_mandatory(element),
            Part::Data => plain != "text",
            Part::Elements(names) => {
                self.is_mandatory(element)
                    || element.is_modifier()
                    || names.iter().any(|name| self.is_named(element, name))
            }
        }
    }

    fn is_named(&self, element: Element<'_>, name: &str) -> bool {
        let mut steps = name.split('.');
        let first = steps.next().unwrap_or_default();
        let first = if first.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            if first != self.resource_type.as_str() {
                return false;
            }
            steps.next().unwrap_or_default()
        } else {
            first
        };
        element.name() == first || element.path_name() == first
    }

    fn is_mandatory(&self, element: Element<'_>) -> bool {
        let choice = element.choice().and_then(|choice| self.definitions.element(choice));
        element.min() > 0 || choice.is_some_and(|choice| choice.min() > 0)
    }

    /// A member that is wanted: a summary goes on inside of it.
    fn member(&self, shape: Shape<'_>, member: Value<'_>, members: &mut Members<'_>) {
        let inner = shape.member(member.name_bytes()).and_then(Element::shape);
        match inner.filter(|_| self.part == Part::Summary) {
            Some(inner) => self.value(inner, member, members.next(member.name())),
            None => members.copy(member),
        }
    }

    /// Recursion ends with the document, of which the scan has bounded the depth.
    fn value(&self, shape: Shape<'_>, value: Value<'_>, out: &mut Vec<u8>) {
        match value.kind() {
            Kind::Array => {
                out.push(b'[');
                for (index, item) in value.children().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.value(shape, item, out);
                }
                out.push(b']');
            }
            Kind::Object => {
                let mut members = Members::new(out);
                for member in value.children() {
                    // The id of an element may be what a reference within the resource points to.
                    if member.name() == "id" {
                        members.copy(member);
                    } else if self.keeps(shape, member.name()) {
                        self.member(shape, member, &mut members);
                    }
                }
                members.end();
            }
            _ => out.extend_from_slice(value.raw()),
        }
    }
}

/// The meta with the tag.
fn tagged(meta: Value<'_>, out: &mut Vec<u8>) {
    let mut members = Members::new(out);
    let mut has_tag = false;
    for member in meta.children() {
        if member.name() != "tag" || member.kind() != Kind::Array {
            members.copy(member);
            continue;
        }
        has_tag = true;
        let tags: Vec<&[u8]> = member.children().map(Value::raw).chain([TAG.as_bytes()]).collect();
        let out = members.next("tag");
        out.push(b'[');
        out.extend_from_slice(&tags.join(&b","[..]));
        out.push(b']');
    }
    if !has_tag {
        let out = members.next("tag");
        out.push(b'[');
        out.extend_from_slice(TAG.as_bytes());
        out.push(b']');
    }
    members.end();
}

/// An object being written.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Members<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// Where the value of the next member goes.
    fn next(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn copy(&mut self, member: Value<'_>) {
        self.next(member.name()).extend_from_slice(member.raw());
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use fhir::json::{Limits, scan};

    use super::*;

    const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o","meta":{"versionId":"1"},"text":{"status":"generated","div":"<div>x</div>"},"status":"final","code":{"coding":[{"system":"urn:c","code":"1","extension":[{"url":"urn:e","valueString":"x"}]}]},"valueQuantity":{ "value" : 1.50 },"note":[{"text":"a note"}],"issued":"2024-01-01T00:00:00Z"}"#;

    fn cut(json: &str, part: Part<'_>) -> serde_json::Value {
        let mut nodes = Vec::new();
        scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let mut out = Vec::new();
        assert!(subset(Document::new(json.as_bytes(), &nodes), Version::R4, part, &mut out));
        let cut: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert!(cut["meta"]["tag"].to_string().contains("SUBSETTED"), "{cut}");
        cut
    }

    fn names(cut: &serde_json::Value) -> Vec<&str> {
        let mut names: Vec<&str> = cut.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_summary_has_what_is_marked_so_at_every_depth() {
        let cut = cut(OBSERVATION, Part::Summary);
        assert_eq!(names(&cut), ["code", "id", "issued", "meta", "resourceType", "status", "valueQuantity"]);
        assert_eq!(cut["code"]["coding"][0], serde_json::json!({"system": "urn:c", "code": "1"}));
        assert_eq!(cut["meta"]["versionId"], "1");
    }

    #[test]
    fn text_and_data_are_each_others_complement_but_for_what_is_mandatory() {
        let text = cut(OBSERVATION, Part::Text);
        assert_eq!(names(&text), ["code", "id", "meta", "resourceType", "status", "text"]);
        let data = cut(OBSERVATION, Part::Data);
        assert!(names(&data).len() == 8 && data.get("text").is_none(), "{data}");
    }

    #[test]
    fn elements_are_named_plainly_by_their_choice_or_with_their_type_and_mandatory_ones_stay() {
        for name in ["value", "valueQuantity", "Observation.value"] {
            let cut = cut(OBSERVATION, Part::Elements(&[name.to_owned()]));
            assert_eq!(names(&cut), ["code", "id", "meta", "resourceType", "status", "valueQuantity"], "{name}");
        }
        let other = cut(OBSERVATION, Part::Elements(&["Patient.value".to_owned(), "x".to_owned()]));
        assert_eq!(names(&other), ["code", "id", "meta", "resourceType", "status"]);
    }

    #[test]
    fn what_is_kept_stays_as_it_was_written_and_a_companion_goes_with_its_element() {
        let json = r#"{"resourceType":"Patient","_birthDate":{"extension":[{"url":"urn:e","valueDecimal":1.50}]},"gender":"male"}"#;
        let mut nodes = Vec::new();
        scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let mut out = Vec::new();
        let names = ["birthDate".to_owned()];
        assert!(subset(Document::new(json.as_bytes(), &nodes), Version::R4, Part::Elements(&names), &mut out));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("1.50") && !text.contains("gender"), "{text}");
    }

    #[test]
    fn what_is_no_resource_is_not_cut() {
        for json in ["[]", "{}", r#"{"resourceType":"Nothing"}"#] {
            let mut nodes = Vec::new();
            scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap();
            let mut out = Vec::new();
            assert!(
                !subset(Document::new(json.as_bytes(), &nodes), Version::R4, Part::Data, &mut out) && out.is_empty()
            );
        }
    }
}
