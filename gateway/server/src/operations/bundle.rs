//! Searchsets that operations answer with.

use bytes::Bytes;

/// An entry with a resource; `search` is its `Bundle.entry.search` as JSON.
#[must_use]
pub fn entry(full_url: &str, resource: &[u8], search: &str) -> Bytes {
    let url = serde_json::Value::from(full_url).to_string();
    let mut entry = Vec::with_capacity(resource.len() + url.len() + search.len() + 40);
    entry.extend_from_slice(br#"{"fullUrl":"#);
    entry.extend_from_slice(url.as_bytes());
    entry.extend_from_slice(br#","resource":"#);
    entry.extend_from_slice(resource);
    entry.extend_from_slice(br#","search":"#);
    entry.extend_from_slice(search.as_bytes());
    entry.push(b'}');
    entry.into()
}

/// An entry with an OperationOutcome about the answer itself.
#[must_use]
pub fn outcome(outcome: &[u8]) -> Bytes {
    [br#"{"resource":"#, outcome, br#","search":{"mode":"outcome"}}"#].concat().into()
}

/// A Bundle of type searchset; links by relation.
#[must_use]
pub fn searchset(total: Option<usize>, links: &[(&str, String)], entries: &[Bytes]) -> Bytes {
    let mut out = br#"{"resourceType":"Bundle","type":"searchset""#.to_vec();
    if let Some(total) = total {
        out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
    }
    let links: Vec<_> =
        links.iter().map(|(relation, url)| serde_json::json!({ "relation": relation, "url": url })).collect();
    // FHIR json.html: an array is never empty.
    if !links.is_empty() {
        out.extend_from_slice(format!(r#","link":{}"#, serde_json::Value::from(links)).as_bytes());
    }
    for (index, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if index == 0 { br#","entry":["# } else { b"," });
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(if entries.is_empty() { b"}" } else { b"]}" });
    out.into()
}
