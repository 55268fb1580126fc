//! Operations (operations.html) that the gateway performs itself, over whatever back ends a practice has.
//!
//! [`TABLE`] has a line for each. What stands there is all that the rest of the gateway knows of an operation: who may call it
//! (`authorize`), that it is answered here (`pipeline`), and what `/metadata` says. What is in no line goes to a back end that offers
//! it. An operation reads and writes by [`Ask`] alone, so that it can do nothing that its client could not do.

pub mod ask;
pub mod bundle;
mod everything;
pub mod matching;
pub mod parameters;
pub mod validate;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use adapter::{Practice, Reply, Status};
use fhir::interaction::{Level, Parameters};
use fhir::{Compartment, Interaction, IssueType, ResourceType};
use futures_util::future::BoxFuture;
use http::{Method, Response, StatusCode, header};

use crate::authorize::Permitted;
use crate::authorize::scope::Permissions;
use crate::bulk::kick_off;
use crate::failure::Failure;
use crate::listener::Body;
use crate::passage::Passage;
use crate::pipeline::Pipeline;
use crate::receive::Request;
use crate::respond::{self, Manner, account};
use crate::route::Routes;

pub use ask::Ask;

/// Every operation of the gateway's own.
pub static TABLE: &[&Operation] = &[
    &validate::OPERATION,
    &matching::OPERATION,
    &everything::OF_PATIENT,
    &everything::OF_ENCOUNTER,
    &kick_off::OF_SYSTEM,
    &kick_off::OF_PATIENTS,
    &kick_off::OF_GROUP,
];

/// What the gateway knows of an operation.
pub struct Operation {
    /// Its name, without the dollar.
    pub name: &'static str,
    /// The canonical of its OperationDefinition.
    pub definition: &'static str,
    /// Where it is called.
    pub places: &'static [Place],
    /// On which types, where it is called on one.
    pub types: Types,
    /// The methods that it takes: GET only when it changes nothing (operations.html#request). HEAD goes with GET.
    pub methods: &'static [Method],
    /// Whether it changes nothing: it then ends when its client goes away.
    pub is_safe: bool,
    /// What a token must permit before anything is done; on all types where none is named. Where nothing is listed, any scope will do,
    /// and the operation asks for more itself.
    pub needs: fn(&Level, &Parameters) -> Vec<Needed>,
    /// Whether a token of one patient may call it.
    pub patients: Patients,
    /// Whether the routes of a practice lead to what it needs; on a type, or on the system.
    pub is_served: fn(&Routes, &Practice, Option<ResourceType>) -> bool,
    /// Performs it.
    pub run: for<'r> fn(Running<'r>) -> BoxFuture<'r, Result<Answered, Failure>>,
}

/// Letters of a scope on a type, or on all types.
pub type Needed = (Option<ResourceType>, Permissions);

/// Where an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `[base]/$name`
    System,
    /// `[base]/[type]/$name`
    Type,
    /// `[base]/[type]/[id]/$name`
    Instance,
}

/// On which types an operation is called.
#[derive(Clone, Copy, Debug)]
pub enum Types {
    /// Any.
    All,
    /// Those of these names.
    Only(&'static [&'static str]),
}

/// What an operation is for a token of one patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patients {
    /// Not to be called.
    Refused,
    /// To be called on that patient. At the level of a type or of the system it must keep to that patient itself: what it asks by
    /// [`Ask`] is confined whatever it does.
    Own,
}

/// An operation under way.
pub struct Running<'r> {
    /// The gateway.
    pub pipeline: &'r Arc<Pipeline>,
    /// What is asked, by whom.
    pub permitted: &'r Permitted,
    /// Where its stage times are kept.
    pub passage: &'r mut Passage,
    /// What is written down of it. Patients that the answer's body shows are added behind it.
    pub record: &'r mut audit::Record,
}

/// What an operation comes to.
pub enum Answered {
    /// A resource, written in what the client accepts.
    Reply(Reply),
    /// What is no FHIR, or has a status or header fields of its own. Nothing is added to it.
    Response(Response<Body>),
}

/// The operation of that name at that level, when it is one of ours.
#[must_use]
pub fn find(name: &str, level: &Level) -> Option<&'static Operation> {
    TABLE.iter().copied().find(|operation| operation.name == name && operation.is_at(level))
}

/// The operation that an interaction calls, when it is one of ours.
#[must_use]
pub fn of(interaction: &Interaction) -> Option<&'static Operation> {
    let Interaction::Operation { name, level, .. } = interaction else { return None };
    find(name, level)
}

/// Whether an interaction changes nothing: an operation, as its line says.
#[must_use]
pub fn is_safe(interaction: &Interaction) -> bool {
    of(interaction).map_or_else(|| interaction.is_safe(), |operation| operation.is_safe)
}

/// Names and canonicals of what a practice's routes can serve: on a type, or on the system.
pub fn offered(
    routes: &Routes,
    practice: &Practice,
    of: Option<ResourceType>,
) -> impl Iterator<Item = (String, String)> {
    let is_offered = move |operation: &&Operation| {
        let is_here = match of {
            Some(of) => operation.is_on(of) && operation.places.iter().any(|place| *place != Place::System),
            None => operation.places.contains(&Place::System),
        };
        is_here && (operation.is_served)(routes, practice, of)
    };
    let offered: Vec<&Operation> = TABLE.iter().copied().filter(is_offered).collect();
    offered.into_iter().map(|operation| (operation.name.to_owned(), operation.definition.to_owned()))
}

/// Performs an operation and answers its client.
///
/// # Errors
/// 405 for a method that it does not take, 404 when no route leads to what it needs, and whatever it refuses itself.
pub async fn answer(operation: &Operation, running: Running<'_>, manner: &Manner) -> Result<Response<Body>, Failure> {
    let (pipeline, request) = (running.pipeline, running.permitted.request());
    operation.check_method(&request.target.method)?;
    operation.check_served(&pipeline.routes, request)?;
    running.passage.route = Some(format!("${}", operation.name).into());
    let Running { permitted, passage, record, .. } = running;
    let run = Running { pipeline, permitted, passage: &mut *passage, record: &mut *record };
    let answered = (operation.run)(run).await?;
    let now = pipeline.clock.now();
    match answered {
        Answered::Reply(reply) => {
            account::succeeded(record, &reply, now);
            let reply = pipeline.written(manner, reply, pipeline.deadline(request)).await?;
            Ok(respond::reply(manner, reply, &[]))
        }
        Answered::Response(response) => {
            account::succeeded(record, &Reply::new(Status::Ok), now);
            Ok(response)
        }
    }
}

impl Operation {
    fn is_at(&self, level: &Level) -> bool {
        let (place, of) = match level {
            Level::System => (Place::System, None),
            Level::Type(of) => (Place::Type, Some(*of)),
            Level::Instance(of, _) => (Place::Instance, Some(*of)),
        };
        self.places.contains(&place) && of.is_none_or(|of| self.is_on(of))
    }

    fn is_on(&self, of: ResourceType) -> bool {
        match self.types {
            Types::All => true,
            Types::Only(types) => types.contains(&of.as_str()),
        }
    }

    fn check_method(&self, method: &Method) -> Result<(), Failure> {
        let named = if *method == Method::HEAD { &Method::GET } else { method };
        if self.methods.contains(named) {
            return Ok(());
        }
        let mut allowed: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        if self.methods.contains(&Method::GET) {
            allowed.push("HEAD");
        }
        let allow = allowed.join(", ");
        let text = format!("expected one of {allow} for ${}", self.name);
        Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
            .with_header(header::ALLOW, Cow::Owned(allow)))
    }

    fn check_served(&self, routes: &Routes, request: &Request) -> Result<(), Failure> {
        let of = request.interaction.resource_type();
        if (self.is_served)(routes, &request.practice, of) {
            return Ok(());
        }
        let text = format!("no back end of this base has what ${} needs", self.name);
        Err(Failure::new(StatusCode::NOT_FOUND, IssueType::NotSupported, text))
    }

    /// Whether a token of that patient may call it there.
    ///
    /// # Errors
    /// What such a token can do instead.
    pub(crate) fn check_patient(&self, level: &Level, patient: &Compartment) -> Result<(), &'static str> {
        match (self.patients, level) {
            (Patients::Refused, _) => Err("cannot call this"),
            (Patients::Own, Level::Instance(of, id)) if *of != patient.resource_type || *id != patient.id => {
                Err("can call this on that patient only")
            }
            (Patients::Own, _) => Ok(()),
        }
    }
}

impl<'r> Running<'r> {
    /// How it asks back ends.
    #[must_use]
    pub const fn ask(&self) -> Ask<'r> {
        Ask::of(self.pipeline, self.permitted)
    }

    /// What is asked.
    #[must_use]
    pub fn request(&self) -> &'r Request {
        self.permitted.request()
    }

    /// When its answer is of no use any more.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.pipeline.deadline(self.request())
    }
}

#[cfg(test)]
mod tests;
