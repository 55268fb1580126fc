//! `[base]/$export/[job]` and `[base]/$export/[job]/[file]`: how far an export is, its files, its removal. For its own client alone:
//! to anybody else it is not there.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::{InteractionCode, IssueType};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::job::{Closed, Job, JobId, Kind, State};
use super::kick_off::millis;
use super::{account as written, broken, download, manifest};
use crate::authorize::grant::Grant;
use crate::authorize::scope::Permissions;
use crate::authorize::{self, Identified};
use crate::failure::Failure;
use crate::listener::{Body, Peer};
use crate::passage::{Passage, Stage};
use crate::pipeline::Pipeline;
use crate::receive::site::Site;
use crate::receive::{self, Envelope};
use crate::respond::{self, account, cors};

const OF_JOB: &str = "GET, HEAD, DELETE, OPTIONS";
const OF_FILE: &str = "GET, HEAD, OPTIONS";
/// When a client looks again: soon at first.
const SOON: i64 = 30_000;

/// The methods of a path behind `$export`.
#[must_use]
pub(crate) const fn allow(behind: &[Cow<'_, str>]) -> &'static str {
    if behind.len() > 1 { OF_FILE } else { OF_JOB }
}

impl Pipeline {
    /// Answers at the door, and writes down who was there.
    pub(crate) async fn at_exports(
        self: &Arc<Self>,
        head: &Parts,
        site: &Site,
        behind: &[Cow<'_, str>],
        envelope: &Envelope,
        peer: &Peer,
        passage: &mut Passage,
    ) -> Result<Response<Body>, Failure> {
        if head.method == Method::OPTIONS {
            return Ok(cors::preflight(&head.headers, allow(behind)));
        }
        passage.route = Some(Arc::from("$export"));
        passage.interaction = Some(InteractionCode::Operation);
        let credentials = receive::credentials(head, site, envelope, peer)?;
        let identified = authorize::identify(&credentials, &self.authority).await?;
        passage.rate = Some(identified.rate().clone());
        passage.grant = Some(Arc::clone(identified.grant()));
        passage.mark(Stage::Authorize);
        let full = |full: audit::Full| {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::NoStore, "the audit log cannot be written")
                .because(full)
        };
        self.audit.admit().map_err(full)?;
        let mut record = written::of_visit(head, site, envelope, &identified.grant().caller);
        let answered = self.visit(head, site, behind, &identified).await;
        match &answered {
            Ok(_) => account::succeeded(&mut record, &Reply::new(Status::Ok), self.clock.now()),
            Err(failure) => account::failed(&mut record, failure, self.clock.now()),
        }
        self.audit.record(&record).map_err(full)?;
        answered
    }

    async fn visit(
        self: &Arc<Self>,
        head: &Parts,
        site: &Site,
        behind: &[Cow<'_, str>],
        identified: &Identified,
    ) -> Result<Response<Body>, Failure> {
        let (name, file) = match behind {
            [name] => (name, None),
            [name, file] => (name, Some(file)),
            _ => return Err(absent()),
        };
        let allowed = allow(behind);
        if !allowed.split(", ").any(|method| method == head.method.as_str()) {
            let text = format!("expected one of {allowed} here");
            return Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
                .with_header(header::ALLOW, allowed));
        }
        let job = self.own_job(site, name, identified.grant()).await?;
        match file {
            Some(file) => self.fetch(head, &job, file, identified.grant()).await,
            None if head.method == Method::DELETE => self.remove_export(&job).await,
            None => self.status(head, &job).await,
        }
    }

    /// The job of that name, when it is the client's own and there is still something of it.
    async fn own_job(self: &Arc<Self>, site: &Site, name: &str, grant: &Grant) -> Result<Job, Failure> {
        let id = JobId::read(name).ok_or_else(absent)?;
        let job = self.exports.at(move |exports| exports.jobs.find(&id)).await.map_err(broken)?.ok_or_else(absent)?;
        let (asker, caller) = (&job.asker, &grant.caller);
        let is_own = asker.practice == site.practice.as_str()
            && asker.client == *caller.client
            && asker.issuer == *caller.issuer
            && asker.user.as_deref() == caller.user.as_deref()
            && grant.scopes.any(asker.context);
        let has_expired = match job.state {
            State::Open => false,
            State::Done(expires) | State::Failed(_, _, expires) => expires <= millis(self.clock.now()),
        };
        if is_own && !has_expired { Ok(job) } else { Err(absent()) }
    }

    async fn status(self: &Arc<Self>, head: &Parts, job: &Job) -> Result<Response<Body>, Failure> {
        let found = job.clone();
        let mut response = match &job.state {
            State::Open => {
                let progress = self.exports.at(move |exports| exports.jobs.progress(&found)).await.map_err(broken)?;
                let text = format!("{} of {} steps, {} resources", progress.finished, progress.parts, progress.lines);
                let mut response = respond::empty(StatusCode::ACCEPTED);
                insert(&mut response, HeaderName::from_static("x-progress"), &text);
                let is_new = millis(self.clock.now()) - job.began < SOON;
                insert(&mut response, header::RETRY_AFTER, if is_new { "1" } else { "10" });
                response
            }
            State::Done(expires) => {
                let files = self.exports.at(move |exports| exports.jobs.files(&found)).await.map_err(broken)?;
                let mut response = respond::json(StatusCode::OK, manifest::manifest(job, &files).to_string());
                insert(&mut response, header::EXPIRES, &date(*expires));
                response
            }
            State::Failed(status, outcome, expires) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = respond::json(status, Bytes::from(outcome.clone()));
                insert(&mut response, header::CONTENT_TYPE, "application/fhir+json; charset=utf-8");
                insert(&mut response, header::EXPIRES, &date(*expires));
                response
            }
        };
        if head.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Ok(response)
    }

    async fn remove_export(self: &Arc<Self>, job: &Job) -> Result<Response<Body>, Failure> {
        match self.exports.remove(&job.id).await.map_err(broken)? {
            true => {
                metrics::counter!("frontdesk_exports_total", "end" => "removed").increment(1);
                Ok(respond::empty(StatusCode::ACCEPTED))
            }
            false => Err(absent()),
        }
    }

    async fn fetch(
        self: &Arc<Self>,
        head: &Parts,
        job: &Job,
        name: &str,
        grant: &Grant,
    ) -> Result<Response<Body>, Failure> {
        let State::Done(expires) = job.state else { return Err(absent()) };
        let (found, name) = (job.clone(), name.to_owned());
        let file = self.exports.at(move |exports| exports.jobs.file(&found, &name)).await.map_err(broken)?;
        let file = file.ok_or_else(absent)?;
        permit(job, &file, grant)?;
        let path = self.exports.jobs.folder().path(&job.id, &file.name);
        let mut response = download::file(head, &path, &file).await?;
        insert(&mut response, header::EXPIRES, &date(expires));
        metrics::counter!("frontdesk_export_downloads_total").increment(1);
        Ok(response)
    }
}

/// A token of the client that has less than the kick-off's reads less.
fn permit(job: &Job, file: &Closed, grant: &Grant) -> Result<(), Failure> {
    let may_read = file.kind == Kind::Error
        || file.resource_type.parse().is_ok_and(|of| grant.scopes.on(job.asker.context, of).covers(Permissions::READ));
    if may_read {
        return Ok(());
    }
    let text = format!("expected a scope to read {}", file.resource_type);
    Err(Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text))
}

fn absent() -> Failure {
    let text = "expected an export of this client: there is none of that name, or it has expired";
    Failure::new(StatusCode::NOT_FOUND, IssueType::NotFound, text)
}

fn date(millis: i64) -> String {
    let at = std::time::Duration::from_millis(millis.unsigned_abs());
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + at.min(std::time::Duration::from_secs(253_402_300_799)))
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
