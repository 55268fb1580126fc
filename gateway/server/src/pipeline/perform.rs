//! The middle of a request: the call, what confines it, and what its answer still needs.

use adapter::{Call, Error, ErrorKind, Reply};
use bytes::BytesMut;
use fhir::{Interaction, IssueType, Resource, ResourceType};
use futures_util::TryStreamExt;
use http::StatusCode;

use super::Pipeline;
use crate::authorize::{Permitted, confine};
use crate::dispatch;
use crate::failure::Failure;
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
        let mut call = translate::to_adapter(validated, plan, request.arrived + self.limits.total)?;
        if confine::needs_current(permitted) {
            call = self.pin(permitted, plan, call).await?;
        }
        let version = call.version;
        let again = manner.is_write().then(|| call.clone());
        let mut reply = dispatch::perform(plan, call).await.map_err(|error| confine::error(permitted, error))?;
        if let Some(again) = again.filter(|_| manner.wants_resource(&reply)) {
            reply = read_back(plan, again, reply).await;
        }
        reply = confine::reply(permitted, reply, self.reply).await?;
        if names_patients(validated, &reply) {
            reply.body = self.gather(reply.body).await?;
        }
        translate::to_client(reply, version, request)
    }

    /// The reply in what the client asked for. XML is made of a whole body.
    pub(super) async fn written(&self, manner: &Manner, mut reply: Reply) -> Result<Reply, Failure> {
        if manner.preferences.format.is_xml() {
            let body = self.gather(reply.body).await?;
            reply.body = markup::body(manner.preferences.format, manner.version, body)?;
        }
        Ok(reply)
    }

    /// Reads what a confined token wants to change, and ties the write to what was read. What is not there cannot be made
    /// this way: between this read and the write it could become somebody else's.
    async fn pin(&self, permitted: &Permitted, plan: &Plan, write: Call) -> Result<Call, Failure> {
        let (Some(resource_type), Some(id)) = (write.interaction.resource_type(), write.interaction.id()) else {
            return Ok(write);
        };
        let interaction = Interaction::Read { resource_type, id: id.clone() };
        let read = dispatch::perform(plan, Call { interaction, ..write.clone() })
            .await
            .map_err(|error| confine::error(permitted, error))?;
        let version = read.subject.and_then(|subject| subject.version_id);
        let adapter::Body::Bytes(bytes) = self.gather(read.body).await? else {
            return Err(confine::error(permitted, Error::new(ErrorKind::NotFound, "there is no such resource")));
        };
        confine::current(permitted, &Resource::new(resource_type, write.version, bytes))?;
        Ok(Call { interaction: confine::pinned(write.interaction.clone(), version.as_ref()), ..write })
    }

    /// Holds a streamed body in memory, because somebody must look into it.
    async fn gather(&self, body: adapter::Body) -> Result<adapter::Body, Failure> {
        let adapter::Body::Stream(length, mut pieces) = body else { return Ok(body) };
        let mut whole = BytesMut::with_capacity(length.unwrap_or(0).min(64 * 1024) as usize);
        while let Some(piece) = pieces.try_next().await? {
            if whole.len() + piece.len() > self.reply {
                let text = format!("expected a reply of at most {} bytes from the back end", self.reply);
                return Err(Failure::new(StatusCode::BAD_GATEWAY, IssueType::TooLong, text));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(adapter::Body::Bytes(whole.freeze()))
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
