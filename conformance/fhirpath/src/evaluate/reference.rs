//! References: `resolve()` without fetching.

use std::borrow::Cow;

use fhir::ResourceType;
use fhir::json::{Document, Kind as Json, Value};

use super::{Evaluated, Evaluator};
use crate::item::{Collection, Element, Item};

impl<'a> Evaluator<'_, 'a> {
    /// What each reference points to: a resource of this document (contained, or an entry of the Bundle), or as much as
    /// its text says of a resource elsewhere. What is unclear gives nothing.
    pub(super) fn resolve(&mut self, input: &[Item<'a>]) -> Evaluated<'a> {
        let mut found = Collection::new();
        for item in input {
            self.charge(1)?;
            let Some((text, stated)) = self.target(item) else { continue };
            if let Some(element) = self.local(&text)? {
                found.push(Item::Element(element));
            } else if let Some(resource_type) = type_of_reference(&text).or(stated) {
                self.open.set(true);
                found.push(Item::Remote(resource_type));
            } else {
                self.open.set(true);
            }
        }
        Ok(found)
    }

    /// The text of a Reference, uri or canonical, and the type that `Reference.type` states.
    fn target(&self, item: &Item<'a>) -> Option<(Cow<'a, str>, Option<ResourceType>)> {
        match item {
            Item::Text(text) => Some((text.clone(), None)),
            Item::Element(element) => {
                let value = self.environment.document.at(element.node)?;
                if value.kind() != Json::Object {
                    return Some((value.text()?, None));
                }
                let stated = stated_type(value);
                match value.member("reference") {
                    Some(reference) => Some((reference.text()?, stated)),
                    None => stated.map(|stated| (Cow::Borrowed(""), Some(stated))),
                }
            }
            _ => None,
        }
    }

    fn local(&mut self, reference: &str) -> Result<Option<Element>, super::EvaluationError> {
        let document = self.environment.document;
        let node = match reference.strip_prefix('#') {
            Some("") => Some(self.environment.resource),
            Some(id) => contained(document, self.environment.resource, id)
                .or_else(|| contained(document, self.environment.root, id)),
            None if reference.is_empty() => None,
            None => self.entry(reference)?,
        };
        Ok(node.map(|node| Element::new(node, self.model.resource(document, node))))
    }

    /// The entry of the Bundle whose fullUrl is, or ends in, the reference.
    fn entry(&mut self, reference: &str) -> Result<Option<u32>, super::EvaluationError> {
        let Some(entries) = self.environment.document.root().and_then(|root| root.member("entry")) else {
            return Ok(None);
        };
        for entry in entries.children() {
            self.charge(1)?;
            let url = entry.member("fullUrl").and_then(Value::text);
            let found = url.is_some_and(|url| {
                url == reference
                    || (!reference.contains(':') && url.strip_suffix(reference).is_some_and(|base| base.ends_with('/')))
            });
            if found {
                return Ok(entry.member("resource").map(Value::index));
            }
        }
        Ok(None)
    }
}

fn contained(document: Document<'_>, resource: u32, id: &str) -> Option<u32> {
    let contained = document.at(resource)?.member("contained")?;
    let found =
        contained.children().find(|inner| inner.member("id").and_then(Value::text).is_some_and(|own| own == id));
    found.map(Value::index)
}

/// `Reference.type`: the name of a resource type, as a name or as the URL of its definition.
pub(crate) fn stated_type(reference: Value<'_>) -> Option<ResourceType> {
    let text = reference.member("type")?.text()?;
    text.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(&text).parse().ok()
}

/// The type that a literal reference names: `Patient/1`, `https://x/Patient/1/_history/2` (references.html#literal).
pub(crate) fn type_of_reference(reference: &str) -> Option<ResourceType> {
    let path = reference.split(['?', '#', '|']).next().unwrap_or_default();
    let path = match path.find("/_history/") {
        Some(end) => path.get(..end)?,
        None => path,
    };
    let mut segments = path.rsplit('/');
    let (id, name) = (segments.next()?, segments.next()?);
    if fhir::id::is_id(id.as_bytes()) { name.parse().ok() } else { None }
}
