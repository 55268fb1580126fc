//! `$validate` (resource-operation-validate.html): answered by the gateway itself, from what was sent or from what a back end holds.

mod question;

use std::sync::Arc;

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::Outcome;
use fhir::interaction::{Level, Parameters};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use terminology::gather;

use self::question::Question;
use super::{Answered, Ask, Needed, Operation, Patients, Place, Running, Types};
use crate::authorize::scope::Permissions;
use crate::failure::Failure;
use crate::passage::Stage;
use crate::pipeline::Pipeline;
use crate::receive::Request;
use crate::respond::account;

/// Its line of the table.
pub static OPERATION: Operation = Operation {
    name: "validate",
    definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    places: &[Place::Type, Place::Instance],
    types: Types::All,
    methods: &[Method::GET, Method::POST],
    is_safe: true,
    needs,
    patients: Patients::Refused,
    // The rules of a release are known without any back end.
    is_served: |_, _, _| true,
    run,
};

fn needs(level: &Level, _: &Parameters) -> Vec<Needed> {
    match level {
        Level::Type(of) | Level::Instance(of, _) => vec![(Some(*of), Permissions::READ)],
        Level::System => Vec::new(),
    }
}

fn run(running: Running<'_>) -> BoxFuture<'_, Result<Answered, Failure>> {
    examine(running).boxed()
}

/// Answers with an OperationOutcome and 200, whatever is wrong with the resource.
async fn examine(running: Running<'_>) -> Result<Answered, Failure> {
    let (request, ask) = (running.request(), running.ask());
    let question = Question::of(&request.interaction, request.version)
        .map_err(|failure| failure.in_markup(request.markup.as_deref()))?;
    account::payload(running.record, &request.interaction);
    let stored = if question.is_about_stored() { Some(stored(ask, &question).await?) } else { None };
    running.passage.mark(Stage::Dispatch);
    let outcome = running.pipeline.judge(request, question, stored).await?;
    running.passage.mark(Stage::Validate);
    Ok(Answered::Reply(Reply::new(Status::Ok).with_body(outcome.to_json())))
}

/// What a back end holds under the id of the URL.
async fn stored(ask: Ask<'_>, question: &Question) -> Result<Bytes, Failure> {
    match question.id.clone() {
        Some(id) => ask.read(question.resource_type, id).await,
        None => Ok(Bytes::new()),
    }
}

impl Pipeline {
    /// What is wrong with what was sent, or with what is stored; by the lines of what the client sent.
    async fn judge(&self, request: &Request, question: Question, stored: Option<Bytes>) -> Result<Outcome, Failure> {
        let markup = request.markup.clone();
        if stored.is_some() && markup.as_deref().is_some_and(|markup| !markup.is_sound()) {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, Vec::new()).in_markup(markup.as_deref()));
        }
        let write = question.write();
        let rules = write.and_then(|write| self.routes.rules(&request.practice, question.resource_type, write));
        let validator = self.packages.validator(&request.practice, question.version);
        let bytes = stored.as_ref().map_or_else(|| question.length(), Bytes::len);
        let answer = Arc::new(move || {
            let outcome = question.answer(stored.as_deref(), rules.as_deref(), &validator);
            match markup.as_deref().filter(|_| stored.is_none()) {
                Some(markup) => Outcome(markup.told_as(outcome.0, |path| question.own_path(path))),
                None => outcome,
            }
        });
        let run = || {
            let answer = Arc::clone(&answer);
            self.limits.aside.work(bytes, self.deadline(request), move || gather(|| answer()))
        };
        self.packages.settled(run).await
    }
}
