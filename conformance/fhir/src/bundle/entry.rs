//! One entry of a batch or transaction.

use bytes::Bytes;

use super::{Context, request, unknown_members};
use crate::json::{Kind, Value};
use crate::{Interaction, Issue, IssueType, Resource, VersionId};

const OF_ENTRY: [&str; 9] =
    ["id", "extension", "modifierExtension", "link", "fullUrl", "resource", "search", "request", "response"];

/// An entry that can be performed. Its `Debug` shows no URL: a URL may name a patient.
#[derive(Clone)]
pub struct Entry {
    /// Where it stands in the Bundle, from 0.
    pub index: usize,
    /// What other entries call its resource.
    pub full_url: Option<String>,
    /// `request.method`
    pub method: Method,
    /// `request.url`, as it was written.
    pub url: String,
    /// What it asks for.
    pub interaction: Interaction,
    /// `request.ifNoneMatch` is `*` on a write: it must make something new.
    pub must_create: bool,
    /// `request.ifNoneMatch` of a read.
    pub if_none_match: Option<VersionId>,
    /// `request.ifModifiedSince` of a read: an instant, as it was written.
    pub if_modified_since: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} {:?})", self.index, self.interaction.code())
    }
}

/// An entry that cannot be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands in the Bundle, from 0.
    pub index: usize,
    /// What is wrong, each with its place in the Bundle; never empty.
    pub issues: Vec<Issue>,
}

/// `Bundle.entry.request.method`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The order in which a transaction is performed (http.html#trules).
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Post => 1,
            Self::Put | Self::Patch => 2,
            Self::Get | Self::Head => 3,
        }
    }
}

/// Reads one entry; every fault of it at once.
pub(super) fn read(entry: Value<'_>, index: usize, bytes: &Bytes, context: &Context<'_>) -> Result<Entry, Fault> {
    let path = format!("Bundle.entry[{index}]");
    if entry.kind() != Kind::Object {
        let issue = Issue::error(IssueType::Structure, "expected an entry: an object").at(path);
        return Err(Fault { index, issues: vec![issue] });
    }
    let mut issues = unknown_members(entry, &OF_ENTRY, &path);
    let full_url = text(entry, "fullUrl", &path, &mut issues);
    let resource = resource(entry, bytes, context, &path, &mut issues);
    let asked = match entry.member("request") {
        Some(asked) if asked.kind() == Kind::Object => {
            request::read(asked, resource, context, &format!("{path}.request"), &mut issues)
        }
        _ => {
            let text = "expected `request`: a method and a URL";
            issues.push(Issue::error(IssueType::Required, text).at(format!("{path}.request")));
            None
        }
    };
    match asked {
        Some(asked) if issues.is_empty() => Ok(Entry {
            index,
            full_url,
            method: asked.method,
            url: asked.url,
            interaction: asked.interaction,
            must_create: asked.must_create,
            if_none_match: asked.if_none_match,
            if_modified_since: asked.if_modified_since,
        }),
        _ => Err(Fault { index, issues }),
    }
}

/// The resource, as a slice of the Bundle.
fn resource(
    entry: Value<'_>,
    bytes: &Bytes,
    context: &Context<'_>,
    path: &str,
    issues: &mut Vec<Issue>,
) -> Option<Resource> {
    let value = entry.member("resource")?;
    let resource_type = value.member("resourceType").and_then(Value::text).and_then(|name| name.parse().ok());
    let Some(resource_type) = resource_type.filter(|_| value.kind() == Kind::Object) else {
        let text = "expected a resource with its `resourceType`";
        issues.push(Issue::error(IssueType::Structure, text).at(format!("{path}.resource")));
        return None;
    };
    let (start, end) = (value.node().start as usize, value.node().end as usize);
    // The node came from a scan of exactly these bytes.
    let own = if end <= bytes.len() { bytes.slice(start..end) } else { Bytes::new() };
    Some(Resource::new(resource_type, context.version, own))
}

/// The text of a member that may be missing.
pub(super) fn text(object: Value<'_>, name: &str, path: &str, issues: &mut Vec<Issue>) -> Option<String> {
    let member = object.member(name)?;
    let text = member.text().filter(|text| !text.trim().is_empty());
    if text.is_none() {
        issues.push(Issue::error(IssueType::Structure, "expected a text").at(format!("{path}.{name}")));
    }
    text.map(std::borrow::Cow::into_owned)
}
