//! `$export`: what a client wishes for becomes a job, and the client is told where to look after it (Bulk Data Access 2.0.0, 2.6).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use fhir::interaction::{Level, Parameters};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Handling, Id, Interaction, InteractionCode, IssueType, Query, ResourceType};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};

use super::choice::Choice;
use super::job::{Asker, Extent, JobId, Kind, OfType, Wish};
use super::jobs::{Crowded, Most};
use super::table::NewJob;
use super::wanted::{self, Wanted};
use super::{Exports, broken};
use crate::authorize::Permitted;
use crate::authorize::scope::Permissions;
use crate::failure::Failure;
use crate::operations::{Answered, Operation, Patients, Place, Running, Types};
use crate::respond;
use crate::route::Routes;

const GROUP: ResourceType = ResourceType::GROUP;
pub(super) const PATIENT: ResourceType = ResourceType::PATIENT;
/// Finished exports of one client that are kept at a time.
const MOST_KEPT: u32 = 200;

/// `[base]/$export`
pub static OF_SYSTEM: Operation =
    operation("http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export", &[Place::System], Types::All);
/// `[base]/Patient/$export`
pub static OF_PATIENTS: Operation = operation(
    "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
    &[Place::Type],
    Types::Only(&["Patient"]),
);
/// `[base]/Group/[id]/$export`
pub static OF_GROUP: Operation = operation(
    "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
    &[Place::Instance],
    Types::Only(&["Group"]),
);

const fn operation(definition: &'static str, places: &'static [Place], types: Types) -> Operation {
    Operation {
        name: "export",
        definition,
        places,
        types,
        methods: &[Method::GET, Method::POST],
        is_safe: false,
        needs,
        patients: Patients::Refused,
        is_served,
        run,
    }
}

/// Which types may be taken is looked at for each of them; a group is read.
fn needs(level: &Level, _: &Parameters) -> Vec<(Option<ResourceType>, Permissions)> {
    match level {
        Level::Instance(of, _) => vec![(Some(*of), Permissions::READ)],
        _ => Vec::new(),
    }
}

fn is_served(routes: &Routes, practice: &Practice, of: Option<ResourceType>) -> bool {
    let reads_groups = || routes.searched(practice, GROUP, InteractionCode::Read).is_some();
    let searches = |of| routes.searched(practice, of, InteractionCode::SearchType).is_some();
    match of {
        None => routes
            .capability(practice)
            .resources
            .values()
            .any(|of| of.interactions.contains(&InteractionCode::SearchType)),
        Some(of) => searches(PATIENT) && (of != GROUP || reads_groups()),
    }
}

fn run(running: Running<'_>) -> BoxFuture<'_, Result<Answered, Failure>> {
    Box::pin(kick_off(running))
}

async fn kick_off(running: Running<'_>) -> Result<Answered, Failure> {
    let request = running.request();
    let Interaction::Operation { level, parameters, .. } = &request.interaction else {
        return Err(Failure::panicked());
    };
    if request.target.method == Method::HEAD {
        let text = "expected GET or POST: a kick-off makes something";
        return Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
            .with_header(header::ALLOW, "GET, POST"));
    }
    let wanted = Wanted::read(request, level, parameters)?;
    let is_lenient = request.preferences.handling == Handling::Lenient;
    let (extent, patients) = extent(&running, level, &wanted.patients, is_lenient).await?;
    let choice = Choice { running: &running, extent, is_lenient, issues: Vec::new() };
    let types = choice.types(&wanted)?;
    let began = millis(running.pipeline.clock.now());
    let parts = parts(&running, extent, &types, &wanted);
    let wish = Wish {
        extent,
        request: address(&running),
        base: request.base.to_string(),
        version: request.version,
        since: wanted.since,
        until: wanted.until,
        elements: wanted.elements,
        types,
    };
    let id = keep(&running.pipeline.exports, asker(running.permitted), wish, patients, parts, began).await?;
    let mut response = respond::empty(StatusCode::ACCEPTED);
    if let Ok(place) = HeaderValue::from_str(&format!("{}/$export/{}", request.base, id.as_str())) {
        response.headers_mut().insert(header::CONTENT_LOCATION, place);
    }
    Ok(Answered::Response(response))
}

async fn keep(
    exports: &Arc<Exports>,
    asker: Asker,
    wish: Wish,
    patients: Vec<Id>,
    parts: Vec<(Kind, ResourceType)>,
    began: i64,
) -> Result<JobId, Failure> {
    let id = JobId::random();
    let kept = exports.at({
        let id = id.clone();
        move |exports| {
            let page = exports.settings.page;
            let job = NewJob { id: &id, asker: &asker, wish: &wish, patients: &patients, began, parts: &parts, page };
            let most = Most { open: exports.settings.jobs_per_client, kept: MOST_KEPT };
            exports.jobs.create(&job, most)
        }
    });
    match kept.await.map_err(broken)? {
        Ok(()) => {
            metrics::counter!("frontdesk_exports_total", "end" => "begun").increment(1);
            exports.wake.notify_one();
            Ok(id)
        }
        Err(crowded) => Err(refused(crowded)),
    }
}

fn refused(crowded: Crowded) -> Failure {
    let (status, text) = match crowded {
        Crowded::Open => (StatusCode::TOO_MANY_REQUESTS, "the client has as many unfinished exports as it may have"),
        Crowded::Kept => (StatusCode::TOO_MANY_REQUESTS, "expected a DELETE of exports that are not needed any more"),
        Crowded::Space => (StatusCode::SERVICE_UNAVAILABLE, "the space for exports is used up: try again later"),
    };
    let code = if crowded == Crowded::Space { IssueType::NoStore } else { IssueType::Throttled };
    Failure::new(status, code, text).with_header(header::RETRY_AFTER, "60")
}

fn asker(permitted: &Permitted) -> Asker {
    let (request, caller) = (permitted.request(), permitted.caller());
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    Asker {
        practice: request.practice.as_str().to_owned(),
        client: caller.client.to_string(),
        issuer: caller.issuer.to_string(),
        user: text(&caller.user),
        token: text(&caller.token),
        scopes: caller.scopes.to_string(),
        context: permitted.reach().context(),
        epoch: permitted.grant().epoch,
        address: request.address,
        request_id: request.trace.request_id.to_string(),
    }
}

/// `request` of the manifest: the URL of a kick-off, without the parameters of a POST.
fn address(running: &Running<'_>) -> String {
    let request = running.request();
    let root = url::Url::parse(&request.base).ok().and_then(|base| base.join(&request.target.path_and_query).ok());
    let mut url = root.map_or_else(|| request.base.to_string(), String::from);
    if request.target.method == Method::POST {
        url.truncate(url.find('?').unwrap_or(url.len()));
    }
    url
}

fn parts(running: &Running<'_>, extent: Extent, types: &[OfType], wanted: &Wanted) -> Vec<(Kind, ResourceType)> {
    let output = types.iter().map(|of| (Kind::Output, of.resource_type));
    // What was deleted is in no compartment any more: for patients that are listed nobody can tell.
    let tells_deleted = wanted.since.is_some() && extent != Extent::Listed;
    let deleted = types.iter().map(|of| of.resource_type).filter(|of| tells_deleted && has_history(running, *of));
    output.chain(deleted.map(|of| (Kind::Deleted, of))).collect()
}

fn has_history(running: &Running<'_>, resource_type: ResourceType) -> bool {
    let (pipeline, request) = (running.pipeline, running.request());
    let history = Interaction::HistoryType { resource_type, query: Query::default() };
    let is_offered = pipeline.routes.searched(&request.practice, resource_type, InteractionCode::HistoryType).is_some();
    is_offered && pipeline.authority.may_take(running.permitted.grant(), &history, request.version).is_ok()
}

/// Of whom the export is.
async fn extent(
    running: &Running<'_>,
    level: &Level,
    asked: &[Id],
    is_lenient: bool,
) -> Result<(Extent, Vec<Id>), Failure> {
    match level {
        Level::System => Ok((Extent::System, Vec::new())),
        Level::Type(_) if asked.is_empty() => Ok((Extent::Patients, Vec::new())),
        Level::Type(_) => Ok((Extent::Listed, asked.to_vec())),
        Level::Instance(of, id) => {
            let group = running.ask().read(*of, id.clone()).await?;
            let mut members = members(&group, &running.request().base)?;
            if !asked.is_empty() {
                if !is_lenient && asked.iter().any(|id| !members.contains(id)) {
                    return Err(bad(IssueType::Value, "expected members of the group for `patient`"));
                }
                members.retain(|id| asked.contains(id));
            }
            Ok((Extent::Listed, members.into_iter().collect()))
        }
    }
}

/// The patients of a Group that are in it now. Groups within it are not followed.
fn members(group: &[u8], base: &str) -> Result<BTreeSet<Id>, Failure> {
    let mut nodes = Vec::new();
    let root = scan(group, &mut nodes, Limits::default()).ok().and_then(|()| Document::new(group, &nodes).root());
    let root = root.ok_or_else(|| {
        Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, "expected a Group from the back end")
    })?;
    if root.member("actual").and_then(Value::boolean) == Some(false) {
        let text = "expected a group of actual patients: this one describes some";
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, IssueType::BusinessRule, text));
    }
    let is_in = |member: &Value<'_>| member.member("inactive").and_then(Value::boolean) != Some(true);
    let id = |member: Value<'_>| {
        let reference = member.member("entity")?.member("reference").and_then(Value::text)?;
        let relative = reference.strip_prefix(base).map_or(&*reference, |rest| rest.trim_start_matches('/'));
        relative.strip_prefix("Patient/")?.split('/').next()?.parse().ok()
    };
    Ok(root.member("member").into_iter().flat_map(Value::items).filter(is_in).filter_map(id).collect())
}

fn bad(code: IssueType, text: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, code, text)
}

/// Milliseconds since 1970.
pub(super) fn millis(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Read again by the manifest.
pub(super) use wanted::instant;

#[cfg(test)]
mod tests;
