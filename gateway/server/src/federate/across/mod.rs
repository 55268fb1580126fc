//! Searches that reach over routes: the Appointment in the scheduler, its Patient in the EHR.
//!
//! An include, a chain or `_has` between types of one adapter is the adapter's. Between types of several it is taken out of the
//! search and done here: a chain and `_has` by a search before it, includes by searches behind it. Each of them is a call of
//! the client's own compartment, and the answer is checked against the token like any other.

mod chain;
mod describe;
mod found;
mod include;

use std::sync::Arc;

use adapter::{Body, Call, Error, ErrorKind, Reply};
use bytes::{Bytes, BytesMut};
use fhir::{Interaction, InteractionCode, Query, ResourceType};
use futures_util::TryStreamExt;

use super::page;
use crate::dispatch;
use crate::route::{Plan, Routes};
pub use describe::add_includes;
use found::Found;

/// Resources that a chain or `_has` may lead over.
const MOST_LINKS: usize = 200;

/// Where searches of a practice go.
pub struct Across<'r> {
    /// The routes.
    pub routes: &'r Routes,
    /// Bytes of one reply that are held.
    pub reply: usize,
}

/// Whether a search may have something in it that reaches over routes.
#[must_use]
pub fn concerns(interaction: &Interaction) -> bool {
    let Interaction::SearchType { query, .. } = interaction else { return false };
    query.iter().any(|(name, _)| include::is_include(name) || chain::is_chain(name))
}

impl Across<'_> {
    /// Performs a search, with what of it reaches over routes done here.
    ///
    /// # Errors
    /// As any search; [`ErrorKind::TooCostly`] when a chain leads over too many resources.
    pub async fn search(&self, plan: &Plan, call: Call) -> Result<Reply, Error> {
        let Interaction::SearchType { resource_type: of, query, .. } = &call.interaction else {
            return dispatch::perform(plan, call).await;
        };
        let (of, asked) = (*of, query.clone());
        let (includes, query) = include::foreign(self, plan, &call, of, &asked);
        let Some(query) = chain::resolved(self, plan, &call, of, query).await? else {
            return Ok(found::nothing(&call, &asked));
        };
        if includes.is_empty() && query == asked {
            return dispatch::perform(plan, call).await;
        }
        let interaction = page::with_query(call.interaction.clone(), query);
        let reply = dispatch::perform(plan, Call { interaction, ..call.clone() }).await?;
        if includes.is_empty() {
            return Ok(reply);
        }
        let bytes = self.gathered(reply.body).await?;
        let mut found = Found::read(bytes, &call).ok_or_else(no_bundle)?;
        include::follow(self, &call, &includes, &mut found).await;
        Ok(Reply { body: Body::Bytes(found.written(&call, &asked, &includes)), ..reply })
    }

    /// The plan of searches of a type; none when it is not served.
    fn plan_of(&self, call: &Call, of: ResourceType) -> Option<Arc<Plan>> {
        self.routes.searched(&call.practice, of, InteractionCode::SearchType)
    }

    /// The name of the back end that answers searches of a type.
    fn back_end(&self, call: &Call, of: ResourceType) -> Option<Arc<str>> {
        Some(Arc::clone(&self.plan_of(call, of)?.adapters.first()?.name))
    }

    /// Whether resources of that type may be elsewhere: searches of it go to another adapter, or to several that do not keep what
    /// belongs together.
    fn is_foreign(&self, plan: &Plan, call: &Call, of: ResourceType) -> bool {
        self.plan_of(call, of).is_some_and(|there| leads_away(plan, &there, of))
    }

    /// A search of another type for the same client; it may reach over routes itself.
    async fn ask(&self, call: &Call, of: ResourceType, query: Query) -> Result<Found, Error> {
        let plan = self.plan_of(call, of).ok_or_else(|| {
            Error::new(ErrorKind::NotSupported, format!("no back end of this base is searched for {of}"))
        })?;
        let interaction = Interaction::SearchType { resource_type: of, compartment: None, query };
        let own = Call { interaction, ..call.clone() };
        let reply = Box::pin(self.search(&plan, own.clone())).await?;
        Found::read(self.gathered(reply.body).await?, &own).ok_or_else(no_bundle)
    }

    async fn gathered(&self, body: Body) -> Result<Bytes, Error> {
        let mut pieces = match body {
            Body::Empty => return Err(no_bundle()),
            Body::Bytes(bytes) => return Ok(bytes),
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
        Ok(whole.freeze())
    }
}

/// Whether one plan's adapter does not see what another one's has of a type.
fn leads_away(here: &Plan, there: &Plan, of: ResourceType) -> bool {
    let is_scattered = there.federation.as_ref().is_some_and(|known| known.is_scattered(of));
    let first = |plan: &Plan| plan.adapters.first().map(|destination| Arc::clone(&destination.adapter));
    is_scattered || first(here).zip(first(there)).is_some_and(|(here, there)| !Arc::ptr_eq(&here, &there))
}

fn no_bundle() -> Error {
    Error::new(ErrorKind::BadReply, "expected a Bundle from the back end")
}

#[cfg(test)]
mod tests;
