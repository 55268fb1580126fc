//! `Patient/[id]/$everything` (patient-operation-everything.html) and `Encounter/[id]/$everything`: a record with all that is in its
//! compartment on every back end, and what that refers to.
//!
//! One page is a [`walk`] along the types of the compartment and a look at what its records name ([`along`]). The link to the next page
//! says where the walk stood ([`position`]); it is walked with the token that comes with it.

mod along;
mod asked;
mod care;
mod notes;
mod page;
mod position;
mod station;
mod walk;

use adapter::{Practice, Reply, Status};
use fhir::interaction::{Level, Parameters};
use fhir::{Interaction, InteractionCode, ResourceType};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;

use self::asked::Asked;
use self::notes::Notes;
use self::page::Page;
use self::position::Position;
use super::{Answered, Needed, Operation, Patients, Place, Running, Types};
use crate::authorize::scope::Permissions;
use crate::failure::Failure;
use crate::passage::Stage;
use crate::route::Routes;

/// The line of a patient's.
pub(super) static OF_PATIENT: Operation = Operation {
    name: "everything",
    definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    places: &[Place::Type, Place::Instance],
    types: Types::Only(&["Patient"]),
    methods: &[Method::GET, Method::POST],
    is_safe: true,
    needs,
    patients: Patients::Own,
    is_served,
    run,
};

/// The line of an encounter's.
pub(super) static OF_ENCOUNTER: Operation = Operation {
    definition: "http://hl7.org/fhir/OperationDefinition/Encounter-everything",
    places: &[Place::Instance],
    types: Types::Only(&["Encounter"]),
    methods: &[Method::GET, Method::POST],
    // A compartment within a compartment is not kept by any back end.
    patients: Patients::Refused,
    is_served,
    name: "everything",
    is_safe: true,
    needs,
    run,
};

/// To read the record itself. What comes with it is asked for type by type, each by its own scope.
fn needs(level: &Level, _: &Parameters) -> Vec<Needed> {
    match level {
        Level::Type(of) | Level::Instance(of, _) => vec![(Some(*of), Permissions::READ)],
        Level::System => Vec::new(),
    }
}

fn is_served(routes: &Routes, practice: &Practice, of: Option<ResourceType>) -> bool {
    of.is_some_and(|of| routes.searched(practice, of, InteractionCode::Read).is_some())
}

fn run(running: Running<'_>) -> BoxFuture<'_, Result<Answered, Failure>> {
    everything(running).boxed()
}

async fn everything(running: Running<'_>) -> Result<Answered, Failure> {
    let told = |failure: Failure| failure.in_markup(running.request().markup.as_deref());
    let asked = Asked::read(&running).map_err(told)?;
    running.passage.mark(Stage::Route);
    let mut page = Page::new(&asked, running.pipeline.reply);
    let mut notes = Notes::default();
    let owner = match &asked.position {
        Some(_) => None,
        None => owner(&running, &asked, &mut page, &mut notes).await?,
    };
    let next = walk::along(&running, &asked, &mut page, &mut notes).await;
    let came = along::follow(&running, &asked, &mut page, &mut notes).await;
    running.passage.mark(Stage::Dispatch);
    if let Some(failure) = owner.filter(|_| page.is_empty()) {
        return Err(failure);
    }
    let next = next.and_then(|at| Position::link(&running, &asked, at, &came));
    let body = page.written(&asked, next, notes);
    Ok(Answered::Reply(Reply::new(Status::Ok).with_body(body)))
}

/// The record itself. Why its back end did not give it, when that is its fault: what others have can be given all the same.
async fn owner(
    running: &Running<'_>,
    asked: &Asked,
    page: &mut Page,
    notes: &mut Notes,
) -> Result<Option<Failure>, Failure> {
    let (of, id, ask) = (asked.owner.resource_type, asked.owner.id.clone(), running.ask());
    let plan = ask.plan(Interaction::Read { resource_type: of, id: id.clone() })?;
    match ask.read(of, id).await {
        Ok(resource) => {
            if asked.wants(of) && asked.is_recent(&resource) {
                page.push(&resource);
            } else {
                page.pass_over(&resource);
            }
            Ok(None)
        }
        Err(failure) if failure.status.is_server_error() => {
            notes.failed(&station::back_end(&plan), of);
            Ok(Some(failure))
        }
        Err(failure) => Err(failure),
    }
}
