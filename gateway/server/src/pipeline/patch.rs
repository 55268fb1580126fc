//! Patches (http.html#patch), on every back end that reads, and updates what is still the version that was read: the gateway reads
//! the resource, applies the patch, and goes on with the update that comes of it. A back end that patches and has no versions is sent
//! the patch as it came.
//!
//! A patch that changes nothing is answered with the resource as it is: no version is made of it, and nothing is validated.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ::patch::{Context, Fault, Limits, PatchError};
use adapter::{Body, Error, ErrorKind, Reply};
use bytes::Bytes;
use fhir::interaction::Patch;
use fhir::{Id, Interaction, InteractionCode, Issue, IssueType, Query, Resource, ResourceType, VersionId};
use http::StatusCode;

use super::Pipeline;
use crate::authorize::{Permitted, confine};
use crate::dispatch;
use crate::failure::Failure;
use crate::passage::{Passage, Stage};
use crate::receive::aside::SMALL;
use crate::respond::Manner;
use crate::route::{self, Plan};
use crate::translate;

/// How often a patch without `If-Match` is applied anew because somebody else wrote in between.
const TRIES: u32 = 10;

/// The longest that it waits before, in milliseconds; the wait doubles up to it.
const LONGEST_WAIT: u64 = 64;

/// What became of a patch.
pub(super) struct Patched {
    /// The request: an update tied to the version that was read; as it was when the patch goes to the back end, or is none.
    pub(super) permitted: Permitted,
    /// The resource as it is, when that update changes nothing.
    pub(super) unchanged: Option<Reply>,
}

/// What a patch is asked to do.
struct Asked<'a> {
    resource_type: ResourceType,
    target: Target<'a>,
    patch: &'a Patch,
    if_match: Option<&'a VersionId>,
}

enum Target<'a> {
    Id(&'a Id),
    Criteria(&'a Query),
}

/// Whether a request is a patch.
pub(super) fn is_patch(permitted: &Permitted) -> bool {
    Asked::of(permitted).is_some()
}

impl Pipeline {
    /// Patches: reads, applies, validates, updates. When somebody else wrote in between and the client named no version, all of it is
    /// done again.
    pub(super) async fn patch(
        self: &Arc<Self>,
        permitted: &Permitted,
        plan: &Arc<Plan>,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<(Reply, Vec<Issue>), Failure> {
        let may_repeat = Asked::of(permitted).is_some_and(|asked| asked.if_match.is_none());
        for tried in 1.. {
            let patched = self.patched(permitted, plan).await;
            passage.mark(Stage::Dispatch);
            let Patched { permitted: update, unchanged } = patched?;
            if let Some(reply) = unchanged {
                return Ok((self.as_it_is(permitted, plan, reply).await?, Vec::new()));
            }
            let is_own = !is_patch(&update);
            let plan = &self.planned_again(&update, plan)?;
            match self.carry(update, plan, manner, passage, record).await {
                Err(failure) if is_own && may_repeat && failure.status == StatusCode::PRECONDITION_FAILED => {
                    if tried >= TRIES {
                        return Err(overtaken());
                    }
                    tokio::time::sleep(wait(tried)).await;
                }
                ended => return ended,
            }
        }
        Err(overtaken())
    }

    /// The plan for what came of a patch, where that decides.
    pub(super) fn planned_again(&self, update: &Permitted, plan: &Arc<Plan>) -> Result<Arc<Plan>, Failure> {
        if plan.is_by_content { route::plan(update, &self.routes) } else { Ok(Arc::clone(plan)) }
    }

    /// Makes of a patch the update that it comes to: of the resource as it is now, tied to its version. A request that is no patch,
    /// and a patch that the back end itself must apply, stay what they are.
    ///
    /// # Errors
    /// 404 and 410 when there is nothing to patch, 412 for a stale `If-Match` and for criteria that match several, 400 for what is no
    /// patch, 422 for one that does not fit the resource.
    pub(super) async fn patched(&self, permitted: &Permitted, plan: &Plan) -> Result<Patched, Failure> {
        let as_it_came = || Ok(Patched { permitted: permitted.clone(), unchanged: None });
        let Some(asked) = Asked::of(permitted) else { return as_it_came() };
        let request = permitted.request();
        if request.markup.as_deref().is_some_and(|markup| !markup.is_sound()) {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, Vec::new()).in_markup(request.markup.as_deref()));
        }
        if !is_applied_here(plan, asked.resource_type) {
            return as_it_came();
        }
        let id = self.target(permitted, plan, &asked).await?;
        let (current, reply) = self.current(permitted, plan, asked.resource_type, &id).await?;
        let version = reply.subject.as_ref().and_then(|subject| subject.version_id.clone());
        let Some(version) = version else { return without_version(permitted, plan, &asked) };
        if asked.if_match.is_some_and(|named| *named != version) {
            let text = "expected If-Match to name the current version";
            return Err(Error::new(ErrorKind::VersionMismatch, text).into());
        }
        let bytes = self.applied(permitted, asked.patch, &current).await?;
        let is_same = bytes == current.bytes;
        let unchanged = is_same.then(|| Reply { body: Body::Bytes(current.bytes), ..reply });
        let resource = Resource::new(asked.resource_type, request.version, bytes);
        let update = Interaction::Update { id, resource, if_match: Some(version) };
        Ok(Patched { permitted: permitted.updating(update), unchanged })
    }

    /// The id of what is patched (http.html#patch: by condition as an update, but nothing is made).
    async fn target(&self, permitted: &Permitted, plan: &Plan, asked: &Asked<'_>) -> Result<Id, Failure> {
        let criteria = match asked.target {
            Target::Id(id) => return Ok(id.clone()),
            Target::Criteria(criteria) => criteria,
        };
        let interaction = permitted.request().interaction.clone();
        let call = translate::own_call(permitted, plan, interaction, self.deadline(permitted.request()))?;
        let found = Box::pin(self.one_match(permitted, plan, &call, asked.resource_type, criteria)).await?;
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "expected criteria that match a resource").into())
    }

    /// The resource as it is, which the caller may change.
    async fn current(
        &self,
        permitted: &Permitted,
        plan: &Plan,
        resource_type: ResourceType,
        id: &Id,
    ) -> Result<(Resource, Reply), Failure> {
        let read = Interaction::Read { resource_type, id: id.clone() };
        let call = translate::own_call(permitted, plan, read, self.deadline(permitted.request()))?;
        let version = call.version;
        let mut reply = dispatch::perform(plan, call).await.map_err(|error| confine::error(permitted, error))?;
        let body = std::mem::replace(&mut reply.body, Body::Empty);
        let Body::Bytes(bytes) = self.gather(body).await? else { return Err(confine::absent()) };
        let current = Resource::new(resource_type, version, bytes);
        // Before anything of it is looked at: a test that fails tells what is there.
        confine::current(permitted, &current)?;
        Ok((current, reply))
    }

    async fn applied(&self, permitted: &Permitted, patch: &Patch, current: &Resource) -> Result<Bytes, Failure> {
        let request = permitted.request();
        let (patch, resource) = (patch.clone(), current.bytes.clone());
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let limits = Limits { bytes: self.limits.body, ..Limits::default() };
        let context = Context { version: request.version, now: i64::try_from(now).unwrap_or(i64::MAX), limits };
        // Never here: a few `copy` or one expression of a small patch can be a second of work.
        let bytes = resource.len().saturating_add(patch.bytes.len()).max(SMALL + 1);
        let work = move || ::patch::apply(&resource, patch.format, &patch.bytes, &context);
        let applied = self.limits.aside.work(bytes, self.deadline(request), work).await?;
        applied.map(Bytes::from).map_err(|error| refused(&error, request.markup.is_some()))
    }

    /// The answer to a patch that changes nothing.
    async fn as_it_is(&self, permitted: &Permitted, plan: &Plan, reply: Reply) -> Result<Reply, Failure> {
        let request = permitted.request();
        let version = plan.adapters.first().map_or(request.version, |first| first.adapter.capability().version);
        let reply = confine::reply(permitted, reply, self.reply).await?;
        translate::to_client(reply, version, request)
    }
}

impl<'a> Asked<'a> {
    fn of(permitted: &'a Permitted) -> Option<Self> {
        match &permitted.request().interaction {
            Interaction::Patch { resource_type, id, patch, if_match } => {
                Some(Self { resource_type: *resource_type, target: Target::Id(id), patch, if_match: if_match.as_ref() })
            }
            Interaction::ConditionalPatch { resource_type, criteria, patch, if_match } => Some(Self {
                resource_type: *resource_type,
                target: Target::Criteria(criteria),
                patch,
                if_match: if_match.as_ref(),
            }),
            _ => None,
        }
    }
}

fn is_applied_here(plan: &Plan, resource_type: ResourceType) -> bool {
    plan.adapters.first().is_some_and(|first| route::patches(&first.adapter.capability(), resource_type))
}

/// The back end says that it has versions, and gave none: without one a change of somebody else could be lost.
fn without_version(permitted: &Permitted, plan: &Plan, asked: &Asked<'_>) -> Result<Patched, Failure> {
    let offers = |destination: &route::Destination| {
        destination.adapter.capability().offers(Some(asked.resource_type), InteractionCode::Patch)
    };
    if plan.adapters.first().is_some_and(offers) {
        return Ok(Patched { permitted: permitted.clone(), unchanged: None });
    }
    let text = "expected a version of the resource from the back end: without one it cannot be patched";
    Err(Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, text))
}

/// 400 for what is no patch, 422 for one that cannot be applied (RFC 5789 2.2).
fn refused(error: &PatchError, was_xml: bool) -> Failure {
    let status = match error.fault {
        Fault::Malformed => StatusCode::BAD_REQUEST,
        Fault::Unsuitable | Fault::Protected => StatusCode::UNPROCESSABLE_ENTITY,
        Fault::TooCostly => StatusCode::PAYLOAD_TOO_LARGE,
    };
    let mut issue = error.issue();
    if was_xml {
        issue.position = None;
    }
    Failure::from_issues(status, vec![issue])
}

/// Somebody else was faster each time.
fn overtaken() -> Failure {
    let text = "others keep changing the resource, so the patch was not applied: try again";
    Failure::new(StatusCode::CONFLICT, IssueType::Conflict, text)
}

/// Longer after each try, and never the same for two that were overtaken by the same write.
fn wait(tried: u32) -> Duration {
    let longest = (1_u64 << tried.min(6)).min(LONGEST_WAIT);
    Duration::from_micros(rand::random_range(0..=longest * 1_000))
}
