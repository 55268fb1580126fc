//! Batches and transactions (http.html#transaction): the entries of the Bundle that comes as interactions, and the entries of the
//! Bundle that answers. Bytes in and bytes out: a resource inside of a Bundle is a slice of it.

mod answer;
mod compose;
mod conditional;
mod entry;
mod request;

pub use answer::{Answer, Answers, reason};
pub use compose::{Part, compose};
pub use conditional::{conditional, conditionals};
pub use entry::{Entry, Fault, Method};

use std::collections::HashMap;

use bytes::Bytes;

use crate::json::{Document, Kind, Limits, Value, scan};
use crate::{Issue, IssueType, Version};

/// How deep and how large a Bundle may be: a resource inside of it may be as deep as one alone.
const LIMITS: Limits = Limits { depth: 104, nodes: 4_000_000 };

const OF_BUNDLE: [&str; 13] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "identifier",
    "type",
    "timestamp",
    "total",
    "link",
    "entry",
    "signature",
    // Since R5.
    "issues",
];

/// What is needed to read entries.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The release of the Bundle.
    pub version: Version,
    /// The base that the Bundle was sent to, without a slash at the end: a URL of an entry may begin with it.
    pub base: &'a str,
    /// Most entries.
    pub most: usize,
}

/// The entries of a batch or transaction in their order, each an interaction or what is wrong with it.
///
/// # Errors
/// What is wrong with the Bundle as a whole: no JSON, no Bundle, too many entries, elements that no Bundle has.
pub fn read(bytes: &Bytes, context: &Context<'_>) -> Result<Vec<Result<Entry, Fault>>, Vec<Issue>> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, LIMITS).map_err(|error| vec![error.issue(bytes)])?;
    let root = Document::new(bytes, &nodes).root().filter(|root| root.kind() == Kind::Object);
    let root = root.filter(|root| root.member("resourceType").and_then(Value::text).as_deref() == Some("Bundle"));
    let Some(root) = root else { return Err(vec![Issue::error(IssueType::Structure, "expected a Bundle")]) };
    let mut issues = unknown_members(root, &OF_BUNDLE, "Bundle");
    let entries = match root.member("entry") {
        None => Vec::new(),
        Some(entries) if entries.kind() == Kind::Array => entries.children().collect(),
        Some(_) => {
            issues.push(Issue::error(IssueType::Structure, "expected an array of entries").at("Bundle.entry"));
            Vec::new()
        }
    };
    if entries.len() > context.most {
        let text = format!("expected at most {} entries, found {}", context.most, entries.len());
        issues.push(Issue::error(IssueType::TooCostly, text).at("Bundle.entry"));
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    Ok(entries.into_iter().enumerate().map(|(index, entry)| entry::read(entry, index, bytes, context)).collect())
}

/// What a transaction must not have twice: a resource that is written, and a full URL (http.html#trules, bdl-7).
#[must_use]
pub fn duplicates(entries: &[Entry]) -> Vec<Issue> {
    let (mut written, mut named) = (HashMap::new(), HashMap::new());
    let mut issues = Vec::new();
    let mut again = |index: usize, first: usize, what: &str, place: &str| {
        let text = format!("expected each {what} once; Bundle.entry[{first}] has it too");
        issues.push(Issue::error(IssueType::Duplicate, text).at(format!("Bundle.entry[{index}].{place}")));
    };
    for entry in entries {
        let interaction = &entry.interaction;
        if let (false, Some(kind), Some(id)) = (interaction.is_safe(), interaction.resource_type(), interaction.id())
            && let Some(first) = written.insert((kind, id), entry.index)
        {
            again(entry.index, first, "resource that is written", "request.url");
        }
        if let Some(url) = &entry.full_url
            && let Some(first) = named.insert(url.as_str(), entry.index)
        {
            again(entry.index, first, "fullUrl", "fullUrl");
        }
    }
    issues
}

/// An issue for each member that is not among the known ones: what is passed over in silence was meant for something.
fn unknown_members(object: Value<'_>, known: &[&str], path: &str) -> Vec<Issue> {
    let unknown = object.children().filter(|member| {
        let name = member.name();
        !known.contains(&name.strip_prefix('_').unwrap_or(name))
    });
    let issue = |member: Value<'_>| {
        let shown: String = member.name().chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        Issue::error(IssueType::Structure, format!("unknown element `{shown}`")).at(format!("{path}.{shown}"))
    };
    unknown.map(issue).collect()
}

#[cfg(test)]
mod tests;
