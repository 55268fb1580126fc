//! The middle of a request: the call, what confines it, and what its answer still needs.

use std::time::Instant;

use adapter::{Body, Call, Reply, Status};
use bytes::BytesMut;
use fhir::{Interaction, IssueType, ResourceType};
use futures_util::TryStreamExt;
use http::StatusCode;

use super::Pipeline;
use crate::authorize::{Permitted, confine};
use crate::dispatch;
use crate::failure::Failure;
use crate::federate::across::{self, Across};
use crate::respond::{Manner, markup};
use crate::route::Plan;
use crate::translate;
use crate::validate::Validated;

impl Pipeline {
    /// Calls the adapter and makes its answer fit for the client.
    pub(super) async fn perform(&self, validated: &Validated, plan: &Plan, manner: &Manner) -> Result<Reply, Failure> {
        let permitted = validated.permitted();
        let request = permitted.request();
        confine::payload(permitted)?;
        for destination in &plan.adapters {
            confine::search(permitted, &destination.adapter.capability())?;
        }
        let mut call = translate::to_adapter(validated, plan, self.deadline(request))?;
        // RFC 9110 13.1.2: `If-None-Match: *` of an update.
        call.must_create |=
            request.preferences.if_none_match_any && matches!(call.interaction, Interaction::Update { .. });
        if confine::needs_current(permitted) {
            // A delete by a condition that nothing meets.
            let held = Box::pin(self.hold(permitted, plan, call)).await?;
            let Some(held) = held else { return Ok(Reply::new(Status::NoContent)) };
            call = held;
        }
        let (version, must_create) = (call.version, call.must_create);
        let is_history = matches!(call.interaction, Interaction::HistoryInstance { .. });
        let again = (manner.is_write() || is_history).then(|| call.clone());
        let performed = if across::concerns(&call.interaction) {
            let across = Across { routes: &self.routes, reply: self.reply };
            Box::pin(across.search(plan, call)).await
        } else {
            dispatch::perform(plan, call).await
        };
        let mut reply = performed.map_err(|error| confine::error(permitted, error))?;
        if must_create && reply.status != Status::Created {
            let text = "somebody else wrote what the criteria match; nothing was changed: try again";
            return Err(Failure::new(StatusCode::CONFLICT, IssueType::Conflict, text));
        }
        if let Some(again) = again.clone().filter(|_| manner.is_write() && manner.wants_resource(&reply)) {
            reply = Box::pin(read_back(plan, again, reply)).await;
        }
        reply = confine::reply(permitted, reply, self.reply).await?;
        if let Some(again) = again.filter(|_| confine::is_blank_history(permitted, &reply)) {
            Box::pin(self.is_there(permitted, plan, again)).await?;
        }
        if names_patients(validated, &reply) {
            reply.body = self.gather(reply.body).await?;
        }
        translate::to_client(reply, version, request)
    }

    /// An empty history is shown of what a read would show, and of nothing else.
    async fn is_there(&self, permitted: &Permitted, plan: &Plan, history: Call) -> Result<(), Failure> {
        let (Some(resource_type), Some(id)) = (history.interaction.resource_type(), history.interaction.id()) else {
            return Err(confine::absent());
        };
        let interaction = Interaction::Read { resource_type, id: id.clone() };
        let read = dispatch::perform(plan, Call { interaction, ..history }).await;
        let read = read.map_err(|error| confine::error(permitted, error))?;
        match self.gather(read.body).await? {
            Body::Bytes(bytes) => confine::visible(permitted, &bytes),
            _ => Err(confine::absent()),
        }
    }

    /// The reply in what the client asked for. XML is made of a whole body.
    pub(crate) async fn written(&self, manner: &Manner, mut reply: Reply, deadline: Instant) -> Result<Reply, Failure> {
        if manner.preferences.format.is_xml() {
            let body = self.gather(reply.body).await?;
            let bytes = if let Body::Bytes(bytes) = &body { bytes.len() } else { 0 };
            let (preferences, version) = (manner.preferences.clone(), manner.version);
            let work = move || markup::body(&preferences, version, body);
            reply.body = Box::pin(self.limits.aside.work(bytes, deadline, work)).await??;
        }
        Ok(reply)
    }

    /// Holds a streamed body in memory, because somebody must look into it.
    pub(crate) async fn gather(&self, body: Body) -> Result<Body, Failure> {
        let Body::Stream(length, mut pieces) = body else { return Ok(body) };
        let mut whole = BytesMut::with_capacity(length.unwrap_or(0).min(64 * 1024) as usize);
        while let Some(piece) = pieces.try_next().await? {
            if whole.len() + piece.len() > self.reply {
                let text = format!("expected a reply of at most {} bytes from the back end", self.reply);
                return Err(Failure::new(StatusCode::BAD_GATEWAY, IssueType::TooLong, text));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Body::Bytes(whole.freeze()))
    }
}

/// Reads what was just written, for a client that wants to see it and a back end that does not send it. The write is done:
/// when this read fails, the client is told without the resource.
async fn read_back(plan: &Plan, written: Call, mut reply: Reply) -> Reply {
    let Some(subject) = reply.subject.clone() else { return reply };
    let interaction = Interaction::Read { resource_type: subject.resource_type, id: subject.id };
    if let Ok(read) = dispatch::perform(plan, Call { interaction, ..written }).await {
        reply.body = read.body;
        reply.last_modified = reply.last_modified.or(read.last_modified);
        if let (Some(subject), Some(seen)) = (&mut reply.subject, read.subject) {
            subject.version_id = subject.version_id.take().or(seen.version_id);
        }
    }
    reply
}

/// Whether only the body says whose data it holds: audit names each patient, and a confined token sees its own only.
fn names_patients(validated: &Validated, reply: &Reply) -> bool {
    if validated.permitted().confined_to().is_some() {
        return true;
    }
    let Some(subject) = &reply.subject else { return true };
    subject.resource_type != ResourceType::PATIENT
        && search::compartment::parameters(
            ResourceType::PATIENT,
            subject.resource_type,
            validated.permitted().request().version,
        )
        .is_some()
}
