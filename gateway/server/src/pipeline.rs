//! The life of a request, one readable function: [`Pipeline::try_answer`] and what it calls, from top to bottom.
//!
//! [`Pipeline::answer`] around it never fails and is the only place where a failure becomes an OperationOutcome.

mod batch;
pub mod discovery;
mod hold;
mod open;
mod patch;
mod perform;

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use adapter::seal::Seal;
use adapter::{Clock, Reply};
use fhir::{Interaction, Issue, IssueType, Shape};
use futures_util::FutureExt;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use hyper::body::Incoming;
use terminology::gather;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::authorize::limits::RateLimitFields;
use crate::authorize::{self, Authority, Permitted};
use crate::bulk::Exports;
use crate::dispatch::Vitals;
use crate::failure::Failure;
use crate::listener::{Answer, Body, Peer};
use crate::operations::{self, Running};
use crate::packages::Packages;
use crate::passage::{Passage, Stage};
use crate::receive::path::Path;
use crate::receive::payload::Lease;
use crate::receive::site::{Door, Site, Sites};
use crate::receive::{self, Envelope, Lingering, Received, Request, negotiate};
use crate::respond::{self, Manner, account, cors};
use crate::route::{self, Destination, Plan, Routes};
use crate::telemetry::{Meters, Tracing};
use crate::validate::{self, Sound, Validated};

/// Everything that answers requests.
pub struct Pipeline {
    /// What stands under which path.
    pub sites: Sites,
    /// What a request may cost.
    pub limits: receive::Limits,
    /// Who is believed.
    pub authority: Authority,
    /// What goes where.
    pub routes: Routes,
    /// The profiles and codes that are known.
    pub packages: Packages,
    /// Where everything is written down.
    pub audit: audit::Log,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Counters and histograms of requests.
    pub meters: Meters,
    /// How every adapter is.
    pub vitals: Vec<Vitals>,
    /// Which requests are traced.
    pub tracing: Tracing,
    /// Seals the links that this gateway makes itself.
    pub seal: Arc<Seal>,
    /// Bytes of a streamed reply that are held when it must be looked into.
    pub reply: usize,
    /// Origins that may call every base.
    pub origins: Vec<String>,
    /// Writes under way: they end whether or not their client still waits.
    pub owed: TaskTracker,
    /// When this gateway started.
    pub started: SystemTime,
    /// Bulk Data exports.
    pub exports: Arc<Exports>,
    /// What `/metadata` says, for a moment.
    pub statements: discovery::Statements,
}

impl Answer for Pipeline {
    async fn answer(self: Arc<Self>, request: http::Request<Incoming>, peer: Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = Lingering::new(body, &head.headers);
        let mut envelope = Envelope::open(&head.headers, &peer, &self.limits.proxies, Instant::now());
        let mut passage = Passage::new(envelope.arrived);
        let span = self.tracing.begin(&mut envelope);
        let answered = {
            let mut walk = pin!(self.enter(&head, body, &envelope, &peer, &mut passage));
            match &span {
                Some(span) => AssertUnwindSafe(walk.as_mut().instrument(span.clone())).catch_unwind().await,
                None => AssertUnwindSafe(walk.as_mut()).catch_unwind().await,
            }
        };
        let answered = answered.unwrap_or_else(|_| Err(Failure::panicked()));
        let mut response = answered.unwrap_or_else(|failure| {
            self.tracing.log(&failure, &passage, &envelope);
            respond::failure(passage.format, failure)
        });
        passage.readers.tell(response.headers_mut());
        response.headers_mut().extend(passage.rate.iter().flat_map(RateLimitFields::headers));
        respond::finish(&mut response, &envelope, peer.encrypted);
        passage.mark(Stage::Respond);
        self.meters.note(&passage, response.status());
        if let Some(span) = span {
            self.tracing.end(&span, &passage, response.status());
        }
        response
    }
}

impl Pipeline {
    /// The adapters of every practice, each once.
    #[must_use]
    pub fn destinations(&self) -> Vec<Destination> {
        let mut all: Vec<Destination> = Vec::new();
        for destination in self.sites.all().iter().flat_map(|site| self.routes.destinations(&site.practice)) {
            if all.iter().all(|known| known.name != destination.name) {
                all.push(destination);
            }
        }
        all
    }

    /// Through the door that the path names.
    async fn enter(
        self: &Arc<Self>,
        head: &Parts,
        body: Lingering,
        envelope: &Envelope,
        peer: &Peer,
        passage: &mut Passage,
    ) -> Result<Response<Body>, Failure> {
        open::check_host(head)?;
        let path = Path::parse(head.uri.path())?;
        match self.sites.door(path.segments()) {
            Door::Fhir(site, rest) => {
                passage.format = negotiate::glimpse(&head.headers, head.uri.query(), site.version);
                if let Some(behind) = behind_export(rest) {
                    passage.readers = self.readers(head, &site.practice, false);
                    return Box::pin(self.at_exports(head, site, behind, envelope, peer, passage)).await;
                }
                let shape = Shape::read(rest, site.version)?;
                passage.readers = self.readers(head, &site.practice, shape.is_public());
                match shape {
                    _ if head.method == Method::OPTIONS => Ok(cors::preflight(&head.headers, shape.allow())),
                    Shape::Discovery => self.discover(head, &shape, site),
                    Shape::Metadata => self.state(head, &shape, site, passage),
                    shape => self.try_answer(head, body, shape, site, envelope, peer, passage).await,
                }
            }
            Door::Token(practice) => {
                passage.route = Some(Arc::from("token"));
                passage.readers = self.readers(head, practice, false);
                Ok(Box::pin(self.token(head, body, practice, envelope)).await)
            }
            Door::Keys(practice) => {
                passage.readers = self.readers(head, practice, true);
                self.keys(head)
            }
            Door::Nowhere => {
                Err(Failure::new(StatusCode::NOT_FOUND, IssueType::NotFound, "expected a path of this gateway"))
            }
        }
    }

    /// receive -> authorize -> route -> validate -> translate -> dispatch -> respond.
    #[allow(clippy::too_many_arguments, reason = "what was read of a request so far")]
    async fn try_answer(
        self: &Arc<Self>,
        head: &Parts,
        body: Lingering,
        shape: Shape,
        site: &Site,
        envelope: &Envelope,
        peer: &Peer,
        passage: &mut Passage,
    ) -> Result<Response<Body>, Failure> {
        let credentials = receive::credentials(head, site, envelope, peer)?;
        passage.mark(Stage::Receive);
        let identified = authorize::identify(&credentials, &self.authority).await?;
        passage.rate = Some(identified.rate().clone());
        passage.grant = Some(Arc::clone(identified.grant()));
        passage.mark(Stage::Authorize);
        let Received { request, lease } = receive::read(head, body, shape, site, envelope, &self.limits).await?;
        passage.format = request.preferences.format;
        passage.interaction = Some(request.interaction.code());
        passage.mark(Stage::Receive);
        let mut record = account::draft(&request);
        let permitted = authorize::permit(request, identified, &self.authority);
        passage.mark(Stage::Authorize);
        let permitted = match permitted {
            Ok(permitted) => permitted,
            Err(failure) => return Err(self.refuse(record, failure)),
        };
        account::identify(&mut record, &permitted);
        let safe = operations::is_safe(&permitted.request().interaction);
        let work = Box::pin(Arc::clone(self).account_for(permitted, record, passage.clone(), lease));
        let (answered, after) = if safe { work.await } else { self.owe(work).await? };
        *passage = after;
        answered
    }

    /// Writes down that somebody known was refused. A stranger is counted only: whoever has no token must not fill the log.
    fn refuse(&self, mut record: audit::Record, failure: Failure) -> Failure {
        let Some(caller) = &failure.caller else { return failure };
        account::name(&mut record, caller);
        account::failed(&mut record, &failure, self.clock.now());
        match self.audit.record(&record) {
            Ok(()) => failure,
            Err(full) => unaudited(full, "the audit log cannot be written"),
        }
    }

    /// Runs in a task of its own: hyper drops what it awaits when a client disconnects, and a write must not stop half-way.
    async fn owe<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Failure> {
        self.owed.spawn(work.in_current_span()).await.map_err(|_| Failure::panicked())
    }

    /// From here on whatever happens is written down, before the client hears of it. A read whose client goes away ends
    /// where it is, and that is written down too.
    async fn account_for(
        self: Arc<Self>,
        permitted: Permitted,
        record: audit::Record,
        mut passage: Passage,
        lease: Lease,
    ) -> (Result<Response<Body>, Failure>, Passage) {
        let manner = Manner::of(permitted.request());
        let mut entry = account::Entry::open(record, &self.audit, &*self.clock);
        let mut ended = match self.audit.admit() {
            Ok(()) => self.carry_out(permitted, &manner, &mut passage, &mut entry.record).await,
            Err(full) => Err(unaudited(full, "the audit log cannot be written, so nothing is done")),
        };
        drop(lease);
        if let Err(failure) = &ended {
            account::failed(&mut entry.record, failure, self.clock.now());
        }
        if let Err(full) = entry.close() {
            let text = "what was done cannot be written down, so the answer is withheld";
            ended = Err(unaudited(full, text));
        }
        (ended, passage)
    }

    async fn carry_out(
        self: &Arc<Self>,
        permitted: Permitted,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<Response<Body>, Failure> {
        if let Some(operation) = operations::of(&permitted.request().interaction) {
            let running = Running { pipeline: self, permitted: &permitted, passage, record };
            return Box::pin(operations::answer(operation, running, manner)).await;
        }
        if matches!(permitted.request().interaction, Interaction::Batch { .. }) {
            return Box::pin(self.batch(&permitted, manner, passage, record)).await;
        }
        let plan = route::plan(&permitted, &self.routes);
        passage.mark(Stage::Route);
        let plan = plan?;
        passage.route = Some(Arc::clone(&plan.route));
        let deadline = self.deadline(permitted.request());
        let (reply, warnings) = if patch::is_patch(&permitted) {
            let (mut reply, warnings) = Box::pin(self.patch(&permitted, &plan, manner, passage, record)).await?;
            // Who may write and not read has sent a part: the whole is not shown.
            if !permitted.request().interaction.resource_type().is_some_and(|of| permitted.may_read(of)) {
                reply.body = adapter::Body::Empty;
            }
            (reply, warnings)
        } else {
            Box::pin(self.carry(permitted, &plan, manner, passage, record)).await?
        };
        account::succeeded(record, &reply, self.clock.now());
        let reply = self.written(manner, reply, deadline).await?;
        Ok(respond::reply(manner, reply, &warnings))
    }

    /// validate -> translate -> dispatch; with what validation let pass.
    pub(crate) async fn carry(
        self: &Arc<Self>,
        permitted: Permitted,
        plan: &Arc<Plan>,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<(Reply, Vec<Issue>), Failure> {
        let validated = self.validate(permitted, plan).await;
        passage.mark(Stage::Validate);
        let validated = validated?;
        account::payload(record, validated.interaction());
        let reply = self.perform(&validated, plan, manner).await;
        passage.mark(Stage::Dispatch);
        Ok((reply?, validated.warnings().to_vec()))
    }

    pub(crate) fn deadline(&self, request: &Request) -> Instant {
        request.arrived + self.limits.total
    }

    async fn validate(self: &Arc<Self>, permitted: Permitted, plan: &Arc<Plan>) -> Result<Validated, Failure> {
        let request = permitted.request();
        let bytes = request.interaction.resource().map_or(0, |resource| resource.bytes.len());
        let deadline = self.deadline(request);
        let permitted = Arc::new(permitted);
        let run = || {
            let (pipeline, plan, permitted) = (Arc::clone(self), Arc::clone(plan), Arc::clone(&permitted));
            let work = move || gather(|| validate::request(&permitted, &plan, &pipeline.packages));
            self.limits.aside.work(bytes, deadline, work)
        };
        let sound = self.packages.settled(run).await?;
        self.note_breaches(&permitted, &sound);
        let sound = sound?;
        let permitted = Arc::into_inner(permitted).ok_or_else(Failure::panicked)?;
        Ok(validate::conclude(permitted, sound))
    }

    /// Counts the rules that a payload broke, for operators.
    fn note_breaches(&self, permitted: &Permitted, sound: &Result<Sound, Failure>) {
        let (issues, passed) = match sound {
            Ok(sound) => (sound.warnings(), true),
            Err(failure) => (&*failure.issues, false),
        };
        let request = permitted.request();
        if let Some(of) = request.interaction.resource_type().filter(|_| !issues.is_empty()) {
            let client = &permitted.caller().client;
            self.meters.breaches.note(&request.practice, client, of, issues, passed, self.clock.now());
        }
    }
}

fn unaudited(full: audit::Full, text: &str) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::NoStore, text)
        .with_header(header::RETRY_AFTER, "5")
        .because(full)
}

/// What stands behind `$export/`: an export and its files are no interactions of FHIR's API.
fn behind_export<'p, 's>(rest: &'p [Cow<'s, str>]) -> Option<&'p [Cow<'s, str>]> {
    let (first, behind) = rest.split_first()?;
    (first == "$export" && !behind.is_empty()).then_some(behind)
}

#[cfg(test)]
mod tests;
