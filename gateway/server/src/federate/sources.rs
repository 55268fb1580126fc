//! Who is asked for a page of a listing, and what.

use std::collections::BTreeSet;

use adapter::{Body, Call, Error, ErrorKind};
use fhir::{Interaction, Query, ResourceType};

use super::bundle::{self, Listed};
use super::order::Order;
use super::page::{self, At};
use super::{Federation, Member, capability, owner};

/// Searches by type that stand for a search of the system on a back end that has none.
const MOST_TYPES: usize = 20;

/// What a client wants to see.
pub(super) struct Asked {
    pub(super) query: Query,
    /// Entries of a page; none when only the total is wanted.
    pub(super) size: Option<usize>,
    pub(super) order: Order,
}

/// Where every back end that can have something begins.
///
/// # Errors
/// 400 for a `_type` that is no resource type.
pub(super) fn first(federation: &Federation, call: &Call) -> Result<Vec<At>, Error> {
    let owned = owner::of_listing(federation, call);
    let wanted = types(&call.interaction)?;
    let mut sources = Vec::new();
    for member in &federation.members {
        if owned.as_ref().is_some_and(|owned| !owned.contains(&member.name)) {
            continue;
        }
        let served = federation.serves.as_ref().map(|serves| serves.get(&member.name).cloned().unwrap_or_default());
        let has_some = match (&served, &wanted) {
            (Some(served), Some(wanted)) => !served.is_disjoint(wanted),
            (Some(served), None) => !served.is_empty(),
            (None, _) => true,
        };
        if has_some && capability::offers(&member.adapter.capability(), &call.interaction) {
            sources.push(At::first(&member.name));
        } else if let (Some(served), Some(wanted), true) =
            (served, &wanted, matches!(call.interaction, Interaction::SearchSystem { .. }))
        {
            sources.extend(served.intersection(wanted).take(MOST_TYPES).map(|of| At::of_type(&member.name, *of)));
        }
    }
    Ok(sources)
}

/// `_type` of a search of the system.
fn types(interaction: &Interaction) -> Result<Option<BTreeSet<ResourceType>>, Error> {
    let Interaction::SearchSystem { query, .. } = interaction else { return Ok(None) };
    let named: Vec<&str> = query.all("_type").flat_map(|value| value.split(',')).collect();
    if named.is_empty() {
        return Ok(None);
    }
    let unknown = |_| Error::new(ErrorKind::Invalid, "expected resource types in `_type`");
    named.into_iter().map(|of| of.parse().map_err(unknown)).collect::<Result<_, _>>().map(Some)
}

/// The member that a position is of, when it still takes such questions.
///
/// # Errors
/// 400: the link was given before the configuration changed.
pub(super) fn member<'f>(federation: &'f Federation, call: &Call, at: &At) -> Result<&'f Member, Error> {
    let own = interaction(call, at);
    let is_it = |member: &&Member| member.name == at.name && capability::offers(&member.adapter.capability(), &own);
    federation.members.iter().find(is_it).ok_or_else(|| {
        let text = format!("the page link is of another configuration, in which `{}` was asked: search again", at.name);
        Error::new(ErrorKind::Invalid, text)
    })
}

/// What a back end is asked: of one type where it has no search of the system.
pub(super) fn interaction(call: &Call, at: &At) -> Interaction {
    match (at.of, &call.interaction) {
        (Some(of), Interaction::SearchSystem { compartment, query }) => {
            Interaction::SearchType { resource_type: of, compartment: compartment.clone(), query: query.clone() }
        }
        _ => call.interaction.clone(),
    }
}

/// One page of one back end.
pub(super) async fn ask(
    federation: &Federation,
    member: &Member,
    at: &At,
    call: &Call,
    asked: &Asked,
) -> Result<Listed, Error> {
    let query = match &at.page {
        Some(page) => Query::parse(page),
        None => first_query(federation, member, at, call, asked),
    };
    let own = Call { interaction: page::with_query(interaction(call, at), query), ..call.clone() };
    // It is asked for nothing that it can have.
    let Some(own) = member.call(own)? else { return Ok(Listed { total: Some(0), ..Listed::default() }) };
    let reply = federation.reply_of(member, own).await?;
    let bad = || Error::new(ErrorKind::BadReply, "expected a Bundle from the back end");
    let Body::Bytes(bytes) = federation.told(member, reply, &call.base).await?.body else { return Err(bad()) };
    let mut listed = bundle::read(&bytes, &asked.order, call.vocabulary()).ok_or_else(bad)?;
    if let (Interaction::HistorySystem { .. }, Some(serves)) = (&call.interaction, &federation.serves) {
        // What leads to another back end is not this one's, whatever it holds.
        let served = serves.get(&member.name);
        listed.matches.retain(|entry| entry.of().is_some_and(|of| served.is_some_and(|served| served.contains(&of))));
    }
    Ok(listed)
}

/// What a back end is asked at first: as many as the page holds, of the types that lead to it, in an order that can be merged.
fn first_query(federation: &Federation, member: &Member, at: &At, call: &Call, asked: &Asked) -> Query {
    let mut query = asked.query.clone();
    if let Some(size) = asked.size {
        query.remove("_count");
        query.push("_count", size.to_string());
    }
    match (&call.interaction, at.of) {
        (Interaction::SearchSystem { .. }, Some(_)) => query.remove("_type"),
        (Interaction::SearchSystem { .. }, None) => restrict(federation, member, call, &mut query),
        _ => {}
    }
    let is_search = matches!(call.interaction, Interaction::SearchType { .. } | Interaction::SearchSystem { .. });
    if is_search && asked.size.is_some() && !asked.order.is_asked() && sorts_by_time(member, &interaction(call, at)) {
        query.push("_sort", "-_lastUpdated");
    }
    query
}

/// Names the types that lead to a member, where it may have others too.
fn restrict(federation: &Federation, member: &Member, call: &Call, query: &mut Query) {
    let Some(served) = federation.serves.as_ref().and_then(|serves| serves.get(&member.name)) else { return };
    let wanted = types(&call.interaction).ok().flatten();
    let capability = member.adapter.capability();
    if wanted.is_none() && capability.resources.keys().all(|of| served.contains(of)) {
        return;
    }
    let is_wanted = |of: &&ResourceType| wanted.as_ref().is_none_or(|wanted| wanted.contains(*of));
    let names: Vec<&str> = served.iter().filter(is_wanted).map(|of| of.as_str()).collect();
    query.remove("_type");
    query.push("_type", names.join(","));
}

fn sorts_by_time(member: &Member, interaction: &Interaction) -> bool {
    let capability = member.adapter.capability();
    match interaction.resource_type() {
        Some(of) => capability.resources.get(&of).is_some_and(|of| of.search.contains_key("_lastUpdated")),
        None => capability.resources.values().all(|of| of.search.contains_key("_lastUpdated")),
    }
}
