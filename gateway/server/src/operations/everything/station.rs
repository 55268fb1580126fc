//! The types of a compartment, and how each is searched.

use std::sync::Arc;

use fhir::json::{Document, Limits, scan};
use fhir::{Interaction, InteractionCode, Query, ResourceType};
use http::StatusCode;
use search::IndexValue;

use super::asked::Asked;
use super::care::Care;
use super::notes::Notes;
use super::position::At;
use crate::operations::Running;
use crate::operations::ask::Search;
use crate::route::Plan;

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
        let practice = &running.request().practice;
        if running.pipeline.routes.searched(practice, of, InteractionCode::SearchType).is_none() {
            continue;
        }
        let compartment = Some(asked.owner.clone());
        let search = Interaction::SearchType { resource_type: of, compartment, query: Query::default() };
        match running.ask().plan(search) {
            Ok(plan) => stations.extend(Station::of(&plan, asked, of)),
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

/// The name of the back end that a plan leads to.
pub(super) fn back_end(plan: &Plan) -> Arc<str> {
    plan.adapters.first().map_or_else(|| Arc::clone(&plan.route), |first| Arc::clone(&first.name))
}

impl Station {
    fn of(plan: &Plan, asked: &Asked, of: ResourceType) -> Option<Self> {
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
