//! A page of a search that is being added to.

use std::collections::HashSet;

use adapter::{Call, Reply, Status};
use bytes::Bytes;
use fhir::json::{Document, Limits, Node, Value, scan};
use fhir::{Issue, Outcome, Query, ResourceType};
use search::{IndexValue, Parameter, Vocabulary};

use super::super::bundle;
use super::include::Include;

/// A Bundle with what is in it, and what comes along.
pub(super) struct Found {
    bytes: Bytes,
    base: String,
    vocabulary: Vocabulary,
    /// The resources of its matches.
    pub(super) matches: Vec<Bytes>,
    /// Whether there is another page.
    pub(super) has_next: bool,
    /// What it holds and what was added: `Type/id`.
    held: HashSet<String>,
    added: Vec<Bytes>,
    /// What back ends that were asked said about it: entries.
    pub(super) outcomes: Vec<Bytes>,
    /// What to say about it.
    pub(super) issues: Vec<Issue>,
}

impl Found {
    /// Reads a page; none for what is no Bundle.
    pub(super) fn read(bytes: Bytes, call: &Call) -> Option<Self> {
        let mut nodes = Vec::new();
        let root = root(&bytes, &mut nodes)?;
        if text(root, "resourceType")? != "Bundle" {
            return None;
        }
        let (mut matches, mut outcomes, mut held) = (Vec::new(), Vec::new(), HashSet::new());
        for entry in root.member("entry").into_iter().flat_map(Value::children) {
            let Some(resource) = entry.member("resource") else { continue };
            held.extend(identity(resource));
            let mode = entry.member("search").and_then(|search| text(search, "mode"));
            let slice = |value: Value<'_>| bytes.slice(value.node().start as usize..value.node().end as usize);
            match mode.as_deref() {
                None | Some("match") => matches.push(slice(resource)),
                Some("outcome") => outcomes.push(slice(entry)),
                _ => {}
            }
        }
        let mut links = root.member("link").into_iter().flat_map(Value::children);
        let has_next = links.any(|link| text(link, "relation").as_deref() == Some("next"));
        let (base, vocabulary) = (call.base.to_string(), call.vocabulary());
        let bytes = bytes.clone();
        Some(Self { bytes, base, vocabulary, matches, has_next, held, added: Vec::new(), outcomes, issues: Vec::new() })
    }

    /// Takes over what was said about another page that came along, once.
    pub(super) fn note(&mut self, outcomes: Vec<Bytes>) {
        for outcome in outcomes {
            if !self.outcomes.contains(&outcome) {
                self.added.push(outcome.clone());
                self.outcomes.push(outcome);
            }
        }
    }

    /// Whether a resource is in it.
    pub(super) fn holds(&self, of: ResourceType, id: &str) -> bool {
        self.held.contains(&format!("{of}/{id}"))
    }

    /// Adds a resource unless it is there; says whether it was not.
    pub(super) fn add(&mut self, resource: &Bytes) -> bool {
        let mut nodes = Vec::new();
        let Some(name) = root(resource, &mut nodes).and_then(identity) else { return false };
        if !self.held.insert(name.clone()) {
            return false;
        }
        let url = serde_json::Value::from(format!("{}/{name}", self.base)).to_string();
        let entry: [&[u8]; 5] =
            [br#"{"fullUrl":"#, url.as_bytes(), br#","resource":"#, resource, br#","search":{"mode":"include"}}"#];
        self.added.push(entry.concat().into());
        true
    }

    /// What the references of a parameter lead to: type and id of what is on the gateway's own base.
    pub(super) fn references(&self, resource: &[u8], wanted: Option<&Parameter>) -> Vec<(ResourceType, String)> {
        references(resource, wanted, self.vocabulary, &self.base)
    }

    /// The page with what was added. The link to the next one asks for the same includes again.
    pub(super) fn written(mut self, call: &Call, asked: &Query, includes: &[Include]) -> Bytes {
        let mut nodes = Vec::new();
        let Some(root) = root(&self.bytes, &mut nodes) else { return self.bytes };
        let more: Query = includes.iter().map(|include| (include.name.clone(), include.value.clone())).collect();
        let links: Vec<_> = root
            .member("link")
            .into_iter()
            .flat_map(Value::children)
            .filter_map(|link| match text(link, "relation")?.as_str() {
                "self" => Some(("self".to_owned(), adapter::page::link(call, &asked.encode()))),
                relation => Some((relation.to_owned(), format!("{}&{}", text(link, "url")?, more.encode()))),
            })
            .collect();
        let links: Vec<(&str, String)> = links.iter().map(|(relation, url)| (relation.as_str(), url.clone())).collect();
        let mut entries: Vec<Bytes> = root
            .member("entry")
            .into_iter()
            .flat_map(Value::children)
            .map(|entry| self.bytes.slice(entry.node().start as usize..entry.node().end as usize))
            .collect();
        entries.append(&mut self.added);
        if !self.issues.is_empty() {
            entries.push(bundle::outcome(&Outcome(std::mem::take(&mut self.issues))));
        }
        let total = root.member("total").and_then(Value::number).and_then(|total| total.parse().ok());
        bundle::write("searchset", total, &links, &entries)
    }
}

/// The answer to a search that nothing can match.
pub(super) fn nothing(call: &Call, asked: &Query) -> Reply {
    let links = [("self", adapter::page::link(call, &asked.encode()))];
    Reply::new(Status::Ok).with_body(bundle::write("searchset", Some(0), &links, &[]))
}

/// The references of a parameter, or of all, of a resource.
fn references(
    resource: &[u8],
    wanted: Option<&Parameter>,
    vocabulary: Vocabulary,
    base: &str,
) -> Vec<(ResourceType, String)> {
    let mut nodes = Vec::new();
    let Some(root) = root(resource, &mut nodes) else { return Vec::new() };
    let Some(of) = text(root, "resourceType").and_then(|of| of.parse().ok()) else { return Vec::new() };
    let mut found = Vec::new();
    search::extract(root.document(), of, vocabulary, &mut |parameter, value| {
        let IndexValue::Reference(reference) = value else { return };
        if wanted.is_some_and(|wanted| wanted.code != parameter.code) {
            return;
        }
        let local = reference.url.as_deref().and_then(|url| url.strip_prefix(base)?.strip_prefix('/')?.split_once('/'));
        match (reference.resource_type, reference.id, local) {
            (Some(of), Some(id), _) => found.push((of, id.into_owned())),
            (_, None, Some((of, id))) => {
                let id = id.split('/').next().unwrap_or_default();
                found.extend(of.parse().ok().map(|of| (of, id.to_owned())));
            }
            _ => {}
        }
    });
    found
}

fn root<'a>(bytes: &'a [u8], nodes: &'a mut Vec<Node>) -> Option<Value<'a>> {
    scan(bytes, nodes, Limits::default()).ok()?;
    Document::new(bytes, nodes).root()
}

fn identity(resource: Value<'_>) -> Option<String> {
    Some(format!("{}/{}", text(resource, "resourceType")?, text(resource, "id")?))
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.member(name)?.text().map(|text| text.into_owned())
}

/// The id of a resource.
pub(super) fn id(resource: &[u8]) -> Option<String> {
    let mut nodes = Vec::new();
    text(root(resource, &mut nodes)?, "id")
}

/// The type of a resource.
pub(super) fn type_of(resource: &[u8]) -> Option<ResourceType> {
    let mut nodes = Vec::new();
    text(root(resource, &mut nodes)?, "resourceType")?.parse().ok()
}
