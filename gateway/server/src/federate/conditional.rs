//! Writes on a condition over several back ends: all of them are asked who meets it, and then one of them writes.
//!
//! Each back end decides the condition again over what it holds itself. Between the question and the write somebody who does not
//! come through this gateway could make a match in another back end; writes on the same condition through this gateway take turns.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use adapter::{Body, Call, Error, ErrorKind, Reply, Status};
use fhir::{Handling, Id, Interaction, Query, ResourceType};
use futures_util::future::join_all;
use tokio::sync::{Mutex, MutexGuard};

use super::order::Order;
use super::{Federation, Member, bundle, page};

/// Conditions that are decided at a time.
const TURNS: usize = 64;
/// Pages of one back end that are looked at for two matches.
const PAGES: usize = 4;
/// Parameters that say how to answer and not what to find: in a condition they would be passed over.
const NO_CRITERIA: [&str; 9] =
    ["_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_contained", "_page"];

/// Whether a condition of a write holds criteria only.
#[must_use]
pub(crate) fn has_only_criteria(condition: &Query) -> bool {
    condition.iter().all(|(name, _)| !NO_CRITERIA.contains(&name.split(':').next().unwrap_or_default()))
}

/// Whose turn it is to decide a condition.
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    async fn of(&self, call: &Call, of: ResourceType, condition: &Query) -> Result<MutexGuard<'_, ()>, Error> {
        let mut criteria: Vec<_> = condition.iter().collect();
        criteria.sort_unstable();
        let mut hasher = DefaultHasher::new();
        (call.practice.as_str(), of, criteria).hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        let [first, ..] = &self.0;
        let turn = self.0.get(place).unwrap_or(first);
        let late = |_| Error::new(ErrorKind::Locked, "others write on the same condition: nothing was written");
        tokio::time::timeout_at(call.deadline.into(), turn.lock()).await.map_err(late)
    }
}

/// A resource that meets a condition.
struct Match<'f> {
    member: &'f Member,
    id: Id,
}

/// The type and the criteria of a write on a condition.
pub(super) fn condition(interaction: &Interaction) -> Option<(ResourceType, &Query)> {
    match interaction {
        Interaction::Create { resource, if_none_exist: Some(criteria) } => Some((resource.resource_type, criteria)),
        Interaction::ConditionalUpdate { criteria, resource, .. } => Some((resource.resource_type, criteria)),
        Interaction::ConditionalDelete { resource_type, criteria } => Some((*resource_type, criteria)),
        _ => None,
    }
}

/// Decides the condition over all members, and lets the one write that is to.
///
/// # Errors
/// 412 for several matches, 503 when a member cannot be asked: then nothing is written.
pub(super) async fn write(federation: &Federation, taker: &Member, call: Call) -> Result<Reply, Error> {
    let Some((of, criteria)) = condition(&call.interaction) else { return federation.ask(taker, call).await };
    let criteria = criteria.clone();
    if criteria.is_empty() || !has_only_criteria(&criteria) {
        return Err(Error::new(ErrorKind::Invalid, "expected search criteria, and nothing else, in a condition"));
    }
    let _turn = federation.turns.of(&call, of, &criteria).await?;
    let mut found = matches(federation, &call, of, &criteria).await?;
    let first = found.pop();
    match (first, found.is_empty(), &call.interaction) {
        (Some(_), false, _) => {
            let text = "the criteria match more than one resource; expected at most one";
            Err(Error::new(ErrorKind::MultipleMatches, text))
        }
        (Some(only), true, Interaction::Create { .. }) => {
            let interaction = Interaction::Read { resource_type: of, id: only.id };
            federation.ask(only.member, Call { interaction, ..call }).await
        }
        (Some(only), true, _) => federation.ask(only.member, call).await,
        (None, _, Interaction::ConditionalDelete { .. }) => Ok(Reply::new(Status::NoContent)),
        (None, ..) => federation.ask(taker, call).await,
    }
}

/// Who meets the condition on any member.
async fn matches<'f>(
    federation: &'f Federation,
    call: &Call,
    of: ResourceType,
    criteria: &Query,
) -> Result<Vec<Match<'f>>, Error> {
    let asked = federation.holding(of).map(|member| of_member(federation, member, call, of, criteria));
    let mut all = Vec::new();
    for found in join_all(asked).await {
        all.extend(found?);
    }
    Ok(all)
}

async fn of_member<'f>(
    federation: &'f Federation,
    member: &'f Member,
    call: &Call,
    of: ResourceType,
    criteria: &Query,
) -> Result<Vec<Match<'f>>, Error> {
    let mut query = criteria.clone();
    query.push("_count", "2");
    let mut found: Vec<Match<'f>> = Vec::new();
    for _ in 0..PAGES {
        let interaction = Interaction::SearchType { resource_type: of, compartment: None, query };
        // A condition of a write stays confined also where a search would not be.
        let search = Call { interaction, handling: Handling::Strict, directory: Arc::default(), ..call.clone() };
        let listed = listed(federation, member, search.clone()).await.map_err(|error| unasked(member, error))?;
        for entry in listed.matches {
            let known = |id: &Id| found.iter().any(|known| known.id == *id);
            if let Some(id) = entry.id_of(of).filter(|id| !known(id)) {
                found.push(Match { member, id });
            }
        }
        let next = listed.next.and_then(|next| page::followed(&search, &next));
        match next {
            Some(next) if found.len() < 2 => query = Query::parse(&next),
            _ => return Ok(found),
        }
    }
    Err(unasked(member, Error::new(ErrorKind::BadReply, "expected pages with matches")))
}

async fn listed(federation: &Federation, member: &Member, search: Call) -> Result<bundle::Listed, Error> {
    let (base, version) = (Arc::clone(&search.base), search.version);
    let Some(own) = member.call(search)? else { return Ok(bundle::Listed::default()) };
    let reply = federation.reply_of(member, own).await?;
    let Body::Bytes(bytes) = federation.told(member, reply, &base).await?.body else { return Err(no_bundle()) };
    bundle::read(&bytes, &Order::newest_first(), version.into()).ok_or_else(no_bundle)
}

fn no_bundle() -> Error {
    Error::new(ErrorKind::BadReply, "expected a Bundle from the back end")
}

/// What the client did wrong is said as it is. Whoever cannot be asked might hold a match: a write could make a duplicate.
fn unasked(member: &Member, error: Error) -> Error {
    if error.kind.status() < 500 && !matches!(error.kind, ErrorKind::Throttled | ErrorKind::Locked) {
        return error;
    }
    let text = format!(
        "the back end `{}` cannot be asked for what meets the condition, so nothing was written: try again",
        member.name
    );
    let after = error.retry_after.unwrap_or(Duration::from_secs(1));
    Error::new(ErrorKind::Unavailable, text).after(after).because(error)
}
