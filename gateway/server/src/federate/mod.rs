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
mod member;
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

use adapter::seal::Seal;
use adapter::{Adapter, Body, Call, Clock, Error, ErrorKind, Health, Reply};
use bytes::{Bytes, BytesMut};
use fhir::{Capability, Interaction, ResourceType};
use futures_util::TryStreamExt;

use crate::dispatch;
use space::Ids;

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
