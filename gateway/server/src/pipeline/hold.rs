//! What a confined token's write needs before it is sent: that it can change nothing but what was shown to be the patient's.
//!
//! What it would change is read, checked and tied to its version. A condition is searched for first, inside the
//! compartment, and becomes a write by id. What is not there may only be made: the adapter refuses when it is there by then.

use adapter::{Body, Call, Error, ErrorKind, Reply};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Handling, Id, Interaction, IssueType, Query, Resource, ResourceType};
use http::StatusCode;

use super::Pipeline;
use crate::authorize::{Permitted, confine};
use crate::dispatch;
use crate::failure::Failure;
use crate::federate::conditional::has_only_criteria;
use crate::route::Plan;

impl Pipeline {
    /// The write that may be sent instead; none when there is nothing to do.
    pub(super) async fn hold(&self, permitted: &Permitted, plan: &Plan, write: Call) -> Result<Option<Call>, Failure> {
        let interaction = match &write.interaction {
            Interaction::ConditionalUpdate { criteria, resource, if_match } => {
                match self.one_match(permitted, plan, &write, resource.resource_type, criteria).await? {
                    Some(id) => Interaction::Update { id, resource: resource.clone(), if_match: if_match.clone() },
                    None if if_match.is_some() => return Err(stale()),
                    None => return made(&write, resource, criteria).map(Some),
                }
            }
            Interaction::ConditionalDelete { resource_type, criteria } => {
                let resource_type = *resource_type;
                match self.one_match(permitted, plan, &write, resource_type, criteria).await? {
                    Some(id) => Interaction::Delete { resource_type, id, if_match: None },
                    None => return Ok(None),
                }
            }
            other => other.clone(),
        };
        self.pin(permitted, plan, Call { interaction, ..write }).await.map(Some)
    }

    /// Reads what a write by id would change, and ties the write to what was read.
    async fn pin(&self, permitted: &Permitted, plan: &Plan, write: Call) -> Result<Call, Failure> {
        let (Some(resource_type), Some(id)) = (write.interaction.resource_type(), write.interaction.id()) else {
            return Ok(write);
        };
        let interaction = Interaction::Read { resource_type, id: id.clone() };
        let read = match dispatch::perform(plan, Call { interaction, ..write.clone() }).await {
            Ok(read) => read,
            Err(error) if error.kind == ErrorKind::NotFound && may_create(&write.interaction, plan) => {
                return Ok(Call { must_create: true, ..write });
            }
            Err(error) => return Err(confine::error(permitted, error)),
        };
        let Reply { subject, body, .. } = read;
        let Body::Bytes(bytes) = self.gather(body).await? else { return Err(confine::absent()) };
        confine::current(permitted, &Resource::new(resource_type, write.version, bytes))?;
        let version = subject.and_then(|subject| subject.version_id);
        Ok(Call { interaction: confine::pinned(write.interaction.clone(), version.as_ref()), ..write })
    }

    /// The one resource within reach that meets the criteria of a write (http.html#cond-update: several are 412).
    pub(super) async fn one_match(
        &self,
        permitted: &Permitted,
        plan: &Plan,
        write: &Call,
        resource_type: ResourceType,
        criteria: &Query,
    ) -> Result<Option<Id>, Failure> {
        if !has_only_criteria(criteria) {
            let text = "expected search criteria only in a condition";
            return Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, text));
        }
        let mut query = criteria.clone();
        query.push("_count", "2");
        let interaction = Interaction::SearchType { resource_type, compartment: None, query };
        let search = Call { interaction, handling: Handling::Strict, must_be_complete: true, ..write.clone() };
        let found = dispatch::perform(plan, search).await.map_err(|error| confine::error(permitted, error))?;
        let Body::Bytes(bundle) = self.gather(found.body).await? else { return Ok(None) };
        let mut ids = confine::matches(permitted, &bundle)?;
        if ids.len() > 1 {
            let text = "the criteria match more than one resource; expected at most one";
            return Err(Error::new(ErrorKind::MultipleMatches, text).into());
        }
        Ok(ids.pop())
    }
}

/// http.html#cond-update, nothing matches: a create, on the condition that nothing matches by then either.
fn made(write: &Call, resource: &Resource, criteria: &Query) -> Result<Call, Failure> {
    if has_id(resource) {
        return Err(confine::forbidden("a token of one patient cannot choose an id by condition: expected no `id`"));
    }
    let interaction = Interaction::Create { resource: resource.clone(), if_none_exist: Some(criteria.clone()) };
    Ok(Call { interaction, must_create: true, ..write.clone() })
}

/// Whether an update of what is not there makes it (http.html#upsert). A Patient would be a patient of one's own making.
fn may_create(interaction: &Interaction, plan: &Plan) -> bool {
    let Interaction::Update { resource, if_match: None, .. } = interaction else { return false };
    let capability = plan.adapters.first().map(|destination| destination.adapter.capability());
    let offers = capability.is_some_and(|capability| {
        capability.resources.get(&resource.resource_type).is_some_and(|offered| offered.update_create)
    });
    offers && resource.resource_type != ResourceType::PATIENT
}

fn has_id(resource: &Resource) -> bool {
    let has_id =
        |document: Document<'_>| document.root().and_then(|root| root.member("id")).and_then(Value::text).is_some();
    if let Some(document) = resource.document() {
        return has_id(document);
    }
    let mut nodes = Vec::new();
    scan(&resource.bytes, &mut nodes, Limits::default()).is_err() || has_id(Document::new(&resource.bytes, &nodes))
}

fn stale() -> Failure {
    Error::new(ErrorKind::VersionMismatch, "expected a resource that exists: the criteria match none").into()
}
