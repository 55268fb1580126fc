//! References between the entries of a transaction (http.html#trules, bundle.html#references): full URLs in references, in elements
//! that are URIs and in links of the narrative become the ids that their resources have here; a conditional reference becomes what
//! it finds.

use std::collections::HashMap;

use adapter::{Error, ErrorKind};
use fhir::ResourceType;
use fhir::bundle::conditional;
use fhir::json::{Document, Kind, Value};

use super::Target;
use crate::write::scanned;

/// How references of one resource are resolved.
pub(super) struct Resolver<'a, F> {
    pub(super) names: &'a HashMap<String, Option<Target>>,
    /// The full URL of the resource that holds them, and the base for those without one.
    pub(super) full_url: Option<&'a str>,
    pub(super) base: &'a str,
    /// Finds what a conditional reference means; `None` when it is too early to say.
    pub(super) find: F,
}

/// What came of it.
pub(super) enum Resolved {
    /// There was nothing to resolve.
    Same,
    /// The resource with its references resolved.
    Changed(Vec<u8>),
    /// A reference is to what is not known yet.
    Open,
}

/// What one text is.
enum Known {
    Not,
    Yet(String),
    NotYet,
}

impl<F: FnMut(&str) -> Result<Option<Target>, Error>> Resolver<'_, F> {
    /// Resolves every reference; bytes outside of them stay.
    ///
    /// # Errors
    /// When it is no JSON, or a conditional reference has not exactly one match.
    pub(super) fn resolve(&mut self, bytes: &[u8]) -> Result<Resolved, Error> {
        let nodes = scanned(bytes)?;
        let document = Document::new(bytes, &nodes);
        let mut edits: Vec<(Value<'_>, String)> = Vec::new();
        for index in 0..u32::try_from(nodes.len()).unwrap_or(u32::MAX) {
            let Some(value) = document.at(index) else { break };
            if !matches!(value.kind(), Kind::String | Kind::EscapedString) {
                continue;
            }
            match self.of(value)? {
                Known::Not => {}
                Known::Yet(text) => edits.push((value, text)),
                Known::NotYet => return Ok(Resolved::Open),
            }
        }
        Ok(if edits.is_empty() { Resolved::Same } else { Resolved::Changed(replaced(bytes, &edits)) })
    }

    fn of(&mut self, value: Value<'_>) -> Result<Known, Error> {
        let name = value.name_bytes();
        if name == b"reference" {
            let Some(text) = value.text() else { return Ok(Known::Not) };
            return self.reference(&text);
        }
        if self.names.is_empty() || !(name == b"div" || is_uri(name)) {
            return Ok(Known::Not);
        }
        let Some(text) = value.text() else { return Ok(Known::Not) };
        Ok(if name == b"div" { self.narrative(&text) } else { self.urn(&text) })
    }

    fn reference(&mut self, text: &str) -> Result<Known, Error> {
        if let Some(target) = self.named(text) {
            return Ok(target.as_ref().map_or(Known::NotYet, |target| Known::Yet(target.to_string())));
        }
        if conditional(text).is_some() {
            return Ok((self.find)(text)?.map_or(Known::NotYet, |target| Known::Yet(target.to_string())));
        }
        // What names a version of a resource that gets its id here names the resource: its versions are new too.
        let Some((place, _)) = text.split_once("/_history/") else { return Ok(Known::Not) };
        Ok(match self.named(place) {
            Some(Some(target)) if target.to_string() != place => Known::Yet(target.to_string()),
            Some(None) => Known::NotYet,
            _ => Known::Not,
        })
    }

    /// What a full URL is, or a relative reference that is one behind the base of the resource that holds it.
    fn named(&self, text: &str) -> Option<&Option<Target>> {
        if self.names.is_empty() {
            return None;
        }
        self.names.get(text).or_else(|| {
            let (kind, _) = text.split_once('/')?;
            kind.parse::<ResourceType>().ok()?;
            let root = self.full_url.and_then(root).unwrap_or(self.base);
            self.names.get(format!("{root}/{text}").as_str())
        })
    }

    /// An element that is a URI: only a URN is known to mean an entry; another URL is its own meaning (a definition's `url`).
    fn urn(&self, text: &str) -> Known {
        match self.names.get(text).filter(|_| is_urn(text)) {
            Some(Some(target)) => Known::Yet(target.to_string()),
            Some(None) => Known::NotYet,
            None => Known::Not,
        }
    }

    /// `href` and `src` of the narrative.
    fn narrative(&self, text: &str) -> Known {
        let mut out = String::new();
        let mut rest = text;
        let mut is_changed = false;
        while let Some((before, quote, url, after)) = next_link(rest) {
            out.push_str(before);
            match self.names.get(url) {
                Some(Some(target)) => {
                    out.push_str(&target.to_string());
                    is_changed = true;
                }
                Some(None) => return Known::NotYet,
                None => out.push_str(url),
            }
            out.push(quote);
            rest = after;
        }
        out.push_str(rest);
        if is_changed { Known::Yet(out) } else { Known::Not }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

/// One resource for a conditional reference (http.html#trules).
pub(super) fn unmatched(text: &str, many: bool) -> Error {
    let kind = text.split('?').next().unwrap_or_default();
    let (code, found) =
        if many { (fhir::IssueType::MultipleMatches, "several") } else { (fhir::IssueType::NotFound, "none") };
    let text = format!("expected one {kind} for a conditional reference, found {found}");
    Error::from_issues(ErrorKind::MultipleMatches, vec![fhir::Issue::error(code, text)])
}

/// Names of elements of type uri, url, oid and uuid. Canonicals are not resolved (http.html#trules).
fn is_uri(name: &[u8]) -> bool {
    matches!(name, b"url" | b"uri" | b"valueOid" | b"valueUuid") || name.ends_with(b"Uri") || name.ends_with(b"Url")
}

fn is_urn(text: &str) -> bool {
    text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")
}

/// `http://server/fhir` of `http://server/fhir/Patient/1`.
fn root(full_url: &str) -> Option<&str> {
    let (place, id) = full_url.rsplit_once('/')?;
    let (root, kind) = place.rsplit_once('/')?;
    kind.parse::<ResourceType>().ok().filter(|_| fhir::id::is_id(id.as_bytes()))?;
    Some(root)
}

/// The next quoted `href` or `src`: what stands before its value, the quote, the value, and what stands behind the quote.
fn next_link(text: &str) -> Option<(&str, char, &str, &str)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = ["href=", "src="].into_iter().filter_map(|name| Some(rest.find(name)? + name.len())).min()?;
        let start = from + at;
        let quote = text.get(start..)?.chars().next()?;
        if matches!(quote, '"' | '\'') {
            let inside = start + 1;
            let length = text.get(inside..)?.find(quote)?;
            let (url, after) = (text.get(inside..inside + length)?, text.get(inside + length + 1..)?);
            return Some((text.get(..inside)?, quote, url, after));
        }
        from = start;
    }
}

/// The bytes with these values instead; edits are in the order of the document.
fn replaced(bytes: &[u8], edits: &[(Value<'_>, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + edits.len() * 16);
    let mut copied = 0;
    for (value, text) in edits {
        let (start, end) = (value.node().start as usize, value.node().end as usize);
        out.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
        out.extend_from_slice(serde_json::Value::from(text.as_str()).to_string().as_bytes());
        copied = end;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(json: &str) -> String {
        let target = |name: &str, id: &str| {
            (name.to_owned(), Some(Target { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() }))
        };
        let names: HashMap<String, Option<Target>> = [
            target("urn:uuid:1", "new"),
            target("http://a/fhir/Patient/7", "seven"),
            target("http://gw/Patient/8", "eight"),
            ("urn:uuid:open".to_owned(), None),
        ]
        .into();
        let find = |_: &str| Ok(Some(Target { resource_type: ResourceType::PATIENT, id: "found".parse().unwrap() }));
        let mut resolver = Resolver { names: &names, full_url: Some("http://a/fhir/Slot/1"), base: "http://gw", find };
        match resolver.resolve(json.as_bytes()).unwrap() {
            Resolved::Same => "same".to_owned(),
            Resolved::Open => "open".to_owned(),
            Resolved::Changed(bytes) => String::from_utf8(bytes).unwrap(),
        }
    }

    #[test]
    fn what_names_an_entry_becomes_its_id_and_the_rest_stays_byte_for_byte() {
        for (json, expected) in [
            (r#"{"x": 1.50, "a":{"reference" : "urn:uuid:1"}}"#, r#"{"x": 1.50, "a":{"reference" : "Patient/new"}}"#),
            (r#"{"reference":"http:\/\/a/fhir/Patient/7"}"#, r#"{"reference":"Patient/seven"}"#),
            (r#"{"reference":"Patient/7"}"#, r#"{"reference":"Patient/seven"}"#),
            (r#"{"reference":"Patient/7/_history/3"}"#, r#"{"reference":"Patient/seven"}"#),
            (r#"{"valueUri":"urn:uuid:1"}"#, r#"{"valueUri":"Patient/new"}"#),
            (r#"{"reference":"Patient?identifier=x"}"#, r#"{"reference":"Patient/found"}"#),
            (
                r#"{"text":{"div":"<div><a href=\"urn:uuid:1\">x</a> <img src='http://a/fhir/Patient/7'/> <a href=\"o\"/></div>"}}"#,
                r#"{"text":{"div":"<div><a href=\"Patient/new\">x</a> <img src='Patient/seven'/> <a href=\"o\"/></div>"}}"#,
            ),
        ] {
            assert_eq!(resolve(json), expected);
        }
    }

    #[test]
    fn what_names_no_entry_stays() {
        for json in [
            r#"{"reference":"urn:uuid:2"}"#,
            r#"{"reference":"Patient/8"}"#,
            r##"{"reference":"#contained"}"##,
            r#"{"identifier":[{"value":"urn:uuid:1"}]}"#,
            r#"{"url":"http://a/fhir/Patient/7"}"#,
            r#"{"valueCanonical":"urn:uuid:1"}"#,
            r#"{"div":"<div>urn:uuid:1 href=urn:uuid:1 src=</div>"}"#,
        ] {
            assert_eq!(resolve(json), "same", "{json}");
        }
    }

    #[test]
    fn what_is_not_decided_yet_leaves_the_whole_resource_open() {
        for json in
            [r#"{"reference":"urn:uuid:open"}"#, r#"{"div":"<a href='urn:uuid:open'/>"}"#, r#"{"uri":"urn:uuid:open"}"#]
        {
            assert_eq!(resolve(json), "open", "{json}");
        }
    }
}
