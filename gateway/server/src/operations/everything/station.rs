//! The types of a compartment, and how each is searched.

use std::sync::Arc;

use fhir::json::{Document, Limits, scan};
use fhir::{Compartment, Interaction, InteractionCode, Query, ResourceType};
use http::StatusCode;
use search::IndexValue;

use super::asked::Asked;
use super::care::Care;
use super::notes::Notes;
use super::position::At;
use crate::operations::Running;
use crate::operations::ask::Search;

/// One type of the walk.
pub(super) struct Station {
    pub(super) of: ResourceType,
    /// The back end that is searched.
    pub(super) back_end: Arc<str>,
    pub(super) care: Care,
    /// The parameters that say whose a resource is, where a compartment is not searched as such: one search for each.
    codes: Vec<&'static str>,
    /// Whether there are others that the back end is not searched by.
    pub(super) is_partial: bool,
    /// Whether it can be asked what changed since.
    by_update: bool,
}

/// The types that are walked, in their order. What is left out is noted when the walk begins.
pub(super) fn all(running: &Running<'_>, asked: &Asked, notes: &mut Notes) -> Vec<Station> {
    let is_first = asked.position.is_none();
    let mut stations = Vec::new();
    for of in ResourceType::all().filter(|of| is_member(asked, *of)) {
        let Some(station) = Station::of(running, asked, of) else { continue };
        match running.ask().check(station.interaction(&asked.owner)) {
            Ok(()) => stations.push(station),
            Err(refused) if is_first && refused.status == StatusCode::FORBIDDEN => notes.unscoped(of),
            Err(_) => {}
        }
    }
    stations
}

fn is_member(asked: &Asked, of: ResourceType) -> bool {
    of != asked.owner.resource_type
        && of.is_in(asked.version)
        && asked.wants(of)
        && search::compartment::parameters(asked.owner.resource_type, of, asked.version).is_some()
}

/// The name of the back end that has a type.
pub(super) fn back_end(running: &Running<'_>, of: ResourceType) -> Arc<str> {
    let plan = running.pipeline.routes.searched(&running.request().practice, of, InteractionCode::Read);
    plan.and_then(|plan| plan.adapters.first().map(|first| Arc::clone(&first.name)))
        .unwrap_or_else(|| Arc::from("none"))
}

impl Station {
    /// None for a type that no route is searched for.
    fn of(running: &Running<'_>, asked: &Asked, of: ResourceType) -> Option<Self> {
        let practice = &running.request().practice;
        let plan = running.pipeline.routes.searched(practice, of, InteractionCode::SearchType)?;
        let first = plan.adapters.first()?;
        let capability = first.adapter.capability();
        let offered = capability.resources.get(&of)?;
        let own = search::compartment::parameters(asked.owner.resource_type, of, asked.version).unwrap_or_default();
        let codes: Vec<&str> = own.iter().copied().filter(|code| offered.search.contains_key(*code)).collect();
        Some(Self {
            of,
            back_end: Arc::clone(&first.name),
            care: Care::of(asked, of),
            is_partial: codes.len() < own.len(),
            codes,
            by_update: offered.search.contains_key("_lastUpdated"),
        })
    }

    /// Where the searches by another way begin. The first way, 0, is by the compartment, each of the others by one parameter.
    pub(super) fn behind(&self, way: usize) -> Option<At> {
        (way < self.codes.len()).then(|| At::first(self.of, way + 1))
    }

    /// The search of its first page, by one of its ways.
    pub(super) fn search(&self, asked: &Asked, way: usize, count: usize) -> Search {
        let mut query = Query::default();
        let code = way.checked_sub(1).and_then(|index| self.codes.get(index));
        if let Some(code) = code {
            query.push(*code, format!("{}/{}", asked.owner.resource_type, asked.owner.id));
        }
        if let Some(since) = asked.since.as_ref().filter(|_| self.by_update) {
            query.push("_lastUpdated", format!("ge{since}"));
        }
        query.push("_count", count.to_string());
        Search { resource_type: self.of, compartment: code.is_none().then(|| asked.owner.clone()), query }
    }

    /// The search of a page behind the first.
    pub(super) fn page(&self, asked: &Asked, at: &At, page: &str) -> Search {
        let compartment = at.inside.then(|| asked.owner.clone());
        Search { resource_type: self.of, compartment, query: Query::parse(page) }
    }

    fn interaction(&self, owner: &Compartment) -> Interaction {
        Interaction::SearchType { resource_type: self.of, compartment: Some(owner.clone()), query: Query::default() }
    }

    /// Whether a resource is to be given, found by that way: of the time that was asked for, and not found by an earlier way too.
    pub(super) fn gives(&self, asked: &Asked, way: usize, resource: &[u8]) -> bool {
        let mut nodes = Vec::new();
        if scan(resource, &mut nodes, Limits::default()).is_err() {
            return false;
        }
        let document = Document::new(resource, &nodes);
        let stated = document.root().and_then(|root| root.member("resourceType")?.text());
        let earlier = self.codes.get(..way.saturating_sub(1)).unwrap_or_default();
        stated.as_deref() == Some(self.of.as_str())
            && self.care.holds(document)
            && !names_owner(document, self.of, asked, earlier)
    }
}

/// Whether one of these parameters of a resource names the owner.
fn names_owner(document: Document<'_>, of: ResourceType, asked: &Asked, codes: &[&str]) -> bool {
    if codes.is_empty() {
        return false;
    }
    let owner = &asked.owner;
    let mut found = false;
    search::extract(document, of, asked.version, &mut |parameter, value| {
        let IndexValue::Reference(reference) = value else { return };
        let is_owner =
            reference.resource_type == Some(owner.resource_type) && reference.id.as_deref() == Some(owner.id.as_str());
        found |= is_owner && codes.contains(&parameter.code);
    });
    found
}
