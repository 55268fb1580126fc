//! A transaction before the writer has it: scopes, conditions, ids, and every resource that can be indexed by now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::{Call, Error, ErrorKind, Reply, Status};
use fhir::bundle::{self, Answers, Context, conditional, conditionals, duplicates};
use fhir::json::{Document, Value};
use fhir::{Id, Interaction, Query, Resource, ResourceType, VersionId};

use super::references::{Resolved, Resolver};
use super::{Action, Content, Done, Entry, Look, Place, Target, Told, Transaction, Write, answer, located};
use crate::capability::is_stored;
use crate::conditional::condition_deadline;
use crate::query::{Pages, Search, Sight};
use crate::scopes::Scope;
use crate::store::{Store, absent, absent_version, new_id};
use crate::write::{self, Draft};
use crate::{history, record};

/// Bytes of a Bundle that is prepared on a thread of its own.
const LARGE: usize = 64 << 10;

/// Most conditional references that differ: each is a search that holds the writer up.
const MOST_CONDITIONS: usize = 1_000;

impl Store {
    /// Performs a transaction; the Bundle that answers.
    pub(crate) async fn transaction(&self, call: &Call, bundle: &Resource) -> Result<Reply, Error> {
        let entries = entries(call, bundle)?;
        let writes: Vec<bool> = entries.iter().map(|entry| !entry.interaction.is_safe()).collect();
        let transaction = self.plan(call, entries).await?;
        let transaction = indexed(transaction, bundle.bytes.len()).await?;
        let done = self.writer.write(call.deadline, move |connection| transaction.perform(connection)).await?;
        let mut answers = Answers::new(true);
        for (index, (done, is_write)) in done.into_iter().zip(writes).enumerate() {
            let reply = match done {
                Done::Written(reply) => reply,
                Done::Seen(told) => told(&self.pages, call, self.clock.now()).map_err(|error| located(error, index))?,
            };
            answers.push(&answer(reply, &call.base, is_write));
        }
        Ok(Reply::new(Status::Ok).with_body(answers.into_bytes()))
    }

    async fn plan(&self, call: &Call, entries: Vec<bundle::Entry>) -> Result<Transaction, Error> {
        let mut transaction = Transaction {
            entries: Vec::with_capacity(entries.len()),
            names: HashMap::new(),
            conditions: HashMap::new(),
            base: Arc::clone(&call.base),
            version: self.capability.version,
            deletes: self.conditional_delete,
            now: self.now(),
            deadline: condition_deadline(call),
        };
        // Scopes first: reads see what is made.
        for entry in entries.iter().filter(|entry| !entry.interaction.is_safe()) {
            if let Some(kind) = entry.interaction.resource_type().filter(|kind| is_stored(*kind, call.version)) {
                self.scope(call, kind).await?;
            }
        }
        for entry in entries {
            let index = entry.index;
            let texts = entry.interaction.resource().map(|resource| conditionals(&resource.bytes));
            for text in texts.unwrap_or_default() {
                self.add_condition(call, &mut transaction, text).await.map_err(|error| located(error, index))?;
            }
            let entry = self.entry(call, entry).await.map_err(|error| located(error, index))?;
            if let (Some(name), Action::Write(of)) = (&entry.full_url, &entry.action) {
                transaction.names.insert(name.clone(), of.place.known(of.scope.resource_type));
            }
            transaction.entries.push(entry);
        }
        Ok(transaction)
    }

    /// A conditional reference; of a type that was never stored there is none.
    async fn add_condition(&self, call: &Call, transaction: &mut Transaction, text: String) -> Result<(), Error> {
        let Some((kind, criteria)) = conditional(&text).filter(|_| !transaction.conditions.contains_key(&text)) else {
            return Ok(());
        };
        if transaction.conditions.len() >= MOST_CONDITIONS {
            let text = format!("expected at most {MOST_CONDITIONS} conditional references that differ");
            return Err(Error::new(ErrorKind::TooCostly, text));
        }
        let scope = self.known(call, kind).await?;
        let condition = scope.map(|scope| self.condition(call, &scope, &criteria)).transpose()?;
        transaction.conditions.insert(text, condition);
        Ok(())
    }

    async fn entry(&self, call: &Call, entry: bundle::Entry) -> Result<Entry, Error> {
        let bundle::Entry { index, full_url, interaction, must_create, .. } = entry;
        if let Some(kind) = interaction.resource_type().filter(|kind| !is_stored(*kind, self.capability.version)) {
            return Err(Error::new(ErrorKind::NotSupported, format!("the store does not keep {kind}")));
        }
        let action = self.action(call, interaction, must_create).await?;
        Ok(Entry { index, full_url, action })
    }

    async fn action(&self, call: &Call, interaction: Interaction, must_create: bool) -> Result<Action, Error> {
        use Interaction as I;
        Ok(match interaction {
            I::Create { resource, if_none_exist } => {
                let scope = self.scope(call, resource.resource_type).await?;
                let place = match if_none_exist {
                    Some(criteria) => self.condition_of(call, &scope, &criteria, None)?,
                    None => Place::New(new_id()?),
                };
                Action::Write(Write {
                    scope,
                    is_post: true,
                    place,
                    content: Content::Open(resource),
                    if_match: None,
                    must_create,
                })
            }
            I::Update { id, resource, if_match } => {
                let scope = self.scope(call, resource.resource_type).await?;
                let content = Content::Open(resource);
                Action::Write(Write { scope, is_post: false, place: Place::At(id), content, if_match, must_create })
            }
            I::ConditionalUpdate { criteria, resource, if_match } => {
                let scope = self.scope(call, resource.resource_type).await?;
                let own = own_id(&resource)?;
                let place = self.condition_of(call, &scope, &criteria, own)?;
                let content = Content::Open(resource);
                Action::Write(Write { scope, is_post: false, place, content, if_match, must_create })
            }
            I::Delete { resource_type, id, if_match } => {
                Action::Delete { scope: self.known(call, resource_type).await?, id, if_match }
            }
            I::ConditionalDelete { resource_type, criteria } => {
                let scope = self.scope(call, resource_type).await?;
                let condition = self.condition(call, &scope, &criteria)?;
                Action::ConditionalDelete { scope, condition }
            }
            other => Action::Look(self.look(call, other).await?),
        })
    }

    fn condition_of(&self, call: &Call, scope: &Arc<Scope>, criteria: &Query, own: Option<Id>) -> Result<Place, Error> {
        let condition = Box::new(self.condition(call, scope, criteria)?);
        let is_own = own.is_some();
        let otherwise = own.map_or_else(new_id, Ok)?;
        Ok(Place::Where { text: criteria.encode(), condition, otherwise, is_own })
    }

    /// What is missing is told when its turn comes, also where nothing of the type was ever stored: the entries before it may fail, or make it.
    async fn look(&self, call: &Call, interaction: Interaction) -> Result<Look, Error> {
        use Interaction as I;
        Ok(match interaction {
            I::Read { resource_type, id } => read(self.scope(call, resource_type).await?, id, self.sight(call)),
            I::Vread { resource_type, id, version_id } => {
                vread(self.scope(call, resource_type).await?, id, &version_id, self.sight(call))?
            }
            I::SearchType { resource_type, compartment, query } => {
                self.search_within(call, &Search::new(Some(resource_type), compartment.as_ref(), &query))?
            }
            I::SearchSystem { compartment, query } => {
                self.search_within(call, &Search::new(None, compartment.as_ref(), &query))?
            }
            I::HistoryInstance { resource_type, id, query } => {
                let scope = self.scope(call, resource_type).await?;
                let of = (resource_type, Some(Arc::clone(&scope)));
                let page = history::plan(call, &self.pages, of, &id, &query, self.clock.now())?;
                let current = call.confinement().is_some().then(|| read(scope, id, self.sight(call)));
                Box::new(move |connection| {
                    current.map(|current| current(connection)).transpose()?;
                    let found = page.run(connection)?;
                    Ok(told(move |pages, call, now| Ok(history::reply(call, pages, found, now))))
                })
            }
            other => {
                let text = format!("the store does not perform `{}` within a transaction", other.code().code());
                return Err(Error::new(ErrorKind::NotSupported, text));
            }
        })
    }

    fn search_within(&self, call: &Call, search: &Search) -> Result<Look, Error> {
        let page = self.pages.plan(call, search, self.sight(call), self.clock.now())?;
        Ok(Box::new(move |connection| {
            let found = page.run(connection)?;
            Ok(told(move |pages, call, now| pages.reply(call, found, now)))
        }))
    }
}

/// What was found, to be told once everything is committed.
fn told(tell: impl FnOnce(&Pages, &Call, SystemTime) -> Result<Reply, Error> + Send + 'static) -> Told {
    Box::new(tell)
}

/// What the call does not see is missing here already: afterwards the transaction could not fail any more, as it does for what is not there.
fn read(scope: Arc<Scope>, id: Id, sight: Sight) -> Look {
    Box::new(move |connection| {
        let kind = scope.resource_type;
        let version = record::current_version(connection, scope.key, id.as_str())?;
        let version = version.filter(|version| is_seen(version, kind, &sight)).ok_or_else(|| absent(kind))?;
        let reply = version.into_reply(Status::Ok, kind, id)?;
        Ok(told(move |_, _, _| Ok(reply)))
    })
}

/// A deletion is told as such.
fn is_seen(version: &record::Version, kind: ResourceType, sight: &Sight) -> bool {
    version.body.as_ref().is_none_or(|body| sight.admits(kind, body))
}

fn vread(scope: Arc<Scope>, id: Id, version_id: &VersionId, sight: Sight) -> Result<Look, Error> {
    let kind = scope.resource_type;
    let number = version_id.as_str().parse().map_err(|_| absent_version(kind))?;
    Ok(Box::new(move |connection| {
        let version = record::version(connection, scope.key, id.as_str(), number)?;
        let version = version.filter(|version| is_seen(version, kind, &sight)).ok_or_else(|| absent_version(kind))?;
        let reply = version.into_reply(Status::Ok, kind, id)?;
        Ok(told(move |_, _, _| Ok(reply)))
    }))
}

/// The entries, all of them sound.
fn entries(call: &Call, bundle: &Resource) -> Result<Vec<bundle::Entry>, Error> {
    let context = Context { version: call.version, base: &call.base, most: usize::MAX };
    let invalid = |issues| Error::from_issues(ErrorKind::Invalid, issues);
    let mut issues = Vec::new();
    let mut entries = Vec::new();
    for entry in bundle::read(&bundle.bytes, &context).map_err(invalid)? {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(fault) => issues.extend(fault.issues),
        }
    }
    issues.extend(duplicates(&entries));
    if issues.is_empty() { Ok(entries) } else { Err(invalid(issues)) }
}

fn own_id(resource: &Resource) -> Result<Option<Id>, Error> {
    let nodes = write::scanned(&resource.bytes)?;
    let root = Document::new(&resource.bytes, &nodes).root();
    let Some(id) = root.and_then(|root| root.member("id")).and_then(Value::text) else { return Ok(None) };
    id.parse().map(Some).map_err(|_| Error::new(ErrorKind::Invalid, "expected `id` to be an id"))
}

/// Scans and indexes what needs no condition to be decided, so that the writing thread need not.
async fn indexed(mut transaction: Transaction, bytes: usize) -> Result<Transaction, Error> {
    let work = move || transaction.index().map(|()| transaction);
    if bytes <= LARGE {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::new(ErrorKind::Internal, "the store failed"))?
}

impl Transaction {
    fn index(&mut self) -> Result<(), Error> {
        let Self { entries, names, base, .. } = self;
        for Entry { index, full_url, action } in entries {
            let Action::Write(of) = action else { continue };
            let Content::Open(resource) = &of.content else { continue };
            let find = |_: &str| Ok(None);
            let mut resolver = Resolver { names, full_url: full_url.as_deref(), base, find };
            let at = |error| located(error, *index);
            let resource = match resolver.resolve(&resource.bytes).map_err(at)? {
                Resolved::Open => continue,
                Resolved::Same => resource.clone(),
                Resolved::Changed(bytes) => Resource::new(resource.resource_type, resource.version, bytes),
            };
            let draft = Draft::new(Arc::clone(&of.scope), resource).map_err(at)?;
            of.content = Content::Ready(Box::new(draft));
        }
        Ok(())
    }
}

impl Place {
    /// The target of a name, when it needs no condition to be decided.
    fn known(&self, resource_type: ResourceType) -> Option<Target> {
        match self {
            Self::New(id) | Self::At(id) | Self::Found(id) => Some(Target { resource_type, id: id.clone() }),
            Self::Where { .. } => None,
        }
    }
}
