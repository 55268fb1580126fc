//! References as far as their text goes (references.html#literal).

use std::borrow::Cow;

use fhir::ResourceType;
use fhir::json::{Document, Kind as Json, Value};

use crate::ReferenceValue;

/// A literal reference or canonical. `None` for a reference within the document (`#id`), and for what is no reference.
pub(crate) fn parse(text: &str) -> Option<ReferenceValue<'_>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    if let Some(relative) = parse_relative(text) {
        return Some(relative);
    }
    let (url, version) = match text.split_once('|') {
        Some((url, version)) => (url, Some(Cow::Borrowed(version)).filter(|version| !version.is_empty())),
        None => (text, None),
    };
    // What is neither `Type/id` nor absolute says nothing.
    let absolute = url.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    absolute.then(|| ReferenceValue {
        resource_type: type_of_url(url),
        url: Some(Cow::Borrowed(url)),
        version,
        ..ReferenceValue::default()
    })
}

/// `Patient/1`, `Patient/1/_history/2`
fn parse_relative(text: &str) -> Option<ReferenceValue<'_>> {
    let mut segments = text.split('/');
    let resource_type = segments.next()?.parse().ok()?;
    let id = segments.next().filter(|id| fhir::id::is_id(id.as_bytes()))?;
    let version = match (segments.next(), segments.next(), segments.next()) {
        (None, None, None) => None,
        (Some("_history"), Some(version), None) if fhir::id::is_id(version.as_bytes()) => Some(Cow::Borrowed(version)),
        _ => return None,
    };
    Some(ReferenceValue {
        resource_type: Some(resource_type),
        id: Some(Cow::Borrowed(id)),
        version,
        ..ReferenceValue::default()
    })
}

/// The type in a RESTful URL: the segment before the id.
fn type_of_url(url: &str) -> Option<ResourceType> {
    let url = url.split("/_history/").next()?;
    let mut segments = url.rsplit('/');
    let id = segments.next()?;
    let name = segments.next()?;
    if fhir::id::is_id(id.as_bytes()) { name.parse().ok() } else { None }
}

/// The type of what a Reference, canonical or uri points to; of a reference within the document that of the contained
/// resource. `None` when unclear.
pub(super) fn target_type(document: Document<'_>, value: Value<'_>) -> Option<ResourceType> {
    let literal = match value.kind() {
        Json::Object => value.member("reference").and_then(Value::text),
        _ => value.text(),
    };
    let Some(literal) = literal else { return stated_type(value) };
    match literal.strip_prefix('#') {
        Some("") => resource_type(document.root()?),
        Some(id) => {
            let contained = document.root()?.member("contained")?;
            let found = contained
                .children()
                .find(|inner| inner.member("id").and_then(Value::text).is_some_and(|own| own == id));
            resource_type(found?)
        }
        None => parse(&literal).and_then(|parsed| parsed.resource_type).or_else(|| stated_type(value)),
    }
}

/// The `resourceType` of an object.
pub(super) fn resource_type(value: Value<'_>) -> Option<ResourceType> {
    value.member("resourceType")?.text()?.parse().ok()
}

/// `Reference.type`: a name, or the URL of the definition.
pub(super) fn stated_type(value: Value<'_>) -> Option<ResourceType> {
    let text = value.member("type")?.text()?;
    text.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(&text).parse().ok()
}
