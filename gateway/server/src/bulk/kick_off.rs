//! `$export`: what a client wishes for becomes a job, and the client is told where to look after it (Bulk Data Access 2.0.0, 2.6).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use fhir::interaction::{Level, Parameters};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Handling, Id, Interaction, InteractionCode, Issue, IssueType, Query, ResourceType};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};

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
use crate::translate::convertible;

const GROUP: ResourceType = ResourceType::GROUP;
const PATIENT: ResourceType = ResourceType::PATIENT;
/// Finished exports of one client that are kept at a time.
const MOST_KEPT: u32 = 200;
/// Parameters of a search that say how to answer: a filter finds, and nothing else.
const NO_FILTERS: [&str; 11] = [
    "_include",
    "_revinclude",
    "_sort",
    "_count",
    "_elements",
    "_summary",
    "_total",
    "_contained",
    "_page",
    "_type",
    "_format",
];

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

/// Which types, and which of their resources.
struct Choice<'r> {
    running: &'r Running<'r>,
    extent: Extent,
    is_lenient: bool,
    issues: Vec<(StatusCode, Issue)>,
}

impl Choice<'_> {
    /// The types that are exported, each with its filters.
    fn types(mut self, wanted: &Wanted) -> Result<Vec<OfType>, Failure> {
        let offered = self.offered();
        let mut chosen: Vec<ResourceType> = Vec::new();
        for of in if wanted.types.is_empty() { &offered } else { &wanted.types } {
            if !offered.contains(of) {
                self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, format!("{of} is not exported here"));
            } else if self.may_take(*of, &Query::default()) {
                chosen.push(*of);
            } else if !wanted.types.is_empty() {
                self.refuse(
                    StatusCode::FORBIDDEN,
                    IssueType::Forbidden,
                    format!("expected scopes to read and search {of}"),
                );
            }
        }
        let mut types: Vec<OfType> = chosen.into_iter().map(|of| self.of_type(of)).collect();
        for (of, filter) in &wanted.filters {
            match types.iter_mut().find(|known| known.resource_type == *of) {
                Some(known) => known.filters.extend(self.filter(*of, filter)),
                None => {
                    let text = format!("expected a _typeFilter of a type that is exported, found {of}");
                    self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, text);
                }
            }
        }
        self.conclude(types)
    }

    fn conclude(self, types: Vec<OfType>) -> Result<Vec<OfType>, Failure> {
        if let Some(status) = self.issues.iter().map(|(status, _)| *status).max() {
            let issues = self.issues.into_iter().map(|(_, issue)| issue).collect();
            return Err(Failure::from_issues(status, issues));
        }
        if types.is_empty() {
            let text = "expected scopes to read and search what is to be exported";
            return Err(Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text));
        }
        Ok(types)
    }

    /// The types that can be listed in the release of the base; of patients, those of their compartment.
    fn offered(&self) -> Vec<ResourceType> {
        let (pipeline, request) = (self.running.pipeline, self.running.request());
        let in_compartment = |of: ResourceType| search::compartment::parameters(PATIENT, of, request.version).is_some();
        let is_told = |of: ResourceType| {
            let plan = pipeline.routes.searched(&request.practice, of, InteractionCode::SearchType);
            let from = plan.and_then(|plan| Some(plan.adapters.first()?.adapter.capability().version));
            from.is_some_and(|from| convertible(Some(of), from, request.version).is_ok())
        };
        let all = pipeline.routes.capability(&request.practice).resources.into_keys();
        all.filter(|of| (self.extent == Extent::System || in_compartment(*of)) && is_told(*of)).collect()
    }

    fn of_type(&self, resource_type: ResourceType) -> OfType {
        let (routes, practice) = (&self.running.pipeline.routes, &self.running.request().practice);
        let code = InteractionCode::SearchType;
        let by_time = routes.searched(practice, resource_type, code).is_some_and(|plan| {
            let capability = plan.adapters.first().map(|destination| destination.adapter.capability());
            let of = capability.as_ref().and_then(|capability| capability.resources.get(&resource_type));
            of.is_some_and(|of| of.search.contains_key("_lastUpdated"))
        });
        OfType { resource_type, filters: Vec::new(), by_time, joined: routes.is_joined(practice, resource_type, code) }
    }

    fn may_take(&self, resource_type: ResourceType, query: &Query) -> bool {
        let (authority, permitted) = (&self.running.pipeline.authority, self.running.permitted);
        let search = Interaction::SearchType { resource_type, compartment: None, query: query.clone() };
        authority.may_take(permitted.grant(), &search, permitted.request().version).is_ok()
    }

    /// A filter that can be searched for, and finds out about nothing that the client may not search.
    fn filter(&mut self, of: ResourceType, filter: &str) -> Option<String> {
        let (pipeline, request) = (self.running.pipeline, self.running.request());
        let query = Query::parse(filter);
        if let Some((name, _)) = query.iter().find(|(name, _)| is_no_filter(name)) {
            let text = format!("expected search criteria only in _typeFilter, found `{name}`");
            self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, text);
            return None;
        }
        let search = Interaction::SearchType { resource_type: of, compartment: None, query };
        let plan = match pipeline.routes.plan(&request.practice, &search) {
            Ok(plan) => plan,
            Err(failure) => return self.unserved(failure.issues),
        };
        let Interaction::SearchType { query, .. } = &search else { return None };
        let vocabulary = plan.additions.on(request.version);
        if let Err(issues) = search::parse(query, vocabulary, Some(of), Handling::Strict) {
            return self.unserved(issues);
        }
        if !self.may_take(of, query) {
            let text = format!("expected scopes for a _typeFilter of {of}");
            self.refuse(StatusCode::FORBIDDEN, IssueType::Forbidden, text);
            return None;
        }
        Some(filter.to_owned())
    }

    /// A filter that cannot be searched for.
    fn unserved(&mut self, issues: Vec<Issue>) -> Option<String> {
        issues.into_iter().for_each(|issue| self.refuse(StatusCode::BAD_REQUEST, issue.code, issue.text));
        None
    }

    /// Bulk Data, 2.6.2: whoever prefers lenient handling gets what can be had.
    fn refuse(&mut self, status: StatusCode, code: IssueType, text: String) {
        if !self.is_lenient {
            self.issues.push((status, Issue::error(code, text)));
        }
    }
}

fn is_no_filter(name: &str) -> bool {
    NO_FILTERS.contains(&name.split(':').next().unwrap_or_default())
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
