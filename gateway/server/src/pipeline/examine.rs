//! `$validate`: answered by the gateway itself, from what was sent or from what a back end holds.

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Outcome};
use http::Response;

use super::{Pipeline, in_markup};
use crate::authorize::Permitted;
use crate::dispatch;
use crate::failure::Failure;
use crate::listener::Body;
use crate::passage::{Passage, Stage};
use crate::respond::{self, Manner, account};
use crate::translate;
use crate::validate::operation::Question;

impl Pipeline {
    /// Answers with an OperationOutcome and 200, whatever is wrong with the resource.
    pub(super) async fn examine(
        &self,
        permitted: &Permitted,
        question: &Question,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<Response<Body>, Failure> {
        let request = permitted.request();
        account::payload(record, &request.interaction);
        let stored = if question.is_about_stored() { Some(self.stored(permitted, question).await?) } else { None };
        passage.mark(Stage::Dispatch);
        let rules =
            question.write().and_then(|write| self.routes.rules(&request.practice, question.resource_type, write));
        let validator = self.packages.validator(question.version);
        let outcome = question.answer(stored.as_deref(), rules.as_deref(), &validator);
        let markup = request.markup.as_deref().filter(|_| stored.is_none());
        let outcome = Outcome(in_markup(markup, &outcome.0).into_owned());
        passage.mark(Stage::Validate);
        let mut reply = Reply::new(Status::Ok);
        reply.body = adapter::Body::Bytes(Bytes::from(outcome.to_json()));
        account::succeeded(record, &reply, self.clock.now());
        let reply = self.written(manner, reply).await?;
        Ok(respond::reply(manner, reply, &[]))
    }

    /// What a back end holds under the id of the URL.
    async fn stored(&self, permitted: &Permitted, question: &Question) -> Result<Bytes, Failure> {
        let request = permitted.request();
        let Some(id) = question.id.clone() else { return Ok(Bytes::new()) };
        let read = Interaction::Read { resource_type: question.resource_type, id };
        let plan = self.routes.plan(&request.practice, &read)?;
        let call = translate::own_call(permitted, &plan, read, request.arrived + self.limits.total)?;
        let reply = dispatch::perform(&plan, call).await?;
        match self.gather(reply.body).await? {
            adapter::Body::Bytes(bytes) => Ok(bytes),
            _ => Ok(Bytes::new()),
        }
    }
}
