//! Conditional references (http.html#trules): `Patient?identifier=…` in a resource of a transaction.

use std::borrow::Cow;

use crate::json::{Document, Value, scan};
use crate::{Query, ResourceType};

use super::LIMITS;

/// Type and criteria of a conditional reference; none of any other text.
#[must_use]
pub fn conditional(text: &str) -> Option<(ResourceType, Query)> {
    let (kind, criteria) = text.split_once('?')?;
    Some((kind.parse().ok()?, Query::parse(criteria)))
}

/// The conditional references of a resource, as they are written. Of what is no JSON there are none.
#[must_use]
pub fn conditionals(resource: &[u8]) -> Vec<String> {
    let mut nodes = Vec::new();
    // Hardly any resource has one, and a question mark may also be written `\u003f`.
    let may_have = resource.contains(&b'?') || resource.contains(&b'\\');
    if !may_have || scan(resource, &mut nodes, LIMITS).is_err() {
        return Vec::new();
    }
    let document = Document::new(resource, &nodes);
    let values = (0..u32::try_from(nodes.len()).unwrap_or(u32::MAX)).map_while(|index| document.at(index));
    let references = values.filter(|value| value.is_named("reference")).filter_map(Value::text);
    references.filter(|text| conditional(text).is_some()).map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditional_reference_is_found_however_it_is_written() {
        let resource = r#"{"resourceType":"Slot","schedule":{"reference":"Schedule\u003factor=x"},
            "extension":[{"valueReference":{"reference":"Patient?identifier=a|b"}},{"valueReference":{"reference":"Patient/1"}},
            {"valueUri":"Patient?name=no-reference"},{"valueReference":{"reference":"http://elsewhere?x=y"}}]}"#;
        assert_eq!(conditionals(resource.as_bytes()), ["Schedule?actor=x", "Patient?identifier=a|b"]);
        assert!(conditionals(br#"{"reference":"Patient?"#).is_empty());
    }
}
