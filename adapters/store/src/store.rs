//! The adapter itself: which interaction runs where.

use std::sync::Arc;
use std::time::Instant;

use adapter::reply::{Reply, Status};
use adapter::{Adapter, Call, Clock, Error, ErrorKind, Health, Host};
use fhir::{Capability, Id, Interaction, Query, Resource, ResourceType, VersionId};

use crate::capability::{capability, is_stored};
use crate::checkpoint::Checkpoints;
use crate::conditional::{CONDITION, Deletion, condition_deadline, existing, one_match, unmatched};
use crate::connections::Connections;
use crate::instant::micros;
use crate::place::Place;
use crate::preparation::Preparation;
use crate::query::{self, Search, Sight};
use crate::schema::OpenError;
use crate::scopes::{Scope, Scopes, intern, look_up};
use crate::searches::Searches;
use crate::settings::{ConditionalDelete, Settings};
use crate::sql::Connection;
use crate::write::{self, Draft};
use crate::writer::Writer;
use crate::{history, record};

/// FHIR resources in a database. Dropping it waits for the writes that it has taken.
pub struct Store {
    pub(crate) writer: Writer,
    searches: Searches,
    /// For reads by key on the spot, where the database is a file.
    connections: Option<Connections>,
    preparation: Arc<Preparation>,
    scopes: Arc<Scopes>,
    pub(crate) capability: Arc<Capability>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pages: query::Pages,
    pub(crate) conditional_delete: ConditionalDelete,
}

impl Store {
    /// Opens the store, creating or migrating its database as needed. A server that does not answer is tried again until it does.
    ///
    /// # Errors
    /// When the database cannot be opened, is another program's or a later release's, or holds another FHIR release.
    pub fn open(settings: &Settings, host: &Host) -> Result<Self, OpenError> {
        let place = Place::new(settings, host)?;
        // A server's connections are not for threads that run async tasks, as this one may.
        std::thread::scope(|threads| threads.spawn(|| Self::open_at(&place, settings, host)).join())
            .unwrap_or(Err(OpenError::Index("opening the store failed".into())))
    }

    fn open_at(place: &Place, settings: &Settings, host: &Host) -> Result<Self, OpenError> {
        let version = settings.fhir_version;
        let scopes = Arc::new(Scopes::new(host.additions.clone()));
        let connection = place.writer()?;
        let preparation = Preparation::start(place, &connection, version, &scopes)?;
        let checkpoints = place.file().map(Checkpoints::start).transpose()?;
        Ok(Self {
            searches: Searches::start(place, settings.threads())?,
            writer: Writer::start(connection, checkpoints)?,
            connections: place.file().map(|path| Connections::new(path.to_owned())),
            preparation,
            scopes,
            capability: Arc::new(capability(version, settings.conditional_delete)),
            clock: Arc::clone(&host.clock),
            pages: query::Pages::new(settings, host),
            conditional_delete: settings.conditional_delete,
        })
    }

    pub(crate) fn now(&self) -> i64 {
        micros(self.clock.now())
    }

    async fn read(&self, call: &Call, resource_type: ResourceType, id: &Id) -> Result<Reply, Error> {
        let scope = self.known(call, resource_type).await?.ok_or_else(|| absent(resource_type))?;
        let own = id.clone();
        let version =
            self.by_key(call, move |connection| record::current_version(connection, scope.key, own.as_str())).await?;
        version.ok_or_else(|| absent(resource_type))?.into_reply(Status::Ok, resource_type, id.clone())
    }

    async fn vread(
        &self,
        call: &Call,
        resource_type: ResourceType,
        id: &Id,
        version_id: &VersionId,
    ) -> Result<Reply, Error> {
        let scope = self.known(call, resource_type).await?.ok_or_else(|| absent(resource_type))?;
        // Version ids are numbers; any other text is none of ours.
        let number = version_id.as_str().parse().map_err(|_| absent_version(resource_type))?;
        let own = id.clone();
        let version =
            self.by_key(call, move |connection| record::version(connection, scope.key, own.as_str(), number)).await?;
        version.ok_or_else(|| absent_version(resource_type))?.into_reply(Status::Ok, resource_type, id.clone())
    }

    /// Reads with one statement: on the spot where the database is a file, on a thread of its own where it is a server.
    async fn by_key<T, F>(&self, call: &Call, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        match &self.connections {
            Some(connections) => connections.read(read),
            None => self.searches.read(call.deadline, read).await,
        }
    }

    /// The scope, when something was ever written to it: by this gateway, or by another one that shares the database.
    pub(crate) async fn known(&self, call: &Call, resource_type: ResourceType) -> Result<Option<Arc<Scope>>, Error> {
        let found = self.scopes.find(&call.practice, resource_type);
        if found.is_some() || self.connections.is_some() {
            return Ok(found);
        }
        let vocabulary = self.scopes.vocabulary(&call.practice, self.capability.version);
        let practice = call.practice.clone();
        let found = self
            .searches
            .run(call.deadline, move |connection| look_up(connection, &practice, resource_type, vocabulary))
            .await?;
        Ok(found.map(|scope| self.scopes.publish(scope)))
    }

    async fn create(&self, call: &Call, resource: &Resource, condition: Option<&Query>) -> Result<Reply, Error> {
        let draft = self.draft(call, resource).await?;
        let condition = condition.map(|condition| self.condition(call, &draft.scope, condition)).transpose()?;
        let (now, id) = (self.now(), new_id()?);
        let condition_deadline = condition_deadline(call);
        self.writer
            .write(call.deadline, move |connection| {
                if let Some(condition) = condition
                    && let Some(found) = connection.until(condition_deadline, || one_match(connection, &condition))?
                {
                    return existing(connection, &draft.scope, found);
                }
                write::create(connection, &draft, id, now)
            })
            .await
    }

    async fn update(
        &self,
        call: &Call,
        id: &Id,
        resource: &Resource,
        if_match: Option<&VersionId>,
    ) -> Result<Reply, Error> {
        let draft = self.draft(call, resource).await?;
        draft.check_id(id)?;
        let (now, id, if_match, must_create) = (self.now(), id.clone(), if_match.cloned(), call.must_create);
        self.writer
            .write(call.deadline, move |connection| {
                if must_create {
                    write::check_absent(connection, &draft, &id)?;
                }
                write::update(connection, &draft, id, if_match.as_ref(), now)
            })
            .await
    }

    /// http.html#cond-update
    async fn conditional_update(
        &self,
        call: &Call,
        criteria: &Query,
        resource: &Resource,
        if_match: Option<&VersionId>,
    ) -> Result<Reply, Error> {
        let draft = self.draft(call, resource).await?;
        let condition = self.condition(call, &draft.scope, criteria)?;
        let (now, fresh, if_match) = (self.now(), new_id()?, if_match.cloned());
        let condition_deadline = condition_deadline(call);
        self.writer
            .write(call.deadline, move |connection| {
                let id = match connection.until(condition_deadline, || one_match(connection, &condition))? {
                    Some(found) => {
                        draft.check_id(&found)?;
                        found
                    }
                    None => unmatched(connection, &draft, fresh)?,
                };
                write::update(connection, &draft, id, if_match.as_ref(), now)
            })
            .await
    }

    async fn delete(
        &self,
        call: &Call,
        resource_type: ResourceType,
        id: &Id,
        if_match: Option<&VersionId>,
    ) -> Result<Reply, Error> {
        let Some(scope) = self.known(call, resource_type).await? else {
            return write::check_match(None, if_match).map(|()| Reply::new(Status::NoContent));
        };
        let (now, id, if_match, version) = (self.now(), id.clone(), if_match.cloned(), self.capability.version);
        self.writer
            .write(call.deadline, move |connection| {
                write::delete(connection, &scope, version, id, if_match.as_ref(), now)
            })
            .await
    }

    /// http.html#cond-delete
    async fn conditional_delete(
        &self,
        call: &Call,
        resource_type: ResourceType,
        criteria: &Query,
    ) -> Result<Reply, Error> {
        let scope = self.scope(call, resource_type).await?;
        let condition = self.condition(call, &scope, criteria)?;
        let deletion = self.deletion(call);
        self.writer.write(call.deadline, move |connection| deletion.run(connection, &scope, &condition)).await
    }

    pub(crate) fn deletion(&self, call: &Call) -> Deletion {
        let (now, version) = (self.now(), self.capability.version);
        Deletion { how: self.conditional_delete, deadline: condition_deadline(call), version, now }
    }

    async fn search(&self, call: &Call, search: Search) -> Result<Reply, Error> {
        let page = self.pages.plan(call, &search, self.sight(call), self.clock.now())?;
        let deadline = call.deadline;
        let found = self.searches.run(deadline, move |connection| page.run(connection)).await?;
        self.pages.reply(call, found, self.clock.now())
    }

    /// How the database would find a page of a search: the steps of its plan, in its own words.
    ///
    /// # Errors
    /// As the search; `NotSupported` for any other call.
    pub async fn explain(&self, call: &Call) -> Result<Vec<String>, Error> {
        let search = match &call.interaction {
            Interaction::SearchType { resource_type, compartment, query } => {
                Search::new(Some(*resource_type), compartment.as_ref(), query)
            }
            Interaction::SearchSystem { compartment, query } => Search::new(None, compartment.as_ref(), query),
            _ => return Err(Error::new(ErrorKind::NotSupported, "expected a search")),
        };
        let page = self.pages.plan(call, &search, self.sight(call), self.clock.now())?;
        self.searches.run(call.deadline, move |connection| page.explain(connection)).await
    }

    async fn history(&self, call: &Call, resource_type: ResourceType, id: &Id, query: &Query) -> Result<Reply, Error> {
        let of = (resource_type, self.known(call, resource_type).await?);
        let page = history::plan(call, &self.pages, of, id, query, self.clock.now())?;
        let found = self.searches.run(call.deadline, move |connection| page.run(connection)).await?;
        Ok(history::reply(call, &self.pages, found, self.clock.now()))
    }

    /// `None`: of the practice.
    async fn changes(&self, call: &Call, resource_type: Option<ResourceType>, query: &Query) -> Result<Reply, Error> {
        let now = self.clock.now();
        let page = history::all::plan(call, &self.pages, self.sight(call), resource_type, query, now)?;
        let found = self.searches.run(call.deadline, move |connection| page.run(connection)).await?;
        Ok(history::all::reply(call, &self.pages, found, now))
    }

    async fn draft(&self, call: &Call, resource: &Resource) -> Result<Draft, Error> {
        let scope = self.scope(call, resource.resource_type).await?;
        Draft::new(scope, resource.clone())
    }

    pub(crate) fn condition(
        &self,
        call: &Call,
        scope: &Arc<Scope>,
        criteria: &Query,
    ) -> Result<query::Condition, Error> {
        query::Condition::new(scope, criteria, call.confined_to.as_ref(), self.sight(call))
    }

    pub(crate) fn sight(&self, call: &Call) -> Sight {
        Sight::of(call, &self.scopes)
    }

    /// The scope of a write: made, in a write of its own, the first time that a practice has a resource of the type.
    pub(crate) async fn scope(&self, call: &Call, resource_type: ResourceType) -> Result<Arc<Scope>, Error> {
        if let Some(scope) = self.known(call, resource_type).await? {
            return Ok(scope);
        }
        let vocabulary = self.scopes.vocabulary(&call.practice, self.capability.version);
        let practice = call.practice.clone();
        let scope = self
            .writer
            .write(call.deadline, move |connection| intern(connection, &practice, resource_type, vocabulary))
            .await?;
        Ok(self.scopes.publish(scope))
    }

    fn check(&self, call: &Call) -> Result<(), Error> {
        if !self.preparation.is_done() {
            return Err(Error::new(ErrorKind::Unreachable, "the database cannot be reached yet; nothing was written"));
        }
        let version = self.capability.version;
        if call.version != version {
            let text = format!("this store holds FHIR {version} and was asked for {}", call.version);
            return Err(Error::new(ErrorKind::NotSupported, text));
        }
        match call.interaction.resource_type() {
            Some(kind) if !is_stored(kind, version) => {
                Err(Error::new(ErrorKind::NotSupported, format!("the store does not keep {kind}")))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Adapter for Store {
    fn capability(&self) -> Arc<Capability> {
        Arc::clone(&self.capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        use Interaction as I;
        self.check(&call)?;
        match &call.interaction {
            I::Read { resource_type, id } => self.read(&call, *resource_type, id).await,
            I::Vread { resource_type, id, version_id } => self.vread(&call, *resource_type, id, version_id).await,
            I::Create { resource, if_none_exist } => self.create(&call, resource, if_none_exist.as_ref()).await,
            I::Update { id, resource, if_match } => self.update(&call, id, resource, if_match.as_ref()).await,
            I::ConditionalUpdate { criteria, resource, if_match } => {
                self.conditional_update(&call, criteria, resource, if_match.as_ref()).await
            }
            I::Delete { resource_type, id, if_match } => {
                self.delete(&call, *resource_type, id, if_match.as_ref()).await
            }
            I::ConditionalDelete { resource_type, criteria } => {
                self.conditional_delete(&call, *resource_type, criteria).await
            }
            I::HistoryInstance { resource_type, id, query } => self.history(&call, *resource_type, id, query).await,
            I::HistoryType { resource_type, query } => self.changes(&call, Some(*resource_type), query).await,
            I::HistorySystem { query } => self.changes(&call, None, query).await,
            I::SearchType { resource_type, compartment, query } => {
                self.search(&call, Search::new(Some(*resource_type), compartment.as_ref(), query)).await
            }
            I::SearchSystem { compartment, query } => {
                self.search(&call, Search::new(None, compartment.as_ref(), query)).await
            }
            I::Batch { bundle, transaction: true } => self.transaction(&call, bundle).await,
            other => Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "the store does not serve `{}` (known: read, vread, create, update, delete, history-instance, \
                     history-type, history-system, search-type, search-system, transaction)",
                    other.code().code()
                ),
            )),
        }
    }

    async fn health(&self) -> Health {
        if !self.preparation.is_done() {
            return Health::Down("the database cannot be reached, or not be used; it is tried every second".into());
        }
        match self.writer.health() {
            Health::Up => {}
            other => return other,
        }
        let ask = |connection: &Connection| Ok(connection.number("SELECT 1", &[])?);
        match &self.connections {
            Some(connections) => match connections.read(ask) {
                Ok(_) => Health::Up,
                Err(_) => Health::Down("the store cannot be opened for reading".into()),
            },
            None => match self.searches.read(Instant::now() + CONDITION, ask).await {
                Ok(_) => Health::Up,
                Err(error) if error.kind == ErrorKind::Shed => Health::Degraded("many searches wait".into()),
                Err(_) => Health::Down("the database cannot be reached".into()),
            },
        }
    }
}

pub(crate) fn absent(resource_type: ResourceType) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {resource_type} with that id"))
}

pub(crate) fn absent_version(resource_type: ResourceType) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no such version of that {resource_type}"))
}

/// A server's own id: ordered by time, so that the index of ids grows at its end.
pub(crate) fn new_id() -> Result<Id, Error> {
    let id = uuid::Uuid::now_v7().to_string();
    id.parse().map_err(|_| Error::new(ErrorKind::Internal, "the store could not make an id"))
}
