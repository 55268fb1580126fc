//! JSON from outside, looked at before it is passed on: bounded, one document, one value for each name.

use adapter::{Error, ErrorKind};
use fhir::json::{Document, Kind, Limits, Node, scan};
use fhir::{Id, ResourceType};

/// What a resource says of itself.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) resource_type: Option<ResourceType>,
    pub(crate) id: Option<Id>,
}

/// Scans a JSON text. As many values as an ordinary text of that length has at most: memory stays in proportion.
///
/// # Errors
/// [`ErrorKind::BadReply`]: no JSON, too deep, or a name twice in one object.
pub(crate) fn index(bytes: &[u8]) -> Result<Vec<Node>, Error> {
    let nodes = u32::try_from(bytes.len() / 4).unwrap_or(u32::MAX).max(1_000);
    let mut index = Vec::new();
    scan(bytes, &mut index, Limits { nodes, ..Limits::default() })
        .map_err(|_| Error::new(ErrorKind::BadReply, "the back end's answer is not one sound JSON document"))?;
    Ok(index)
}

/// Type and id of a resource.
///
/// # Errors
/// As [`index`]; it is no object.
pub(crate) fn head(bytes: &[u8]) -> Result<Head, Error> {
    let nodes = index(bytes)?;
    let root = Document::new(bytes, &nodes).root().filter(|root| root.kind() == Kind::Object);
    let root = root.ok_or_else(|| Error::new(ErrorKind::BadReply, "expected a resource from the back end"))?;
    let text = |name: &str| root.member(name).and_then(|member| member.text());
    Ok(Head {
        resource_type: text("resourceType").and_then(|name| name.parse().ok()),
        id: text("id").and_then(|id| id.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sound_document_is_a_bad_reply() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "[]", "1", r#"{"id":"1","id":"2"}"#, deep.as_str(), "{\"a\":\u{1}}"] {
            assert_eq!(head(text.as_bytes()).unwrap_err().kind, ErrorKind::BadReply);
        }
        let found = head(br#"{"resourceType":"Patient","id":"1"}"#).unwrap();
        assert_eq!((found.resource_type, found.id.unwrap().as_str()), (Some(ResourceType::PATIENT), "1"));
    }
}
