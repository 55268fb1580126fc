//! `$validate`: answered by the gateway itself, from what was sent or from what a back end holds.

use std::sync::Arc;

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Outcome};
use http::{Response, StatusCode};
use terminology::gather;

use super::Pipeline;
use crate::authorize::Permitted;
use crate::dispatch;
use crate::failure::Failure;
use crate::listener::Body;
use crate::passage::{Passage, Stage};
use crate::receive::Request;
use crate::respond::{self, Manner, account};
use crate::translate;
use crate::validate::operation::Question;

impl Pipeline {
    /// Answers with an OperationOutcome and 200, whatever is wrong with the resource.
    pub(super) async fn examine(
        &self,
        permitted: &Permitted,
        question: Question,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<Response<Body>, Failure> {
        let request = permitted.request();
        account::payload(record, &request.interaction);
        let stored = if question.is_about_stored() { Some(self.stored(permitted, &question).await?) } else { None };
        passage.mark(Stage::Dispatch);
        let outcome = self.judge(request, question, stored).await?;
        passage.mark(Stage::Validate);
        let mut reply = Reply::new(Status::Ok);
        reply.body = adapter::Body::Bytes(Bytes::from(outcome.to_json()));
        account::succeeded(record, &reply, self.clock.now());
        let reply = self.written(manner, reply, self.deadline(request)).await?;
        Ok(respond::reply(manner, reply, &[]))
    }

    /// What is wrong with what was sent, or with what is stored; by the lines of what the client sent.
    async fn judge(&self, request: &Request, question: Question, stored: Option<Bytes>) -> Result<Outcome, Failure> {
        let markup = request.markup.clone();
        if stored.is_some() && markup.as_deref().is_some_and(|markup| !markup.is_sound()) {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, Vec::new()).in_markup(markup.as_deref()));
        }
        let write = question.write();
        let rules = write.and_then(|write| self.routes.rules(&request.practice, question.resource_type, write));
        let validator = self.packages.validator(question.version);
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

    /// What a back end holds under the id of the URL.
    async fn stored(&self, permitted: &Permitted, question: &Question) -> Result<Bytes, Failure> {
        let request = permitted.request();
        let Some(id) = question.id.clone() else { return Ok(Bytes::new()) };
        let read = Interaction::Read { resource_type: question.resource_type, id };
        let plan = self.routes.plan(&request.practice, &read)?;
        let call = translate::own_call(permitted, &plan, read, self.deadline(request))?;
        let reply = dispatch::perform(&plan, call).await?;
        match self.gather(reply.body).await? {
            adapter::Body::Bytes(bytes) => Ok(bytes),
            _ => Ok(Bytes::new()),
        }
    }
}
