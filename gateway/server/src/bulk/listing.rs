//! One page of a search or a history, in the name of the client that asked for the export: authorized anew, by the route of its type,
//! with all that stands around a back end, asked again while it does not answer, and written down.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::{Body, Call, Error, ErrorKind, Practice, Reply, Trace, page as link};
use audit::Record;
use bytes::Bytes;
use fhir::{Handling, Interaction, IssueType, Outcome};
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::account as written;
use super::job::Job;
use super::page::{Page, Unreadable};
use crate::authorize::past::{Past, Withdrawn};
use crate::dispatch;
use crate::failure::Failure;
use crate::federate::across::{self, Across};
use crate::pipeline::Pipeline;
use crate::respond::account;
use crate::route::Plan;

/// The first wait before a back end is asked again; doubled from then on.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why a job goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// The gateway ends, or the job was removed: whoever stopped it knows.
    Cancelled,
    /// Its client may not have it any more.
    Withdrawn(Withdrawn),
}

/// What a back end says.
pub(super) enum Answer {
    /// A page.
    Page(Page),
    /// It cannot answer this, however often it is asked.
    Refused(Failure),
    /// The page is larger than what can be held.
    TooLarge(Failure),
    /// It does not answer.
    Silent(Failure),
}

/// Asks for one job.
pub(super) struct Listing<'a> {
    pub(super) pipeline: &'a Arc<Pipeline>,
    pub(super) job: &'a Job,
    pub(super) stop: &'a CancellationToken,
    /// Routes whose back end was waited for in vain: asked once, from then on.
    tired: HashSet<Arc<str>>,
}

/// Why one try came to nothing.
enum Trouble {
    Stop(Stop),
    Refused(Failure),
    TooLarge(Failure),
    Later(Failure, Option<Duration>),
}

impl<'a> Listing<'a> {
    pub(super) fn of(pipeline: &'a Arc<Pipeline>, job: &'a Job, stop: &'a CancellationToken) -> Self {
        Self { pipeline, job, stop, tired: HashSet::new() }
    }

    /// Asks until there is an answer, or patience ends. `first` is the first page of what is asked: by it is authorized.
    pub(super) async fn ask(&mut self, first: &Interaction, asked: &Interaction) -> Result<Answer, Stop> {
        let practice = self.job.asker.practice();
        let plan = match self.pipeline.routes.plan(&practice, asked) {
            Ok(plan) => plan,
            Err(failure) => return Ok(Answer::Refused(failure)),
        };
        let patience = self.pipeline.exports.settings.patience.0;
        let until = Instant::now() + if self.tired.contains(&plan.route) { Duration::ZERO } else { patience };
        let mut wait = FIRST_WAIT;
        loop {
            let tried = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Stop::Cancelled),
                tried = self.once(&practice, &plan, first, asked) => tried,
            };
            let (outcome, after) = match tried {
                Ok(page) if page.is_partial => (Answer::Page(page), None),
                Ok(page) => return Ok(Answer::Page(page)),
                Err(Trouble::Stop(stop)) => return Err(stop),
                Err(Trouble::Refused(failure)) => return Ok(Answer::Refused(failure)),
                Err(Trouble::TooLarge(failure)) => return Ok(Answer::TooLarge(failure)),
                Err(Trouble::Later(failure, after)) => (Answer::Silent(failure), after),
            };
            let pause = after.unwrap_or(wait).clamp(FIRST_WAIT, LONGEST_WAIT);
            if Instant::now() + pause > until {
                self.tired.insert(Arc::clone(&plan.route));
                return Ok(outcome);
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(Stop::Cancelled),
                () = tokio::time::sleep(pause) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn once(
        &self,
        practice: &Practice,
        plan: &Plan,
        first: &Interaction,
        asked: &Interaction,
    ) -> Result<Page, Trouble> {
        self.permit(practice, first)?;
        self.pipeline.audit.admit().map_err(|full| Trouble::Later(unwritten(full), None))?;
        let mut record = self.draft(asked);
        let read = self.read(practice, plan, asked).await;
        let now = self.pipeline.clock.now();
        match &read {
            Ok((reply, _)) => account::succeeded(&mut record, reply, now),
            Err(Trouble::Refused(failure) | Trouble::TooLarge(failure) | Trouble::Later(failure, _)) => {
                account::failed(&mut record, failure, now);
            }
            Err(Trouble::Stop(_)) => {}
        }
        self.pipeline.audit.record(&record).map_err(|full| Trouble::Later(unwritten(full), None))?;
        read.map(|(_, page)| page)
    }

    /// By what the client may do now, not by what it could when it asked.
    fn permit(&self, practice: &Practice, first: &Interaction) -> Result<(), Trouble> {
        let (asker, authority) = (&self.job.asker, &self.pipeline.authority);
        let past = Past {
            practice,
            client: &asker.client,
            issuer: &asker.issuer,
            user: asker.user.as_deref(),
            scopes: &asker.scopes,
            epoch: asker.epoch,
        };
        let permitted =
            authority.renew(past).and_then(|grant| authority.may_take(&grant, first, self.job.wish.version));
        permitted.map_err(|withdrawn| match withdrawn {
            Withdrawn::Unknown(_) => Trouble::Later(silent(&withdrawn.to_string()).because(withdrawn), None),
            withdrawn => Trouble::Stop(Stop::Withdrawn(withdrawn)),
        })
    }

    fn draft(&self, asked: &Interaction) -> Record {
        let (base, query) = (&self.job.wish.base, link::query(asked).map(fhir::Query::encode).unwrap_or_default());
        let request = format!("GET {}{}?{query}", written::path(base), link::place(asked));
        written::of_job(self.job, asked.code(), request)
    }

    async fn read(&self, practice: &Practice, plan: &Plan, asked: &Interaction) -> Result<(Reply, Page), Trouble> {
        let call = self.call(practice, plan, asked);
        let performed = if across::concerns(&call.interaction) {
            let across = Across { routes: &self.pipeline.routes, reply: self.pipeline.reply };
            Box::pin(across.search(plan, call)).await
        } else {
            dispatch::perform(plan, call).await
        };
        let mut reply = performed.map_err(trouble)?;
        let body = std::mem::replace(&mut reply.body, Body::Empty);
        let body = self.pipeline.gather(body).await.map_err(unheld)?;
        let bytes = if let Body::Bytes(bytes) = body { bytes } else { Bytes::new() };
        let place = format!("{}{}", self.job.wish.base, link::place(asked));
        let mut page = Page::read(&bytes, &place).map_err(|unreadable| match unreadable {
            Unreadable::NoBundle => Trouble::Later(silent("expected a Bundle from the back end"), None),
            Unreadable::Elsewhere => Trouble::Refused(silent("expected the next page at this base")),
        })?;
        if !reply.issues.is_empty() {
            // A federation tells with a history, which has no entry for it, who did not answer.
            page.is_partial = true;
            page.outcomes.push(String::from_utf8_lossy(&Outcome(reply.issues.clone()).to_json()).into_owned());
        }
        reply.body = Body::Bytes(bytes);
        Ok((reply, page))
    }

    fn call(&self, practice: &Practice, plan: &Plan, asked: &Interaction) -> Call {
        let version = plan.adapters.first().map(|destination| destination.adapter.capability().version);
        Call {
            practice: practice.clone(),
            interaction: asked.clone(),
            version: version.unwrap_or(self.job.wish.version),
            base: self.job.wish.base.as_str().into(),
            confined_to: None,
            directory: Arc::from([]),
            brings: Some(Arc::from([])),
            additions: plan.additions,
            must_create: false,
            // Asked again as long as there is patience; then what there is, is shown, and told to be a part.
            must_be_complete: false,
            handling: Handling::Strict,
            deadline: Instant::now() + self.pipeline.limits.total,
            idempotency_key: None,
            trace: Trace { request_id: self.job.asker.request_id.as_str().into(), ..Trace::default() },
        }
    }
}

fn trouble(error: Error) -> Trouble {
    use ErrorKind as K;
    let (kind, after) = (error.kind, error.retry_after);
    let failure = Failure::from(error);
    match kind {
        K::TooCostly => Trouble::TooLarge(failure),
        K::Locked
        | K::Throttled
        | K::Unreachable
        | K::Shed
        | K::Unavailable
        | K::Timeout
        | K::Broken
        | K::BadReply
        | K::Credentials
        | K::BackEndFault
        | K::Internal
        | K::Storage => Trouble::Later(failure, after),
        _ => Trouble::Refused(failure),
    }
}

/// The body did not come, or is too large.
fn unheld(failure: Failure) -> Trouble {
    if failure.issues.iter().any(|issue| issue.code == IssueType::TooLong) {
        Trouble::TooLarge(failure)
    } else {
        Trouble::Later(failure, None)
    }
}

fn silent(text: &str) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, text)
}

fn unwritten(full: audit::Full) -> Failure {
    let text = "the audit log cannot be written, so nothing is read";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::NoStore, text).because(full)
}
