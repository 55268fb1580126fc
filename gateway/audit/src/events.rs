//! The log as an adapter: AuditEvent, read and search, nothing else. It is append-only: no route can write here.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::reply::Subject;
use adapter::seal::Seal;
use adapter::{Adapter, Call, Clock, Error, ErrorKind, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{
    Capability, Compartment, Id, Interaction, InteractionCode, Issue, IssueType, Outcome, Query, ResourceType, Version,
};
use serde_json::{Value, json};

use crate::balp;
use crate::log::Log;
use crate::query::{self, Asked, PARAMETERS};
use crate::search::{EventId, SearchError};

/// How long a page link works.
const PAGE_LIFE: Duration = Duration::from_hours(1);
/// How long a read waits for what was just recorded.
const PATIENCE: Duration = Duration::from_millis(500);

/// `GET [base]/AuditEvent…` over a log.
#[derive(Clone)]
pub struct Events {
    log: Log,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    capability: Arc<Capability>,
}

impl Events {
    /// An adapter over a log; page links are sealed with the gateway's seal.
    #[must_use]
    pub fn new(log: Log, seal: Arc<Seal>, clock: Arc<dyn Clock>) -> Self {
        Self { log, seal, clock, capability: Arc::new(capability()) }
    }
}

#[async_trait::async_trait]
impl Adapter for Events {
    fn capability(&self) -> Arc<Capability> {
        Arc::clone(&self.capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let events = self.clone();
        // The log is read with blocking calls; a read is rare.
        tokio::task::spawn_blocking(move || events.answer(&call))
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "the audit log could not be read").because(error))?
    }

    async fn health(&self) -> Health {
        self.log.health()
    }
}

impl Events {
    fn answer(&self, call: &Call) -> Result<Reply, Error> {
        // Whoever asks right after an interaction finds it; on a broken disk, what is there is still shown.
        let _ = self.log.flush(PATIENCE);
        match &call.interaction {
            Interaction::Read { resource_type: ResourceType::AUDIT_EVENT, id } => self.read(call, id),
            Interaction::Vread { resource_type: ResourceType::AUDIT_EVENT, id, version_id } => {
                // An event never changes: it has one version.
                if version_id.as_str() == "1" { self.read(call, id) } else { Err(not_found()) }
            }
            Interaction::SearchType { resource_type: ResourceType::AUDIT_EVENT, compartment, query } => {
                self.search(call, compartment.as_ref(), query)
            }
            _ => Err(Error::new(ErrorKind::NotSupported, "the audit log serves read and search-type of AuditEvent")),
        }
    }

    fn read(&self, call: &Call, id: &Id) -> Result<Reply, Error> {
        let place: EventId = id.as_str().parse().map_err(|()| not_found())?;
        let mut found = None;
        let patient = call.confined_to.as_ref();
        self.log.visit_one(call.practice.as_str(), place, |view| {
            let is_inside = |confined: &Compartment| {
                confined.resource_type == ResourceType::PATIENT
                    && view.patient(place.event) == Some(confined.id.as_str())
            };
            if patient.is_none_or(is_inside) {
                found = Some((balp::audit_event(view, place), view.recorded));
            }
        })?;
        let (event, recorded) = found.ok_or_else(not_found)?;
        let mut reply = Reply::new(Status::Ok).with_body(event.to_string());
        reply.subject =
            Some(Subject { resource_type: ResourceType::AUDIT_EVENT, id: id.clone(), version_id: "1".parse().ok() });
        reply.last_modified = u64::try_from(recorded).ok().map(|at| SystemTime::UNIX_EPOCH + Duration::from_micros(at));
        Ok(reply)
    }

    fn search(&self, call: &Call, compartment: Option<&Compartment>, query: &Query) -> Result<Reply, Error> {
        let context = context(call, compartment);
        let (query, behind) = match query.first("_page") {
            Some(page) => self.open_page(&context, page)?,
            None => (query.clone(), None),
        };
        let confined: Vec<&Compartment> = call.confined_to.iter().chain(compartment).collect();
        let asked = query::understand(&query, &call.practice, &confined, call.handling)?;
        let query = query.filtered(|name| !asked.ignored.iter().any(|ignored| ignored == name));
        let mut page = self.page(call, &asked, behind)?;
        let next = page.more.map(|last| {
            let content = format!("{last} {}", query.encode());
            let token = self.seal.seal(&context, content.as_bytes(), self.clock.now() + PAGE_LIFE);
            format!("{}/AuditEvent?_page={token}", call.base)
        });
        let mut links = vec![json!({ "relation": "self", "url": self_link(call, &query) })];
        links.extend(next.map(|url| json!({ "relation": "next", "url": url })));
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset" });
        if asked.with_total || asked.count == 0 {
            bundle["total"] = self.count(call, &asked)?.into();
        }
        bundle["link"] = links.into();
        if !asked.ignored.is_empty() {
            let outcome =
                Outcome::from(Issue::warning(IssueType::NotSupported, format!("ignored: {}", query::unknown())));
            page.entries.push(json!({ "resource": outcome, "search": { "mode": "outcome" } }));
        }
        if !page.entries.is_empty() {
            bundle["entry"] = std::mem::take(&mut page.entries).into();
        }
        Ok(Reply::new(Status::Ok).with_body(bundle.to_string()))
    }

    fn page(&self, call: &Call, asked: &Asked, behind: Option<EventId>) -> Result<Page, Error> {
        let mut page = Page { entries: Vec::new(), more: None };
        if asked.count == 0 {
            return Ok(page);
        }
        let mut last = None;
        self.log.visit(&asked.filter, behind, call.deadline, |id, view| {
            if page.entries.len() == asked.count {
                page.more = last;
                return ControlFlow::Break(());
            }
            page.entries.push(entry(call, balp::audit_event(view, id), id));
            last = Some(id);
            ControlFlow::Continue(())
        })?;
        Ok(page)
    }

    fn count(&self, call: &Call, asked: &Asked) -> Result<u64, Error> {
        let mut total = 0;
        self.log.visit(&asked.filter, None, call.deadline, |_, _| {
            total += 1;
            ControlFlow::Continue(())
        })?;
        Ok(total)
    }

    fn open_page(&self, context: &str, token: &str) -> Result<(Query, Option<EventId>), Error> {
        let invalid = |error| Error::new(ErrorKind::Invalid, "expected a page link of this search").because(error);
        let content = self
            .seal
            .open(context, token, self.clock.now())
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        let content = String::from_utf8(content).map_err(invalid)?;
        let (last, query) = content.split_once(' ').unwrap_or_default();
        Ok((Query::parse(query), last.parse().ok()))
    }
}

struct Page {
    entries: Vec<Value>,
    /// The last event of the page, when there are more behind it.
    more: Option<EventId>,
}

fn entry(call: &Call, event: Value, id: EventId) -> Value {
    json!({ "fullUrl": format!("{}/AuditEvent/{id}", call.base), "resource": event, "search": { "mode": "match" } })
}

fn self_link(call: &Call, query: &Query) -> String {
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}/AuditEvent{separator}{}", call.base, query.encode())
}

/// What a page link is bound to: nobody opens it in another practice or compartment.
fn context(call: &Call, compartment: Option<&Compartment>) -> String {
    let mut context = format!("{} AuditEvent", call.practice);
    for compartment in call.confined_to.iter().chain(compartment) {
        context.push_str(&format!(" {}/{}", compartment.resource_type, compartment.id));
    }
    context
}

fn capability() -> Capability {
    let resource = ResourceCapability {
        interactions: [InteractionCode::Read, InteractionCode::Vread, InteractionCode::SearchType].into(),
        search: PARAMETERS.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect(),
        versioning: Some("versioned".into()),
        ..ResourceCapability::default()
    };
    let resources = BTreeMap::from([(ResourceType::AUDIT_EVENT, resource)]);
    Capability { resources, ..Capability::empty(Version::R4) }
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "no such AuditEvent")
}

impl From<SearchError> for Error {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Deadline => Self::new(
                ErrorKind::TooCostly,
                "the search takes too long: expected a patient, an agent or a shorter date range",
            ),
            SearchError::Io(_) => Self::new(ErrorKind::Storage, "the audit log cannot be read").because(error),
        }
    }
}
