//! What a back end listed: a page of a search or of a history, and the lines that come of it.

use bytes::Bytes;
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Id, ResourceType, Version};
use search::IndexValue;
use search::subset::{Part as Subset, subset};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::job::{Extent, Kind, Line, OfType, Wish};

/// Issues that say that something is missing which could be had later.
const MISSING: [&str; 6] = ["transient", "timeout", "incomplete", "throttled", "exception", "no-store"];

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its entries: matches of a search, versions of a history.
    pub(super) entries: Vec<Bytes>,
    /// OperationOutcomes of the search itself that tell of a fault, each in one line.
    pub(super) outcomes: Vec<String>,
    /// Whether they say that something is missing.
    pub(super) is_partial: bool,
    /// The query of the next page.
    pub(super) next: Option<String>,
}

/// Why a page cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is no Bundle.
    NoBundle,
    /// Its next page is somewhere else: what stands there would be missing.
    Elsewhere,
}

impl Page {
    /// Reads a Bundle whose links stand behind `place`.
    pub(super) fn read(bytes: &Bytes, place: &str) -> Result<Self, Unreadable> {
        let mut nodes = Vec::new();
        scan(bytes, &mut nodes, Limits::default()).map_err(|_| Unreadable::NoBundle)?;
        let root = Document::new(bytes, &nodes).root().ok_or(Unreadable::NoBundle)?;
        if text(root, "resourceType").as_deref() != Some("Bundle") {
            return Err(Unreadable::NoBundle);
        }
        let mut page = Self { next: next(root, place)?, ..Self::default() };
        for entry in root.member("entry").into_iter().flat_map(Value::items) {
            let mode = entry.member("search").and_then(|search| text(search, "mode"));
            match mode.as_deref() {
                Some("match") | None => {
                    let node = entry.node();
                    page.entries.push(bytes.slice(node.start as usize..node.end as usize));
                }
                Some("outcome") => page.outcome(entry),
                Some(_) => {}
            }
        }
        Ok(page)
    }

    fn outcome(&mut self, entry: Value<'_>) {
        let Some(resource) = entry.member("resource") else { return };
        let is_bad =
            |issue: &Value<'_>| matches!(text(*issue, "severity").as_deref(), Some("warning" | "error" | "fatal"));
        let mut bad = resource.member("issue").into_iter().flat_map(Value::items).filter(is_bad).peekable();
        if bad.peek().is_none() {
            return;
        }
        self.is_partial |= bad.any(|issue| text(issue, "code").is_some_and(|code| MISSING.contains(&&*code)));
        self.outcomes.push(String::from_utf8_lossy(&in_one_line(resource.raw())).into_owned());
    }
}

fn next(root: Value<'_>, place: &str) -> Result<Option<String>, Unreadable> {
    let links = root.member("link").into_iter().flat_map(Value::items);
    let next =
        links.filter(|link| text(*link, "relation").as_deref() == Some("next")).find_map(|link| text(link, "url"));
    let Some(url) = next else { return Ok(None) };
    let query = url.strip_prefix(place).and_then(|rest| rest.strip_prefix('?'));
    query.map(|query| Some(query.to_owned())).ok_or(Unreadable::Elsewhere)
}

/// What is made of entries.
pub(super) struct Maker<'a> {
    pub(super) wish: &'a Wish,
    pub(super) of: &'a OfType,
}

impl Maker<'_> {
    /// The lines of a page, each with the id that it is known by.
    pub(super) fn lines(&self, kind: Kind, page: &Page) -> Vec<Line> {
        let line = |entry: &Bytes| match kind {
            Kind::Deleted => self.deletion(entry),
            _ => self.resource(entry),
        };
        page.entries.iter().filter_map(line).collect()
    }

    /// A resource that is wanted.
    fn resource(&self, entry: &[u8]) -> Option<Line> {
        let mut around = Vec::new();
        scan(entry, &mut around, Limits::default()).ok()?;
        let bytes = Document::new(entry, &around).root()?.member("resource")?.raw();
        let mut nodes = Vec::new();
        scan(bytes, &mut nodes, Limits::default()).ok()?;
        let document = Document::new(bytes, &nodes);
        let root = document.root()?;
        if text(root, "resourceType").as_deref() != Some(self.of.resource_type.as_str()) {
            return None;
        }
        let id: Id = text(root, "id")?.parse().ok()?;
        let is_wanted = (self.of.by_time || self.is_in_time(root))
            && (self.wish.extent != Extent::Patients
                || is_of_a_patient(document, self.of.resource_type, self.wish.version));
        let json = if is_wanted { self.written(document, bytes) } else { Vec::new() };
        Some(Line { id, json })
    }

    /// Whether it changed when it must have; what says nothing of that is not left out.
    fn is_in_time(&self, root: Value<'_>) -> bool {
        let updated = root.member("meta").and_then(|meta| text(meta, "lastUpdated"));
        let Some(updated) = updated.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()) else { return true };
        let bound = |text: &Option<String>| text.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        bound(&self.wish.since).is_none_or(|since| updated >= since)
            && bound(&self.wish.until).is_none_or(|until| updated < until)
    }

    fn written(&self, document: Document<'_>, bytes: &[u8]) -> Vec<u8> {
        let of = self.of.resource_type.as_str();
        let is_of = |element: &&String| element.split_once('.').is_none_or(|(name, _)| name == of);
        let elements: Vec<String> = self.wish.elements.iter().filter(is_of).cloned().collect();
        let mut cut = Vec::new();
        if !elements.is_empty() && subset(document, self.wish.version, Subset::Elements(&elements), &mut cut) {
            return in_one_line(&cut);
        }
        in_one_line(bytes)
    }

    /// The newest version of a resource in a history: a line when it is a deletion since then.
    fn deletion(&self, entry: &[u8]) -> Option<Line> {
        let mut nodes = Vec::new();
        scan(entry, &mut nodes, Limits::default()).ok()?;
        let root = Document::new(entry, &nodes).root()?;
        let request = root.member("request")?;
        let of = self.of.resource_type.as_str();
        let named = text(request, "url").into_iter().chain(text(root, "fullUrl"));
        let id: Id = named.filter_map(|url| id_in(&url, of)).next()?;
        let is_deletion = text(request, "method").as_deref() == Some("DELETE");
        let when = root.member("response").and_then(|response| text(response, "lastModified"));
        let since = self.wish.since.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let when = when.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        let is_recent = when.zip(since).is_none_or(|(when, since)| when >= since);
        let json = if is_deletion && is_recent { tombstone(of, &id) } else { Vec::new() };
        Some(Line { id, json })
    }
}

/// Bulk Data, 2.6.5: a Bundle of type transaction with a DELETE.
fn tombstone(of: &str, id: &Id) -> Vec<u8> {
    let entry = serde_json::json!({ "request": { "method": "DELETE", "url": format!("{of}/{id}") } });
    serde_json::json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] }).to_string().into_bytes()
}

/// `Patient/1`, `[base]/Patient/1`, either with a version.
fn id_in(url: &str, of: &str) -> Option<Id> {
    let unversioned = url.split("/_history").next().unwrap_or(url);
    let mut segments = unversioned.rsplit('/');
    let (id, name) = (segments.next()?, segments.next()?);
    (name == of).then(|| id.parse().ok()).flatten()
}

/// Whether a resource is in the compartment of some patient.
fn is_of_a_patient(document: Document<'_>, resource_type: ResourceType, version: Version) -> bool {
    let Some(codes) = search::compartment::parameters(ResourceType::PATIENT, resource_type, version) else {
        return false;
    };
    if resource_type == ResourceType::PATIENT {
        return true;
    }
    let mut found = false;
    search::extract(document, resource_type, version, &mut |parameter, value| {
        if let IndexValue::Reference(reference) = value
            && codes.contains(&parameter.code)
        {
            found |= reference.resource_type == Some(ResourceType::PATIENT);
        }
    });
    found
}

/// The same JSON without line breaks: in JSON they stand between tokens only.
fn in_one_line(json: &[u8]) -> Vec<u8> {
    json.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect()
}

fn text<'a>(object: Value<'a>, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    object.member(name).and_then(Value::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "https://gw/fhir/r4/Appointment";

    fn wish(extent: Extent) -> Wish {
        Wish {
            extent,
            request: String::new(),
            base: "https://gw/fhir/r4".into(),
            version: Version::R4,
            since: Some("2024-02-01T00:00:00.000Z".into()),
            until: None,
            elements: Vec::new(),
            types: Vec::new(),
        }
    }

    fn of(by_time: bool) -> OfType {
        OfType { resource_type: ResourceType::APPOINTMENT, filters: Vec::new(), by_time, joined: false }
    }

    fn page(json: &str) -> Page {
        Page::read(&Bytes::from(json.to_owned()), PLACE).unwrap()
    }

    fn written(lines: &[Line]) -> Vec<String> {
        let lines = lines.iter().filter(|line| !line.json.is_empty());
        lines.map(|line| String::from_utf8(line.json.clone()).unwrap()).collect()
    }

    #[test]
    fn resources_are_written_in_one_line_each_and_decimals_as_they_were() {
        let page = page(
            "{\"resourceType\":\"Bundle\",\"link\":[{\"relation\":\"next\",\"url\":\"https://gw/fhir/r4/Appointment?_page=x\"}],
              \"entry\":[{\"resource\":{\"resourceType\":\"Appointment\",\r\n \"id\":\"1\",\"x\":1.50}},
                         {\"resource\":{\"resourceType\":\"Slot\",\"id\":\"2\"},\"search\":{\"mode\":\"include\"}},
                         {\"resource\":{\"resourceType\":\"Appointment\",\"id\":\"3\"},\"search\":{\"mode\":\"match\"}}]}",
        );
        let (wish, of) = (wish(Extent::System), of(true));
        let lines = Maker { wish: &wish, of: &of }.lines(Kind::Output, &page);
        assert_eq!(
            written(&lines),
            [r#"{"resourceType":"Appointment", "id":"1","x":1.50}"#, r#"{"resourceType":"Appointment","id":"3"}"#]
        );
        assert_eq!(page.next.as_deref(), Some("_page=x"));
    }

    #[test]
    fn a_link_to_somewhere_else_is_no_end() {
        let bundle =
            r#"{"resourceType":"Bundle","link":[{"relation":"next","url":"https://other/Appointment?_page=x"}]}"#;
        assert_eq!(Page::read(&Bytes::from(bundle), PLACE).unwrap_err(), Unreadable::Elsewhere);
        assert_eq!(Page::read(&Bytes::from(r#"{"resourceType":"Slot"}"#), PLACE).unwrap_err(), Unreadable::NoBundle);
    }

    #[test]
    fn what_did_not_change_or_is_of_no_patient_is_left_out() {
        let page = page(
            r#"{"resourceType":"Bundle","entry":[
            {"resource":{"resourceType":"Appointment","id":"old","meta":{"lastUpdated":"2024-01-31T23:59:59Z"},"participant":[{"actor":{"reference":"Patient/1"}}]}},
            {"resource":{"resourceType":"Appointment","id":"new","meta":{"lastUpdated":"2024-02-01T01:00:00+01:00"},"participant":[{"actor":{"reference":"Patient/1"}}]}},
            {"resource":{"resourceType":"Appointment","id":"unclear","participant":[{"actor":{"reference":"https://x/Patient/1"}}]}},
            {"resource":{"resourceType":"Appointment","id":"nobody","participant":[{"actor":{"reference":"Practitioner/1"}}]}}]}"#,
        );
        let (wish, of) = (wish(Extent::Patients), of(false));
        let lines = Maker { wish: &wish, of: &of }.lines(Kind::Output, &page);
        let ids: Vec<&str> = lines.iter().filter(|line| !line.json.is_empty()).map(|line| line.id.as_str()).collect();
        assert_eq!(ids, ["new", "unclear"]);
    }

    #[test]
    fn deletions_are_told_once_for_each_resource_that_ended_so() {
        let page = page(
            r#"{"resourceType":"Bundle","type":"history","entry":[
            {"request":{"method":"DELETE","url":"Appointment/1"},"response":{"lastModified":"2024-03-01T00:00:00Z"}},
            {"fullUrl":"https://gw/fhir/r4/Appointment/2","request":{"method":"PUT","url":"Appointment/2/_history/3"},"resource":{}},
            {"request":{"method":"DELETE","url":"Appointment/3"},"response":{"lastModified":"2024-01-01T00:00:00Z"}}]}"#,
        );
        let (wish, of) = (wish(Extent::System), of(true));
        let lines = Maker { wish: &wish, of: &of }.lines(Kind::Deleted, &page);
        assert_eq!(lines.len(), 3);
        assert_eq!(
            written(&lines),
            [
                r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Appointment/1"}}]}"#
            ]
        );
    }

    #[test]
    fn a_back_end_that_did_not_answer_makes_a_page_partial_and_a_hint_does_not() {
        let outcome = |severity: &str, code: &str| {
            page(&format!(
                r#"{{"resourceType":"Bundle","entry":[{{"search":{{"mode":"outcome"}},"resource":{{"resourceType":"OperationOutcome",
                "issue":[{{"severity":"{severity}","code":"{code}","diagnostics":"x"}}]}}}}]}}"#
            ))
        };
        assert!(outcome("warning", "transient").is_partial);
        assert!(!outcome("information", "transient").is_partial);
        let other = outcome("warning", "not-supported");
        assert!(!other.is_partial && other.outcomes.len() == 1 && !other.outcomes[0].contains('\n'));
    }
}
