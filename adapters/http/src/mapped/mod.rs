//! A JSON API of the practice's own, described by tables in the configuration: `kind = "http"`.
//!
//! A call becomes one request (`talk.rs`), planned by the tables of its type (`plan.rs`, `table.rs`, `search.rs`); a record of the
//! answer becomes a resource (`record.rs`).

mod compile;
mod convert;
mod path;
mod plan;
pub mod pointer;
mod record;
mod search;
pub mod settings;
mod table;
mod talk;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter::kind::SettingFault;
use adapter::reply::Subject;
use adapter::{Adapter, AdapterKind, Call, ConnectError, Error, ErrorKind, Health, Host, Reply, Status};
use exchange::capability::refuse_unserved;
use fhir::{Capability, Handling, Id, Interaction, Issue, IssueType, Query, Resource, ResourceType, VersionId};
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, Method};
use serde_json::value::RawValue;

use crate::listing::{self, Entry, Page};
use plan::Mapped;
use record::Record;
use search::{Ask, Plan};
use settings::Settings;
use talk::{Answer, Asked, Talk};
use tree::Tree;

/// A JSON API as a back end.
pub struct JsonApi {
    host: Host,
    settings: Settings,
    mapped: BTreeMap<ResourceType, Mapped>,
    capability: Arc<Capability>,
    talk: Talk,
}

const HEALTH_LIMIT: Duration = Duration::from_secs(3);

#[async_trait::async_trait]
impl AdapterKind for JsonApi {
    const NAME: &'static str = "http";
    type Settings = Settings;
    type Adapter = Self;

    fn offers(settings: &Settings) -> Option<Capability> {
        plan::compile(settings).ok().map(|mapped| plan::capability(settings, &mapped))
    }

    fn faults(settings: &Settings) -> Vec<SettingFault> {
        plan::compile(settings).err().unwrap_or_default()
    }

    async fn connect(settings: Settings, host: Host) -> Result<Self, ConnectError> {
        let mapped = plan::compile(&settings).map_err(|faults| {
            let all: Vec<String> =
                faults.iter().map(|fault| format!("`{}`: {}", fault.path.join("."), fault.message)).collect();
            ConnectError::Settings(all.join("; "))
        })?;
        let capability = Arc::new(plan::capability(&settings, &mapped));
        Ok(Self { talk: Talk::new(&settings)?, host, mapped, capability, settings })
    }
}

#[async_trait::async_trait]
impl Adapter for JsonApi {
    fn capability(&self) -> Arc<Capability> {
        Arc::clone(&self.capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        refuse_unserved(&self.capability, &call.interaction)?;
        match &call.interaction {
            Interaction::Read { resource_type, id } => self.read(&call, *resource_type, id).await,
            Interaction::Create { resource, if_none_exist: None } => self.create(&call, resource).await,
            Interaction::Update { id, resource, if_match } => self.update(&call, id, resource, if_match.as_ref()).await,
            Interaction::Delete { resource_type, id, if_match } => {
                self.delete(&call, *resource_type, id, if_match.as_ref()).await
            }
            Interaction::SearchType { resource_type, .. } => self.search(&call, *resource_type).await,
            _ => Err(unserved()),
        }
    }

    async fn health(&self) -> Health {
        let call = Call {
            practice: self.host.practice.clone(),
            interaction: Interaction::Capabilities,
            version: self.settings.fhir_version,
            base: "".into(),
            confined_to: None,
            directory: Arc::default(),
            brings: None,
            must_create: false,
            must_be_complete: false,
            additions: Default::default(),
            handling: Handling::Strict,
            deadline: Instant::now() + HEALTH_LIMIT,
            idempotency_key: None,
            trace: adapter::Trace::default(),
        };
        let target = self.settings.health.clone().unwrap_or_else(|| "/".to_owned());
        match self.talk.ask(&call, asked(Method::GET, target)).await {
            Ok(_) => Health::Up,
            // Any answer of the API itself says that it is there.
            Err(error) if self.settings.health.is_none() && !error.kind.is_back_end_fault() => Health::Up,
            Err(error) => Health::Down(error.kind.code().to_owned()),
        }
    }
}

fn unserved() -> Error {
    Error::new(ErrorKind::NotSupported, "the back end does not offer this interaction")
}

const fn asked(method: Method, target: String) -> Asked {
    Asked { method, target, body: None, if_match: None }
}

impl JsonApi {
    fn mapped(&self, kind: ResourceType) -> Result<&Mapped, Error> {
        self.mapped.get(&kind).ok_or_else(unserved)
    }

    async fn read(&self, call: &Call, kind: ResourceType, id: &Id) -> Result<Reply, Error> {
        let (answer, record) = self.record(call, kind, id).await?;
        self.reply(Status::Ok, kind, &answer, &record, Some(id))
    }

    /// A record by its id.
    async fn record(&self, call: &Call, kind: ResourceType, id: &Id) -> Result<(Answer, Tree), Error> {
        let Some(read) = &self.mapped(kind)?.settings.read else { return Err(unserved()) };
        let answer = self.talk.ask(call, one(read, Method::GET, id)?).await?;
        let record = Tree::read(&answer.bytes)?.at(&read.record).cloned();
        Ok((answer, record.ok_or_else(|| Error::new(ErrorKind::BadReply, "expected a record from the back end"))?))
    }

    async fn create(&self, call: &Call, resource: &Resource) -> Result<Reply, Error> {
        let kind = resource.resource_type;
        let mapped = self.mapped(kind)?;
        let Some(create) = &mapped.settings.create else { return Err(unserved()) };
        let (body, issues) = body(mapped, resource)?;
        let method = method(create, Method::POST)?;
        let asked = Asked { body: Some(body.to_bytes()), ..asked(method, create.path.clone()) };
        let answer = self.talk.ask(call, asked).await?;
        let record =
            if answer.bytes.is_empty() { None } else { Tree::read(&answer.bytes)?.at(&create.record).cloned() };
        let mut reply = match record {
            Some(record) if record.at(&mapped.settings.id).is_some() => {
                self.reply(Status::Created, kind, &answer, &record, None)?
            }
            _ => {
                let mut reply = Reply::new(Status::Created);
                let id = located(&answer.headers).ok_or_else(|| {
                    let text = "the back end does not say which id it gave; the record may have been made";
                    Error::new(ErrorKind::BadReply, text)
                })?;
                reply.subject = Some(Subject { resource_type: kind, id, version_id: etag(mapped, &answer.headers) });
                reply
            }
        };
        reply.issues = issues;
        Ok(reply)
    }

    async fn update(
        &self,
        call: &Call,
        id: &Id,
        resource: &Resource,
        if_match: Option<&VersionId>,
    ) -> Result<Reply, Error> {
        if call.must_create {
            let text = "this back end is not known to refuse an update of what exists: create it with POST";
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        let kind = resource.resource_type;
        let mapped = self.mapped(kind)?;
        let Some(update) = &mapped.settings.update else { return Err(unserved()) };
        let (mut body, issues) = body(mapped, resource)?;
        let if_match = pinned(mapped, if_match, Some(&mut body))?;
        let method = method(update, Method::PUT)?;
        let asked = Asked { body: Some(body.to_bytes()), if_match, ..one(update, method, id)? };
        let answer = self.talk.ask(call, asked).await?;
        let record =
            if answer.bytes.is_empty() { None } else { Tree::read(&answer.bytes)?.at(&update.record).cloned() };
        let mut reply = match record {
            Some(record) if record.at(&mapped.settings.id).is_some() => {
                self.reply(Status::Ok, kind, &answer, &record, Some(id))?
            }
            _ => {
                let mut reply = Reply::new(Status::Ok);
                let version_id = etag(mapped, &answer.headers);
                reply.subject = Some(Subject { resource_type: kind, id: id.clone(), version_id });
                reply
            }
        };
        reply.issues = issues;
        Ok(reply)
    }

    async fn delete(
        &self,
        call: &Call,
        kind: ResourceType,
        id: &Id,
        if_match: Option<&VersionId>,
    ) -> Result<Reply, Error> {
        let mapped = self.mapped(kind)?;
        let Some(delete) = &mapped.settings.delete else { return Err(unserved()) };
        let if_match = pinned(mapped, if_match, None)?;
        let method = method(delete, Method::DELETE)?;
        let asked = Asked { if_match, ..one(delete, method, id)? };
        match self.talk.ask(call, asked).await {
            // http.html#delete: what is gone already is deleted.
            Ok(_) => Ok(Reply::new(Status::NoContent)),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Gone) => {
                Ok(Reply::new(Status::NoContent))
            }
            Err(error) => Err(error),
        }
    }

    async fn search(&self, call: &Call, kind: ResourceType) -> Result<Reply, Error> {
        let mapped = self.mapped(kind)?;
        let (began, cursor) = listing::opened(&self.host, call)?;
        match search::plan(kind, mapped, call, &began, cursor.as_deref())? {
            Plan::Nothing => self.bundle(call, kind, &began, &[], Some(0), None),
            Plan::One(id) => match self.record(call, kind, &id).await {
                Ok((_, record)) => self.bundle(call, kind, &began, &[&record], Some(1), None),
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Gone) => {
                    self.bundle(call, kind, &began, &[], Some(0), None)
                }
                Err(error) => Err(error),
            },
            Plan::Ask(ask) => self.asked(call, kind, mapped, &began, ask).await,
        }
    }

    async fn asked(
        &self,
        call: &Call,
        kind: ResourceType,
        mapped: &Mapped,
        began: &Query,
        ask: Ask,
    ) -> Result<Reply, Error> {
        let Some(search) = &mapped.settings.search else { return Err(unserved()) };
        let answer = self.talk.ask(call, asked(Method::GET, ask.target.clone())).await?;
        let tree = Tree::read(&answer.bytes)?;
        let found = ask.found(search, &tree, &answer.headers, &self.talk.base)?;
        self.bundle(call, kind, began, &found.records, found.total, found.next.as_deref())
    }

    fn bundle(
        &self,
        call: &Call,
        kind: ResourceType,
        began: &Query,
        records: &[&Tree],
        total: Option<u64>,
        next: Option<&str>,
    ) -> Result<Reply, Error> {
        let mapped = self.mapped(kind)?;
        let is_count = began.first("_summary") == Some("count") || began.first("_count") == Some("0");
        let records = if is_count { &[] } else { records };
        let resources: Vec<Box<RawValue>> = records
            .iter()
            .map(|record| {
                let record = record::read(kind, mapped, record, None)?;
                let text = String::from_utf8(record.bytes).ok();
                text.and_then(|text| RawValue::from_string(text).ok())
                    .ok_or_else(|| Error::new(ErrorKind::Internal, "cannot write a resource"))
            })
            .collect::<Result<_, Error>>()?;
        let entry =
            |resource| Entry { resource: Some(resource), full_url: None, mode: None, request: None, response: None };
        let page = Page { entries: resources.iter().map(|resource| entry(&**resource)).collect(), total, next };
        let bytes = listing::bundle(&self.host, call, began, &page, *self.settings.page_lifetime)?;
        Ok(Reply::new(Status::Ok).with_body(bytes))
    }

    /// The reply that speaks of one record, which must be `id` when that was asked for.
    fn reply(
        &self,
        status: Status,
        kind: ResourceType,
        answer: &Answer,
        record: &Tree,
        id: Option<&Id>,
    ) -> Result<Reply, Error> {
        let mapped = self.mapped(kind)?;
        let Record { subject, last_updated, bytes } =
            record::read(kind, mapped, record, etag(mapped, &answer.headers))?;
        if id.is_some_and(|id| *id != subject.id) {
            return Err(Error::new(
                ErrorKind::BadReply,
                "the back end answered with another record than was asked for",
            ));
        }
        let mut reply = Reply::new(status).with_body(bytes);
        reply.last_modified = last_updated.map(SystemTime::from);
        reply.subject = Some(subject);
        Ok(reply)
    }
}

/// Their body of a resource, and what of it they do not keep.
fn body(mapped: &Mapped, resource: &Resource) -> Result<(Tree, Vec<Issue>), Error> {
    let mut body = mapped.table.theirs(&resource.bytes)?;
    if let Some(keep) = &mapped.settings.keep {
        body.put(keep, Tree::Text(String::from_utf8_lossy(&resource.bytes).into_owned()));
        return Ok((body, Vec::new()));
    }
    let lost = mapped.table.lost(&resource.bytes, &body);
    let told = |path: String| Issue::warning(IssueType::NotSupported, "the back end does not keep this").at(path);
    Ok((body, lost.into_iter().map(told).collect()))
}

/// The version that a write is for, in a field of the head or in the body.
fn pinned(mapped: &Mapped, version: Option<&VersionId>, body: Option<&mut Tree>) -> Result<Option<String>, Error> {
    let Some(version) = version else { return Ok(None) };
    if mapped.settings.etag {
        return Ok(Some(format!("\"{version}\"")));
    }
    match (&mapped.settings.version, body) {
        (Some(pointer), Some(body)) => {
            let text = version.to_string();
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            body.put(pointer, if is_number { Tree::Number(text) } else { Tree::Text(text) });
            Ok(None)
        }
        _ => Err(Error::new(ErrorKind::NotSupported, "`If-Match` cannot be kept on this back end")),
    }
}

fn one(call: &settings::Call, usual: Method, id: &Id) -> Result<Asked, Error> {
    // An id of FHIR has no letter that a path would have to escape; two dots alone would lead up.
    if id.as_str().bytes().all(|byte| byte == b'.') {
        return Err(Error::new(ErrorKind::NotFound, "there is no such resource"));
    }
    Ok(asked(method(call, usual)?, call.path.replace("{id}", id.as_str())))
}

fn method(call: &settings::Call, usual: Method) -> Result<Method, Error> {
    match &call.method {
        None => Ok(usual),
        Some(name) => name.parse().map_err(|_| Error::new(ErrorKind::Internal, "unknown method")),
    }
}

fn etag(mapped: &Mapped, headers: &HeaderMap) -> Option<VersionId> {
    let text = headers.get(ETAG).filter(|_| mapped.settings.etag)?.to_str().ok()?;
    text.trim().trim_start_matches("W/").trim_matches('"').parse().ok()
}

/// The last part of Location.
fn located(headers: &HeaderMap) -> Option<Id> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    location.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}
