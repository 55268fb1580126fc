//! One job, from where it stands to its end: its parts in order, each as its searches, page by page.

use std::sync::Arc;

use audit::Outcome as Ended;
use fhir::{Compartment, Id, Interaction, InteractionCode, Issue, IssueType, Outcome, Query, ResourceType};
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::folder::FileError;
use super::job::{Extent, Job, Kind, OfType, Part, Place};
use super::jobs::JobError;
use super::kick_off::millis;
use super::listing::{Answer, Listing, Stop};
use super::page::{Maker, Page};
use super::{Exports, account};
use crate::failure::Failure;
use crate::pipeline::Pipeline;

/// Times that a search is begun anew without anything coming of it.
const MOST_RESTARTS: u32 = 3;
/// Empty pages whose place is kept in memory only.
const MOST_UNWRITTEN: u32 = 64;

/// Why a job ends before its end.
enum End {
    Stop(Stop),
    Job(JobError),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<JobError> for End {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

/// Works on a job until it ends or is stopped; what it did so far is kept whatever happens.
pub(super) async fn run(pipeline: &Arc<Pipeline>, job: Job, stop: &CancellationToken) {
    let job = Arc::new(job);
    let mut work = Work { exports: &pipeline.exports, pipeline, job: &job, listing: Listing::of(pipeline, &job, stop) };
    match work.run().await {
        Ok(()) => {}
        // A stopped gateway goes on with it at its next start; a removed job has nobody to tell.
        Err(End::Stop(Stop::Cancelled) | End::Job(JobError::Removed)) => {}
        Err(End::Stop(Stop::Withdrawn(why))) => {
            work.fail(StatusCode::FORBIDDEN, IssueType::Forbidden, &format!("the export was stopped: {why}")).await;
        }
        Err(End::Job(JobError::Full)) => {
            let text = "the export does not fit into the space for exports";
            work.fail(StatusCode::INSUFFICIENT_STORAGE, IssueType::TooCostly, text).await;
        }
        Err(End::Job(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an export cannot go on");
            let text = "the export could not be written";
            work.fail(StatusCode::INTERNAL_SERVER_ERROR, IssueType::NoStore, text).await;
        }
    }
}

struct Work<'a> {
    exports: &'a Arc<Exports>,
    pipeline: &'a Arc<Pipeline>,
    job: &'a Arc<Job>,
    listing: Listing<'a>,
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), End> {
        let job = Arc::clone(self.job);
        let (parts, patients) =
            self.exports.at(move |exports| Ok((exports.jobs.open_parts(&job)?, exports.jobs.patients(&job)?))).await?;
        for part in parts {
            // A type that the wish does not have is of a table that somebody else wrote.
            let Some(of) = self.job.wish.types.iter().find(|of| of.resource_type == part.resource_type).cloned() else {
                continue;
            };
            let searches = Searches { job: self.job, of: &of, kind: part.kind, patients: &patients };
            self.part(part, &searches).await?;
        }
        self.end().await
    }

    async fn end(&self) -> Result<(), End> {
        let job = Arc::clone(self.job);
        let expires = millis(self.pipeline.clock.now()) + keep(self.exports);
        let problem = self
            .exports
            .at(move |exports| {
                if exports.jobs.came_to_nothing(&job)? {
                    return Ok(exports.jobs.problems(&job)?.into_iter().next());
                }
                exports.jobs.finish(&job, expires).map(|()| None)
            })
            .await?;
        match problem {
            Some(outcome) => self.failed(StatusCode::BAD_GATEWAY, outcome).await,
            None => self.account(Ended::Success, "export completed", "completed"),
        }
        Ok(())
    }

    async fn part(&mut self, mut part: Part, searches: &Searches<'_>) -> Result<(), End> {
        let (mut is_whole, mut restarts, mut unwritten) = (true, 0, 0);
        while part.at.pass < searches.count() {
            let first = searches.first(&part.at);
            let asked = searches.at(&part.at);
            match self.listing.ask(&first, &asked).await? {
                Answer::Page(page) => {
                    self.note(page.outcomes.clone()).await?;
                    is_whole &= !page.is_partial;
                    let then = behind(&part.at, &page);
                    if then.pass != part.at.pass {
                        restarts = 0;
                    }
                    if page.entries.is_empty() && unwritten < MOST_UNWRITTEN {
                        unwritten += 1;
                        part.at = then;
                        continue;
                    }
                    unwritten = 0;
                    let fresh = self.take(&mut part, searches.of, page, then).await?;
                    restarts = if fresh > 0 { 0 } else { restarts };
                }
                // A page that was kept for later may be known no more: from its beginning, what was seen is passed over.
                Answer::Refused(_) if part.at.next.is_some() && restarts < MOST_RESTARTS => {
                    restarts += 1;
                    part.at.next = None;
                }
                Answer::TooLarge(_) if part.at.page > 1 => {
                    part.at.page = (part.at.page / 4).max(1);
                    part.at.next = None;
                }
                Answer::Refused(failure) | Answer::TooLarge(failure) => {
                    is_whole = false;
                    self.missing(part.resource_type, failure).await?;
                    part.at = Place { pass: part.at.pass + 1, next: None, ..part.at };
                }
                Answer::Silent(failure) => {
                    is_whole = false;
                    self.missing(part.resource_type, failure).await?;
                    break;
                }
            }
        }
        self.finish(part, is_whole).await
    }

    /// Writes a page, and closes the file that it fills.
    async fn take(&self, part: &mut Part, of: &OfType, page: Page, then: Place) -> Result<u64, End> {
        let (job, of, mut taken) = (Arc::clone(self.job), of.clone(), part.clone());
        let done = self.exports.at(move |exports| {
            let lines = Maker { wish: &job.wish, of: &of }.lines(taken.kind, &page);
            let fresh = match exports.jobs.take(&job, &mut taken, &lines, then) {
                Err(JobError::File(FileError::Lost)) => exports.jobs.restart_part(&job, &mut taken).map(|()| 0),
                other => other,
            }?;
            if taken.at.bytes >= exports.settings.file_size.bytes() {
                exports.jobs.close_file(&job, &mut taken)?;
            }
            Ok((taken, fresh))
        });
        let (taken, fresh) = done.await?;
        metrics::counter!("frontdesk_export_resources_total").increment(fresh);
        *part = taken;
        Ok(fresh)
    }

    async fn finish(&self, mut part: Part, is_whole: bool) -> Result<(), End> {
        let job = Arc::clone(self.job);
        Ok(self.exports.at(move |exports| exports.jobs.finish_part(&job, &mut part, !is_whole)).await?)
    }

    /// What cannot be had is told in the files of errors.
    async fn missing(&self, of: ResourceType, failure: Failure) -> Result<(), End> {
        if let Some(cause) = &failure.cause {
            tracing::warn!(%cause, "an export lacks what a back end has");
        }
        let told = Issue::error(IssueType::Incomplete, format!("not all of {of} could be read"));
        let outcome = Outcome(std::iter::once(told).chain(failure.issues).collect());
        self.note(vec![String::from_utf8_lossy(&outcome.to_json()).into_owned()]).await
    }

    async fn note(&self, outcomes: Vec<String>) -> Result<(), End> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let job = Arc::clone(self.job);
        let note = move |exports: &Exports| outcomes.iter().try_for_each(|line| exports.jobs.note_problem(&job, line));
        Ok(self.exports.at(note).await?)
    }

    async fn fail(&self, status: StatusCode, code: IssueType, text: &str) {
        let outcome = Outcome(vec![Issue::error(code, text)]);
        self.failed(status, String::from_utf8_lossy(&outcome.to_json()).into_owned()).await;
    }

    async fn failed(&self, status: StatusCode, outcome: String) {
        let job = Arc::clone(self.job);
        let expires = millis(self.pipeline.clock.now()) + keep(self.exports);
        let failed = self.exports.at(move |exports| exports.jobs.fail(&job, status.as_u16(), &outcome, expires)).await;
        if let Err(error) = failed {
            tracing::error!(error = &error as &dyn std::error::Error, "the end of an export cannot be written down");
        }
        self.account(Ended::of_status(status.as_u16()), "export failed", "failed");
    }

    fn account(&self, outcome: Ended, reason: &str, end: &'static str) {
        metrics::counter!("frontdesk_exports_total", "end" => end).increment(1);
        let mut record =
            account::of_job(self.job, InteractionCode::Operation, format!("GET {}", self.job.wish.request));
        account::ended(&mut record, outcome, reason, self.pipeline.clock.now());
        // The log says itself when it is full; the files are read by whoever is written down then.
        let _ = self.pipeline.audit.record(&record);
    }
}

fn keep(exports: &Exports) -> i64 {
    i64::try_from(exports.settings.keep.as_millis()).unwrap_or(i64::MAX / 2)
}

/// Where the work stands behind a page.
fn behind(at: &Place, page: &Page) -> Place {
    match &page.next {
        Some(next) => Place { next: Some(next.clone()), ..at.clone() },
        None => Place { pass: at.pass + 1, next: None, ..at.clone() },
    }
}

/// The searches of a part: one for each patient and filter.
struct Searches<'a> {
    job: &'a Job,
    of: &'a OfType,
    kind: Kind,
    patients: &'a [Id],
}

impl Searches<'_> {
    fn filters(&self) -> i64 {
        i64::try_from(self.of.filters.len()).unwrap_or(i64::MAX).max(1)
    }

    fn count(&self) -> i64 {
        if self.kind == Kind::Deleted {
            return 1;
        }
        let patients = i64::try_from(self.patients.len()).unwrap_or(i64::MAX);
        self.filters() * if self.job.wish.extent == Extent::Listed { patients } else { 1 }
    }

    /// What is asked at a place.
    fn at(&self, at: &Place) -> Interaction {
        let mut interaction = self.first(at);
        if let (Some(next), Interaction::SearchType { query, .. } | Interaction::HistoryType { query, .. }) =
            (&at.next, &mut interaction)
        {
            *query = Query::parse(next);
        }
        interaction
    }

    /// The first page of the search at a place.
    fn first(&self, at: &Place) -> Interaction {
        let (resource_type, wish) = (self.of.resource_type, &self.job.wish);
        let mut query = Query::default();
        if self.kind == Kind::Deleted {
            wish.since.iter().for_each(|since| query.push("_since", since));
            query.push("_count", at.page.to_string());
            return Interaction::HistoryType { resource_type, query };
        }
        let filter = usize::try_from(at.pass % self.filters()).ok().and_then(|filter| self.of.filters.get(filter));
        let patient = usize::try_from(at.pass / self.filters()).ok().and_then(|patient| self.patients.get(patient));
        for (name, value) in filter.map(|filter| Query::parse(filter)).unwrap_or_default().iter() {
            query.push(name, value);
        }
        let compartment = self.compartment(patient, &mut query);
        if self.of.by_time {
            // What changed in the very millisecond may have been in the export before or not: once more does no harm.
            wish.since.iter().for_each(|since| query.push("_lastUpdated", format!("ge{since}")));
            wish.until.iter().for_each(|until| query.push("_lastUpdated", format!("lt{until}")));
            if self.of.joined {
                // Of several back ends the newest come first: what changes meanwhile would stand on a page that was read.
                query.push("_sort", "_lastUpdated");
            }
        }
        query.push("_count", at.page.to_string());
        Interaction::SearchType { resource_type, compartment, query }
    }

    /// A patient is named by id: a compartment search of patients may follow links to others.
    fn compartment(&self, patient: Option<&Id>, query: &mut Query) -> Option<Compartment> {
        let id = patient.filter(|_| self.job.wish.extent == Extent::Listed)?;
        if self.of.resource_type == ResourceType::PATIENT {
            query.push("_id", id.as_str());
            return None;
        }
        Some(Compartment { resource_type: ResourceType::PATIENT, id: id.clone() })
    }
}
