//! Bundles, put together from bytes: a stored body is never parsed to be answered.

use std::fmt::Write as _;

use bytes::Bytes;

/// A Bundle being written.
pub(crate) struct Bundle {
    out: Vec<u8>,
    entries: usize,
}

impl Bundle {
    /// A Bundle of that type, with links as `(relation, url)`.
    pub(crate) fn new(kind: &str, total: Option<u64>, links: &[(&str, String)], capacity: usize) -> Self {
        let mut head = format!(r#"{{"resourceType":"Bundle","type":"{kind}""#);
        if let Some(total) = total {
            let _ = write!(head, r#","total":{total}"#);
        }
        head.push_str(r#","link":["#);
        for (index, (relation, url)) in links.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(head, r#"{comma}{{"relation":"{relation}","url":{}}}"#, json_text(url));
        }
        head.push(']');
        let mut out = Vec::with_capacity(capacity + head.len() + 2);
        out.extend_from_slice(head.as_bytes());
        Self { out, entries: 0 }
    }

    /// Adds an entry: what stands before its resource (`"fullUrl":…,`), the resource, and what stands behind it (`,"search":…`).
    pub(crate) fn entry(&mut self, before: &str, resource: Option<&[u8]>, after: &str) {
        self.open();
        self.out.extend_from_slice(before.as_bytes());
        if let Some(resource) = resource {
            self.out.extend_from_slice(br#","resource":"#);
            self.out.extend_from_slice(resource);
        }
        self.out.extend_from_slice(after.as_bytes());
        self.out.push(b'}');
    }

    /// Adds an OperationOutcome about the search itself.
    pub(crate) fn outcome(&mut self, outcome: &[u8]) {
        self.open();
        self.out.extend_from_slice(br#""resource":"#);
        self.out.extend_from_slice(outcome);
        self.out.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
    }

    /// Begins an entry. FHIR json.html: an array is never empty, so that it begins with its first entry.
    fn open(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    /// The JSON.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.out.extend_from_slice(if self.entries == 0 { b"}" } else { b"]}" });
        self.out.into()
    }
}

/// A text as JSON.
pub(crate) fn json_text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_its_resources_byte_for_byte_and_has_no_empty_array() {
        let links = [("self", "http://a/b?c=\"d\"".to_owned())];
        let mut bundle = Bundle::new("searchset", Some(1), &links, 64);
        bundle.entry(r#""fullUrl":"http://a/Patient/1""#, Some(br#"{ "x" : 1.50 }"#), r#","search":{"mode":"match"}"#);
        let text = String::from_utf8(bundle.into_bytes().to_vec()).unwrap();
        assert!(text.contains(r#""resource":{ "x" : 1.50 },"search""#), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let empty = Bundle::new("searchset", Some(0), &[], 0).into_bytes();
        let empty: serde_json::Value = serde_json::from_slice(&empty).unwrap();
        assert_eq!(empty.get("entry"), None);
    }
}
