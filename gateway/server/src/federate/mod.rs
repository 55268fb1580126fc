//! Several adapters as one: a route with `adapters = ["ehr", "archive"]` leads to a [`Federation`], which is an adapter itself.
//!
//! What names a resource goes to the adapter whose prefix its id has; what lists resources asks all of them at a time and merges
//! the answers ([`gather`]); what is created goes to the first that takes it. Ids and references are rewritten on the way.

pub mod across;
mod bundle;
mod capability;
pub(crate) mod conditional;
mod entrance;
mod gather;
mod ground;
pub mod names;
mod order;
mod owner;
mod page;
mod query;
mod rewrite;
mod sources;
pub mod space;

pub use entrance::Entrance;
pub use ground::{Ground, Spaces};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adapter::reply::Subject;
use adapter::seal::Seal;
use adapter::{Adapter, Body, Call, Clock, Error, ErrorKind, Health, Reply};
use bytes::{Bytes, BytesMut};
use fhir::interaction::{Level, Parameters};
use fhir::{Capability, Compartment, Id, Interaction, Query, Resource, ResourceType, Version};
use futures_util::TryStreamExt;
use search::Vocabulary;

use crate::dispatch;
use space::{Ids, Whose};

/// What of a request's time is left when a back end that is one of several is given up.
const MARGIN: Duration = Duration::from_secs(1);

/// One adapter of a federation.
#[derive(Clone)]
pub struct Member {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The adapter with its wrappers around it.
    pub adapter: Arc<dyn Adapter>,
    /// How its ids are read and written.
    pub ids: Ids,
}

/// Several adapters that clients see as one.
pub struct Federation {
    members: Vec<Member>,
    merged: capability::Merged,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    /// Bytes of one reply that are held.
    reply: usize,
    turns: conditional::Turns,
    is_owned: bool,
    /// The types that each member is asked for; none where that is all it has.
    serves: Option<Serves>,
}

/// Types by the names of members.
pub type Serves = BTreeMap<Arc<str>, BTreeSet<ResourceType>>;

#[async_trait::async_trait]
impl Adapter for Federation {
    fn capability(&self) -> Arc<Capability> {
        self.merged.of(&self.members)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.answer(call, None).await
    }

    async fn health(&self) -> Health {
        let mut worst = Health::Up;
        for member in &self.members {
            let health = member.adapter.health().await;
            if !matches!(health, Health::Up) {
                worst = health;
            }
        }
        worst
    }
}

impl Federation {
    /// Puts members together.
    #[must_use]
    pub fn new(members: Vec<Member>, seal: Arc<Seal>, clock: Arc<dyn Clock>, reply: usize) -> Self {
        Self {
            members,
            merged: Default::default(),
            seal,
            clock,
            reply,
            turns: Default::default(),
            is_owned: false,
            serves: None,
        }
    }

    /// What belongs to a patient is where the patient is.
    #[must_use]
    pub fn owned(self) -> Self {
        Self { is_owned: true, ..self }
    }

    /// Asks each member for these types only: of a listing of all types.
    #[must_use]
    pub fn serving(self, serves: Serves) -> Self {
        Self { serves: Some(serves), ..self }
    }

    const fn is_owned(&self) -> bool {
        self.is_owned
    }

    /// Performs a call; `takers` names the members that take what is created.
    async fn answer(&self, call: Call, takers: Option<&[Arc<str>]>) -> Result<Reply, Error> {
        if gather::is_listing(&call.interaction) {
            return Box::pin(gather::list(self, call)).await;
        }
        if !capability::offers(&self.capability(), &call.interaction) {
            return Err(unserved(&call.interaction));
        }
        let member = self.member(&call, takers)?;
        match conditional::condition(&call.interaction) {
            Some((of, _)) if self.holding(of).nth(1).is_some() => {
                Box::pin(conditional::write(self, member, call)).await
            }
            _ => self.ask(member, call).await,
        }
    }

    /// The one member that an interaction goes to.
    fn member(&self, call: &Call, takers: Option<&[Arc<str>]>) -> Result<&Member, Error> {
        let interaction = &call.interaction;
        if let (Some(of), Some(id)) = (interaction.resource_type(), interaction.id())
            && let Some(first) = self.members.first()
            && first.ids.shares(of)
        {
            let member = self.members.iter().find(|member| member.has(of, id)).ok_or_else(|| nobodys(interaction))?;
            if let Some(resource) = interaction.resource().filter(|_| self.is_owned) {
                owner::stays(self, member, resource, &call.base)?;
            }
            return Ok(member);
        }
        if let Some(resource) = interaction.resource().filter(|_| self.is_owned)
            && let Some(owner) = owner::of_resource(self, resource, &call.base)?
        {
            return Ok(owner);
        }
        let takes = |member: &&Member| {
            takers.is_none_or(|takers| takers.contains(&member.name))
                && capability::offers(&member.adapter.capability(), interaction)
        };
        self.members.iter().find(takes).ok_or_else(|| unserved(interaction))
    }

    /// The adapter that made an id, which may be none of the members.
    fn adapter_of(&self, id: &str) -> Option<&Arc<str>> {
        self.members.first()?.ids.adapter_of(id)
    }

    /// Asks one member in its own ids, and tells the answer in those of clients.
    async fn ask(&self, member: &Member, call: Call) -> Result<Reply, Error> {
        let base = Arc::clone(&call.base);
        let call = member.call(call)?.ok_or_else(absent)?;
        let reply = dispatch::shielded(&*member.adapter, call).await?;
        self.told(member, reply, &base).await
    }

    /// The members that hold resources of a type.
    fn holding(&self, of: ResourceType) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.adapter.capability().resources.contains_key(&of))
    }

    /// What a member that is one of several says. It is given up in time to tell the client what the others have.
    async fn reply_of(&self, member: &Member, own: Call) -> Result<Reply, Error> {
        let left = own.deadline.saturating_duration_since(std::time::Instant::now());
        let deadline = own.deadline - (left / 10).min(MARGIN);
        let asked = dispatch::shielded(&*member.adapter, Call { deadline, ..own });
        tokio::time::timeout_at(deadline.into(), asked).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Timeout, format!("the back end `{}` did not answer in time", member.name)))
        })
    }

    /// An answer of a member in the ids of clients. What is long is written down before anybody sees it.
    async fn told(&self, member: &Member, reply: Reply, base: &str) -> Result<Reply, Error> {
        let mut long = Vec::new();
        let subject = reply.subject.map(|subject| member.subject(subject, &mut long)).transpose()?;
        let body = match self.gathered(reply.body).await? {
            Some(bytes) => {
                let (bytes, more) = rewrite::seen(&member.ids, &bytes, base).map_err(|error| bad(member, error))?;
                long.extend(more);
                Body::Bytes(bytes)
            }
            None => Body::Empty,
        };
        if !long.is_empty() {
            let ids = member.ids.clone();
            let kept = tokio::task::spawn_blocking(move || ids.keep(long)).await;
            let failed = "an id of the back end cannot be written down";
            kept.map_err(|error| Error::new(ErrorKind::Internal, failed).because(error))?
                .map_err(|error| Error::new(ErrorKind::Storage, failed).because(error))?;
        }
        Ok(Reply { subject, body, ..reply })
    }

    async fn gathered(&self, body: Body) -> Result<Option<Bytes>, Error> {
        let mut pieces = match body {
            Body::Empty => return Ok(None),
            Body::Bytes(bytes) => return Ok(Some(bytes)),
            Body::Stream(_, pieces) => pieces,
        };
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.try_next().await? {
            if whole.len() + piece.len() > self.reply {
                let text = format!("expected a reply of at most {} bytes from the back end", self.reply);
                return Err(Error::new(ErrorKind::BadReply, text));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.freeze()))
    }
}

impl Member {
    /// A call in the member's ids; none when it names what only others can have.
    fn call(&self, call: Call) -> Result<Option<Call>, Error> {
        let spoken = self.adapter.capability().version;
        if spoken != call.version && (spoken == Version::R5 || call.version == Version::R5) {
            let text = format!("the back end `{}` speaks another FHIR release than the first of its route", self.name);
            return Err(Error::new(ErrorKind::NotSupported, text));
        }
        let of = call.interaction.resource_type();
        let confined_to = match &call.confined_to {
            Some(owner) if of == Some(owner.resource_type) && !self.has(owner.resource_type, &owner.id) => {
                return Ok(None);
            }
            owner => owner.as_ref().map(|owner| self.compartment(owner)),
        };
        let vocabulary = call.additions.on(call.version);
        let Some(interaction) = self.interaction(call.interaction, vocabulary, &call.base)? else { return Ok(None) };
        Ok(Some(Call { interaction, confined_to, ..call }))
    }

    fn has(&self, of: ResourceType, id: &Id) -> bool {
        matches!(self.ids.own(of, id.as_str()), Whose::Own(_))
    }

    /// The owner as references of this member name it.
    fn compartment(&self, owner: &Compartment) -> Compartment {
        let own = self.ids.target_own(owner.resource_type, owner.id.as_str()).and_then(|id| id.parse().ok());
        Compartment { resource_type: owner.resource_type, id: own.unwrap_or_else(|| owner.id.clone()) }
    }

    fn interaction(
        &self,
        mut interaction: Interaction,
        vocabulary: Vocabulary,
        base: &str,
    ) -> Result<Option<Interaction>, Error> {
        use Interaction as I;
        let of = interaction.resource_type();
        let own_query = |query: &Query| query::own(&self.ids, query, of, vocabulary, base);
        if let I::SearchType { compartment: Some(owner), .. } | I::SearchSystem { compartment: Some(owner), .. } =
            &mut interaction
        {
            *owner = self.compartment(owner);
        }
        match &mut interaction {
            I::Read { resource_type, id }
            | I::Vread { resource_type, id, .. }
            | I::Delete { resource_type, id, .. } => *id = self.own(*resource_type, id)?,
            I::Batch { bundle, transaction: true } => self.write(bundle, base)?,
            I::Patch { .. } | I::ConditionalPatch { .. } | I::Batch { .. } | I::Capabilities => {
                return Err(Error::new(ErrorKind::NotSupported, "expected an interaction on one resource or one type"));
            }
            I::Update { id, resource, .. } => {
                *id = self.own(resource.resource_type, id)?;
                self.write(resource, base)?;
            }
            I::Create { resource, if_none_exist } => {
                self.write(resource, base)?;
                if let Some(criteria) = if_none_exist {
                    *criteria = own_query(criteria).ok_or_else(absent)?;
                }
            }
            I::ConditionalUpdate { criteria, resource, .. } => {
                self.write(resource, base)?;
                *criteria = own_query(criteria).ok_or_else(absent)?;
            }
            I::ConditionalDelete { criteria, .. } => *criteria = own_query(criteria).ok_or_else(absent)?,
            I::HistoryInstance { resource_type, id, query } => {
                *id = self.own(*resource_type, id)?;
                *query = own_query(query).ok_or_else(absent)?;
            }
            I::HistoryType { query, .. }
            | I::HistorySystem { query }
            | I::SearchType { query, .. }
            | I::SearchSystem { query, .. } => {
                let Some(own) = own_query(query) else { return Ok(None) };
                *query = own;
            }
            I::Operation { level, parameters, .. } => {
                if let Level::Instance(resource_type, id) = level {
                    *id = self.own(*resource_type, id)?;
                }
                match parameters {
                    Parameters::Query(query) => *query = own_query(query).ok_or_else(absent)?,
                    Parameters::Body(resource) => self.write(resource, base)?,
                }
            }
        }
        Ok(Some(interaction))
    }

    fn own(&self, of: ResourceType, id: &Id) -> Result<Id, Error> {
        match self.ids.own(of, id.as_str()) {
            Whose::Own(own) => own.parse().map_err(|_| absent()),
            Whose::Other => Err(absent()),
        }
    }

    fn write(&self, resource: &mut Resource, base: &str) -> Result<(), Error> {
        let rewritten = rewrite::own(&self.ids, &resource.bytes, base)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        if let Some(bytes) = rewritten {
            *resource = Resource::new(resource.resource_type, resource.version, bytes);
        }
        Ok(())
    }

    fn subject(&self, subject: Subject, long: &mut Vec<(String, String)>) -> Result<Subject, Error> {
        match self.ids.seen(subject.resource_type, subject.id.as_str(), long) {
            Some(id) => {
                let id = id.parse().map_err(|_| Error::new(ErrorKind::BadReply, "expected an id from the back end"))?;
                Ok(Subject { id, ..subject })
            }
            None => Ok(subject),
        }
    }
}

fn absent() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such resource")
}

fn unserved(interaction: &Interaction) -> Error {
    let text = format!("none of the back ends of this route offers {}", interaction.code().code());
    Error::new(ErrorKind::NotSupported, text)
}

/// An id that no member has made: nothing is there, and nothing can be made there.
fn nobodys(interaction: &Interaction) -> Error {
    match interaction {
        Interaction::Update { .. } => {
            let text = "several back ends hold this type: expected an id that one of them gave, or a create";
            Error::new(ErrorKind::NotSupported, text)
        }
        _ => absent(),
    }
}

fn bad(member: &Member, error: rewrite::Unreadable) -> Error {
    Error::new(ErrorKind::BadReply, format!("the back end `{}` gave no FHIR resource", member.name)).because(error)
}

#[cfg(test)]
mod tests;
