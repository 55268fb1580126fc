//! A Bundle of type transaction, put together from entries.

use super::entry::{Entry, Method};
use crate::{Interaction, Query, Resource, VersionId};

/// An entry to be written: what its interaction is now, and what it was read from.
#[derive(Debug)]
pub struct Part<'a> {
    /// As it came: its full URL, and method and URL of a read.
    pub entry: &'a Entry,
    /// What is to be done.
    pub interaction: &'a Interaction,
    /// It must make something new.
    pub must_create: bool,
}

/// The Bundle; resources stay byte for byte.
#[must_use]
pub fn compose(parts: &[Part<'_>]) -> Vec<u8> {
    let bytes: usize = parts.iter().map(|part| part.interaction.resource().map_or(0, |of| of.bytes.len()) + 400).sum();
    let mut out = Vec::with_capacity(bytes);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"transaction""#);
    for (index, part) in parts.iter().enumerate() {
        out.extend_from_slice(if index == 0 { br#","entry":[{"# } else { b",{" });
        part.write(&mut out);
        out.push(b'}');
    }
    out.extend_from_slice(if parts.is_empty() { b"}" } else { b"]}" });
    out
}

impl Part<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(url) = &self.entry.full_url {
            member(out, "fullUrl", url);
            out.push(b',');
        }
        if let Some(Resource { bytes, .. }) = self.interaction.resource() {
            out.extend_from_slice(br#""resource":"#);
            out.extend_from_slice(bytes);
            out.push(b',');
        }
        out.extend_from_slice(br#""request":{"#);
        let (method, url) = self.request();
        member(out, "method", method.as_str());
        out.push(b',');
        member(out, "url", &url);
        for (name, value) in self.conditions() {
            out.push(b',');
            member(out, name, &value);
        }
        out.push(b'}');
    }

    fn request(&self) -> (Method, String) {
        let conditional = |kind, criteria: &Query| format!("{kind}?{}", criteria.encode());
        match self.interaction {
            Interaction::Create { resource, .. } => (Method::Post, resource.resource_type.to_string()),
            Interaction::Update { resource, id, .. } => (Method::Put, format!("{}/{id}", resource.resource_type)),
            Interaction::ConditionalUpdate { resource, criteria, .. } => {
                (Method::Put, conditional(resource.resource_type, criteria))
            }
            Interaction::Delete { resource_type, id, .. } => (Method::Delete, format!("{resource_type}/{id}")),
            Interaction::ConditionalDelete { resource_type, criteria } => {
                (Method::Delete, conditional(*resource_type, criteria))
            }
            _ => (self.entry.method, self.entry.url.clone()),
        }
    }

    fn conditions(&self) -> Vec<(&'static str, String)> {
        let etag = |version: &VersionId| ("ifMatch", format!("W/\"{version}\""));
        let mut conditions = Vec::new();
        match self.interaction {
            Interaction::Create { if_none_exist: Some(criteria), .. } => {
                conditions.push(("ifNoneExist", criteria.encode()));
            }
            Interaction::Update { if_match, .. }
            | Interaction::ConditionalUpdate { if_match, .. }
            | Interaction::Delete { if_match, .. } => conditions.extend(if_match.as_ref().map(etag)),
            _ => {}
        }
        if self.must_create {
            conditions.push(("ifNoneMatch", "*".to_owned()));
        }
        conditions
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
}
