//! What the records of a page refer to and what is in nobody's compartment: practitioners and their roles, organizations, locations,
//! medications, slots. Each comes along once, on the first page that refers to it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use fhir::json::{Document, Kind, Limits, scan};
use fhir::{Interaction, InteractionCode, Query, ResourceType};
use futures_util::{StreamExt, stream};
use http::StatusCode;

use super::asked::Asked;
use super::notes::Notes;
use super::page::{Page, identity};
use super::position::{Mark, mark};
use super::station;
use crate::failure::Failure;
use crate::operations::Running;
use crate::operations::ask::Search;
use crate::route::Plan;

/// Resources that come along on all pages together: a link carries a mark of each.
const MOST: usize = 500;
/// Ids of one search.
const EACH: usize = 50;
/// Questions at a time.
const AT_A_TIME: usize = 8;
/// A role names a practitioner and an organization; those name nothing that is needed to read the record.
const ROUNDS: usize = 2;

type Wanted = BTreeMap<ResourceType, BTreeSet<String>>;

/// Brings it; what came along on this page and the ones before.
pub(super) async fn follow(running: &Running<'_>, asked: &Asked, page: &mut Page, notes: &mut Notes) -> HashSet<Mark> {
    let mut came = asked.position.as_ref().map(|position| position.came()).unwrap_or_default();
    for _ in 0..ROUNDS {
        let fresh = std::mem::take(&mut page.fresh);
        let mut wanted = Wanted::new();
        for resource in &fresh {
            add(asked, resource, &mut wanted, |identity| page.holds(identity) || came.contains(&mark(identity)));
        }
        if wanted.is_empty() {
            break;
        }
        for resource in bring(running, asked, wanted, notes).await {
            let Some((of, id)) = identity(&resource) else { continue };
            if came.len() >= MOST {
                notes.too_many();
                return came;
            }
            // What does not come along because it is old is known all the same.
            if asked.is_recent(&resource) {
                page.push_along(&resource);
            }
            came.insert(mark(&format!("{of}/{id}")));
        }
    }
    came
}

/// Adds what a resource refers to.
fn add(asked: &Asked, resource: &[u8], wanted: &mut Wanted, is_there: impl Fn(&str) -> bool) {
    let mut nodes = Vec::new();
    if scan(resource, &mut nodes, Limits::default()).is_err() {
        return;
    }
    let document = Document::new(resource, &nodes);
    let mut index = 0;
    while let Some(value) = document.at(index) {
        index += 1;
        if !value.is_named("reference") || !matches!(value.kind(), Kind::String | Kind::EscapedString) {
            continue;
        }
        let Some((of, id)) = value.text().and_then(|text| target(&text, &asked.base)) else { continue };
        if comes_along(asked, of) && !is_there(&format!("{of}/{id}")) {
            wanted.entry(of).or_default().insert(id);
        }
    }
}

/// `Practitioner/1`, `[base]/Practitioner/1`, with or without a version.
fn target(reference: &str, base: &str) -> Option<(ResourceType, String)> {
    let local = reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
    let mut segments = local.unwrap_or(reference).split('/');
    let (of, id) = (segments.next()?.parse().ok()?, segments.next()?);
    let is_whole = matches!(segments.next(), None | Some("_history"));
    (is_whole && id.parse::<fhir::Id>().is_ok()).then(|| (of, id.to_owned()))
}

/// What is in patients' compartments is a patient's: this one's was found already, others' is not given.
fn comes_along(asked: &Asked, of: ResourceType) -> bool {
    let is_owned = search::compartment::parameters(ResourceType::PATIENT, of, asked.version).is_some();
    let is_its_patient = of == ResourceType::PATIENT && asked.owner.resource_type != ResourceType::PATIENT;
    asked.wants(of) && of.is_in(asked.version) && (!is_owned || is_its_patient)
}

/// Reads what is wanted, a few questions at a time.
async fn bring(running: &Running<'_>, asked: &Asked, wanted: Wanted, notes: &mut Notes) -> Vec<Bytes> {
    let mut came = Vec::new();
    for (of, ids) in wanted {
        let (plan, is_search) = match way(running, of) {
            Way::Search(plan) => (plan, true),
            Way::Read(plan) => (plan, false),
            Way::Forbidden => {
                notes.unscoped(of);
                continue;
            }
            Way::Nowhere => continue,
        };
        let back_end = station::back_end(&plan);
        if notes.has_failed(&back_end) {
            notes.failed(&back_end, of);
            continue;
        }
        let ids: Vec<String> = ids.into_iter().take(MOST).collect();
        let answers =
            if is_search { by_search(running, of, &ids, notes).await } else { by_read(running, of, &ids).await };
        for answer in answers {
            match answer {
                Ok(resources) => came.extend(resources.into_iter().filter(|resource| is(resource, of, asked))),
                Err(failure) if failure.status.is_server_error() => notes.failed(&back_end, of),
                // A reference that leads nowhere is not missing here.
                Err(failure) if matches!(failure.status, StatusCode::NOT_FOUND | StatusCode::GONE) => {}
                Err(_) => notes.unsearched(of),
            }
        }
    }
    came
}

/// How a type is read, and from where.
enum Way {
    Search(Arc<Plan>),
    Read(Arc<Plan>),
    Forbidden,
    Nowhere,
}

fn way(running: &Running<'_>, of: ResourceType) -> Way {
    let practice = &running.request().practice;
    let is_served = |code| running.pipeline.routes.searched(practice, of, code).is_some();
    let search = Interaction::SearchType { resource_type: of, compartment: None, query: Query::default() };
    if is_served(InteractionCode::SearchType)
        && let Ok(plan) = running.ask().plan(search)
    {
        return Way::Search(plan);
    }
    let Ok(id) = "x".parse() else { return Way::Nowhere };
    if !is_served(InteractionCode::Read) {
        return Way::Nowhere;
    }
    running.ask().plan(Interaction::Read { resource_type: of, id }).map_or(Way::Forbidden, Way::Read)
}

async fn by_search(
    running: &Running<'_>,
    of: ResourceType,
    ids: &[String],
    notes: &mut Notes,
) -> Vec<Result<Vec<Bytes>, Failure>> {
    let ask = running.ask();
    let mut searches = Vec::new();
    for some in ids.chunks(EACH) {
        let mut query = Query::default();
        query.push("_id", some.join(","));
        query.push("_count", EACH.to_string());
        searches.push(ask.search(Search { resource_type: of, compartment: None, query }));
    }
    let found: Vec<_> = stream::iter(searches).buffer_unordered(AT_A_TIME).collect().await;
    let mut answers = Vec::new();
    for answer in found {
        answers.push(answer.map(|page| {
            notes.said(page.outcomes);
            page.matches
        }));
    }
    answers
}

async fn by_read(running: &Running<'_>, of: ResourceType, ids: &[String]) -> Vec<Result<Vec<Bytes>, Failure>> {
    let ask = running.ask();
    let mut reads = Vec::new();
    for id in ids.iter().filter_map(|id| id.parse().ok()) {
        reads.push(ask.read(of, id));
    }
    let read: Vec<_> = stream::iter(reads).buffer_unordered(AT_A_TIME).collect().await;
    read.into_iter().map(|answer| answer.map(|resource| vec![resource])).collect()
}

/// Whether a back end gave what it was asked for.
fn is(resource: &[u8], of: ResourceType, asked: &Asked) -> bool {
    identity(resource).is_some_and(|(found, _)| found == of && comes_along(asked, found))
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::asked;
    use super::*;

    #[test]
    fn a_reference_to_this_base_is_followed_and_no_other() {
        let base = "http://gw/fhir/r4";
        let of = |text: &str| target(text, base).map(|(of, id)| format!("{of}/{id}"));
        for local in ["Practitioner/1", "http://gw/fhir/r4/Practitioner/1", "Practitioner/1/_history/2"] {
            assert_eq!(of(local).as_deref(), Some("Practitioner/1"), "{local}");
        }
        for other in
            ["http://else/Practitioner/1", "#p", "urn:uuid:1", "Practitioner?identifier=1", "Practitioner/a b", ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_in_a_patients_compartment_does_not_come_along() {
        let appointment = br#"{"resourceType":"Appointment","slot":[{"reference":"Slot/1"}],"participant":[
            {"actor":{"reference":"Patient/2"}},{"actor":{"reference":"Practitioner/1"}},{"actor":{"reference":"Location/1"}}],
            "basedOn":[{"reference":"ServiceRequest/1"}]}"#;
        let mut wanted = Wanted::new();
        add(&asked("").unwrap(), appointment, &mut wanted, |identity| identity == "Location/1");
        let types: Vec<&str> = wanted.keys().map(|of| of.as_str()).collect();
        assert_eq!(types, ["Practitioner", "Slot"]);
        let mut wanted = Wanted::new();
        add(&asked("_type=Appointment,Slot").unwrap(), appointment, &mut wanted, |_| false);
        assert_eq!(wanted.len(), 1);
    }
}
