//! What the rules have in common: calls, samples, and comparisons.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use fhir::capability::ResourceCapability;
use fhir::json::{Document, Kind, Limits, Value, scan};
use fhir::{Compartment, Id, Interaction, Query, Resource, ResourceType, Version, VersionId};
use futures_util::StreamExt as _;

use super::{Verdict, alone};
use crate::{Adapter, Body, Call, Error, ErrorKind, Reply, Trace};

/// How a check ends: with a verdict, or with what was expected and what happened instead.
pub(crate) type Checked = Result<Verdict, String>;

pub(crate) use super::alone::BASE;

/// An adapter under test, with a mark that no other rule's resources have.
pub(crate) struct Bench {
    pub(crate) adapter: Arc<dyn Adapter>,
    mark: String,
    count: AtomicU64,
}

/// Ends a check unless something holds.
pub(crate) fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl Bench {
    pub(crate) fn new(adapter: Arc<dyn Adapter>) -> Self {
        static BENCHES: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mark = format!("{nanos:x}-{}", BENCHES.fetch_add(1, Ordering::Relaxed));
        Self { adapter, mark, count: AtomicU64::new(0) }
    }

    /// A text that nothing else has.
    pub(crate) fn unique(&self) -> String {
        format!("{}-{}", self.mark, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// What is offered for Patient.
    pub(crate) fn offered(&self) -> ResourceCapability {
        self.adapter.capability().resources.get(&ResourceType::PATIENT).cloned().unwrap_or_default()
    }

    pub(crate) fn call(&self, interaction: Interaction) -> Call {
        Call {
            version: self.adapter.capability().version,
            trace: Trace { request_id: self.unique().into(), ..Trace::default() },
            ..alone::call(interaction)
        }
    }

    pub(crate) async fn perform(&self, interaction: Interaction) -> Result<Reply, Error> {
        self.adapter.perform(self.call(interaction)).await
    }

    /// A Patient with an identifier of its own.
    pub(crate) fn patient(&self, value: &str, family: &str) -> Resource {
        self.resource(
            ResourceType::PATIENT,
            format!(
                r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:frontdesk:contract","value":"{value}"}}],"name":[{{"family":"{family}"}}],"birthDate":"1970-03-01"}}"#
            ),
        )
    }

    pub(crate) fn resource(&self, resource_type: ResourceType, json: impl Into<Bytes>) -> Resource {
        Resource::new(resource_type, self.version(), json)
    }

    fn version(&self) -> Version {
        self.adapter.capability().version
    }

    /// POST, which must succeed: the id and what was answered.
    pub(crate) async fn create(&self, resource: Resource) -> Result<(Id, Reply), String> {
        let reply = self
            .perform(Interaction::Create { resource, if_none_exist: None })
            .await
            .map_err(|error| unexpected("a create", &error))?;
        Ok((id_of(&reply)?, reply))
    }

    /// GET, which must succeed.
    pub(crate) async fn read(&self, resource_type: ResourceType, id: &Id) -> Result<Bytes, String> {
        let reply = self
            .perform(Interaction::Read { resource_type, id: id.clone() })
            .await
            .map_err(|error| unexpected("a read of what was created", &error))?;
        whole(reply).await
    }

    /// PUT to a Patient.
    pub(crate) async fn update(
        &self,
        id: &Id,
        resource: Resource,
        if_match: Option<VersionId>,
    ) -> Result<Reply, Error> {
        self.perform(Interaction::Update { id: id.clone(), resource, if_match }).await
    }

    /// A search of Patients.
    pub(crate) fn search(&self, query: &str) -> Call {
        self.search_of(ResourceType::PATIENT, query, None)
    }

    pub(crate) fn search_of(&self, resource_type: ResourceType, query: &str, confined_to: Option<Compartment>) -> Call {
        let query = Query::parse(query);
        Call { confined_to, ..self.call(Interaction::SearchType { resource_type, compartment: None, query }) }
    }

    /// A search that must succeed.
    pub(crate) async fn found(&self, call: Call) -> Result<Page, String> {
        let reply = self.adapter.perform(call).await.map_err(|error| unexpected("a search", &error))?;
        let bytes = whole(reply).await?;
        let bundle = serde_json::from_slice(&bytes).map_err(|_| "expected a Bundle in JSON".to_owned())?;
        Ok(Page(bundle))
    }
}

/// A Bundle.
pub(crate) struct Page(pub(crate) serde_json::Value);

impl Page {
    /// Ids of the matches.
    pub(crate) fn ids(&self) -> Vec<String> {
        let entries = self.0["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let matches = entries.iter().filter(|entry| entry["search"]["mode"] != "outcome");
        matches.filter_map(|entry| entry["resource"]["id"].as_str().map(str::to_owned)).collect()
    }

    /// The URL of a link.
    pub(crate) fn link(&self, relation: &str) -> Option<&str> {
        self.0["link"].as_array()?.iter().find(|link| link["relation"] == relation)?["url"].as_str()
    }

    /// The query of the next page.
    pub(crate) fn next(&self) -> Result<Option<String>, String> {
        let Some(url) = self.link("next") else { return Ok(None) };
        let query = url.strip_prefix(BASE).and_then(|rest| rest.split_once('?'));
        match query {
            Some((_, query)) => Ok(Some(query.to_owned())),
            None => Err(format!("expected the next link to begin with the call's base and to have a query: {url}")),
        }
    }
}

/// The compartment of a patient.
pub(crate) fn compartment(id: &fhir::Id) -> Compartment {
    Compartment { resource_type: ResourceType::PATIENT, id: id.clone() }
}

/// The id that a reply speaks of.
pub(crate) fn id_of(reply: &Reply) -> Result<Id, String> {
    reply.subject.as_ref().map(|subject| subject.id.clone()).ok_or_else(|| "expected a subject".to_owned())
}

/// The version that a reply speaks of.
pub(crate) fn version_of(reply: &Reply) -> Result<VersionId, String> {
    let version = reply.subject.as_ref().and_then(|subject| subject.version_id.clone());
    version.ok_or_else(|| "expected a version id".to_owned())
}

/// All of a body.
pub(crate) async fn whole(reply: Reply) -> Result<Bytes, String> {
    match reply.body {
        Body::Empty => Err("expected a body".to_owned()),
        Body::Bytes(bytes) => Ok(bytes),
        Body::Stream(_, mut stream) => {
            let mut all = Vec::new();
            while let Some(piece) = stream.next().await {
                all.extend_from_slice(&piece.map_err(|error| unexpected("a body", &error))?);
            }
            Ok(all.into())
        }
    }
}

/// What to say of a failure where there should be none.
pub(crate) fn unexpected(what: &str, error: &Error) -> String {
    let texts: Vec<&str> = error.issues.iter().map(|issue| issue.text.as_str()).collect();
    format!("expected {what} to succeed: {:?}: {}", error.kind, texts.join("; "))
}

/// Ends a check unless the call failed in one of these ways.
pub(crate) fn refused<T: Debug>(result: &Result<T, Error>, kinds: &[ErrorKind], what: &str) -> Result<(), String> {
    match result {
        Err(error) if kinds.contains(&error.kind) && !error.issues.is_empty() => Ok(()),
        Err(error) => Err(format!("expected {what} to be refused as {kinds:?} with an issue: {:?}", error.kind)),
        Ok(_) => Err(format!("expected {what} to be refused as {kinds:?}: it was done")),
    }
}

/// Whether two resources say the same outside of id and meta: numbers as they are written, members in any order.
pub(crate) fn same(sent: &[u8], answered: &[u8]) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    if scan(sent, &mut left, Limits::default()).is_err() || scan(answered, &mut right, Limits::default()).is_err() {
        return false;
    }
    match (Document::new(sent, &left).root(), Document::new(answered, &right).root()) {
        (Some(left), Some(right)) => same_members(left, right, &["id", "meta"]),
        _ => false,
    }
}

fn same_members(left: Value<'_>, right: Value<'_>, except: &[&str]) -> bool {
    let counted = |value: Value<'_>| value.children().filter(|child| !except.contains(&child.name())).count();
    counted(left) == counted(right)
        && left
            .children()
            .filter(|child| !except.contains(&child.name()))
            .all(|child| right.member(child.name()).is_some_and(|other| same_value(child, other)))
}

/// The scan has bounded the depth.
fn same_value(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::Object, Kind::Object) => same_members(left, right, &[]),
        (Kind::Array, Kind::Array) => {
            left.children().count() == right.children().count()
                && left.children().zip(right.children()).all(|(left, right)| same_value(left, right))
        }
        (Kind::String | Kind::EscapedString, Kind::String | Kind::EscapedString) => left.text() == right.text(),
        (left_kind, right_kind) => left_kind == right_kind && left.raw() == right.raw(),
    }
}
