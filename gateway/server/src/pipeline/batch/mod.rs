//! Batches and transactions (http.html#transaction).
//!
//! The entries of a batch go their own ways, each like a request of its own ([`each`]). Those of a transaction are prepared one by
//! one and then sent to one back end as one ([`transact`]): nothing is sent unless all of them may be.

mod answer;
mod each;
mod prepare;
mod transact;

use std::sync::Arc;
use std::time::SystemTime;

use adapter::{Reply, Status};
use fhir::bundle::{self, Context, Entry, Fault};
use fhir::{Interaction, Resource};
use http::{Method, Response, StatusCode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Pipeline;
use crate::authorize::Permitted;
use crate::failure::Failure;
use crate::listener::Body;
use crate::passage::{Passage, Stage};
use crate::receive::{Format, Preferences, Request, Target};
use crate::respond::{self, Manner, account};

/// Most entries: each may cost as much as a request.
const MOST_ENTRIES: usize = 10_000;

type Entries = Vec<Result<Entry, Fault>>;

impl Pipeline {
    /// Answers a batch or a transaction; none when the request is neither.
    pub(super) async fn batch(
        self: &Arc<Self>,
        permitted: &Permitted,
        manner: &Manner,
        passage: &mut Passage,
        record: &mut audit::Record,
    ) -> Result<Response<Body>, Failure> {
        let request = permitted.request();
        let Interaction::Batch { bundle, transaction } = &request.interaction else { return Err(Failure::panicked()) };
        passage.route = Some(Arc::from(if *transaction { "transaction" } else { "batch" }));
        let entries = self.entries(request, bundle).await?;
        passage.mark(Stage::Receive);
        let body = if *transaction {
            self.transact(permitted, bundle, entries, passage).await?
        } else {
            let (practice, client) = (&request.practice, &permitted.caller().client);
            let counted = self.authority.limits().entries(practice, client, entries.len())?;
            passage.rate = counted.or(passage.rate.take());
            self.each(permitted, entries, passage).await?
        };
        passage.mark(Stage::Dispatch);
        let reply = Reply::new(Status::Ok).with_body(body);
        account::succeeded(record, &reply, self.clock.now());
        let reply = self.written(manner, reply, self.deadline(request)).await?;
        Ok(respond::reply(manner, reply, &[]))
    }

    /// The entries; what is wrong with one of them concerns it alone.
    async fn entries(&self, request: &Request, bundle: &Resource) -> Result<Entries, Failure> {
        let markup = request.markup.as_deref();
        if markup.is_some_and(|markup| !markup.is_sound()) {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, Vec::new()).in_markup(markup));
        }
        let (bytes, version, base) = (bundle.bytes.clone(), bundle.version, Arc::clone(&request.base));
        let read = move || bundle::read(&bytes, &Context { version, base: &base, most: MOST_ENTRIES });
        let read = self.limits.aside.work(bundle.bytes.len(), self.deadline(request), read).await?;
        read.map_err(|issues| Failure::from_issues(StatusCode::BAD_REQUEST, issues).in_markup(markup))
    }
}

/// The request that an entry is.
fn request(batch: &Request, entry: &Entry) -> Box<Request> {
    let preferences = &batch.preferences;
    let place = batch.target.path_and_query.split('?').next().unwrap_or_default().trim_end_matches('/');
    Box::new(Request {
        practice: batch.practice.clone(),
        base: Arc::clone(&batch.base),
        version: batch.version,
        interaction: entry.interaction.clone(),
        markup: None,
        address: batch.address,
        preferences: Preferences {
            returns: preferences.returns,
            handling: preferences.handling,
            respond_async: false,
            pretty: false,
            // The Bundle around it may be written in XML, as a whole.
            format: Format { version: preferences.format.version, ..Format::default() },
            if_none_match: entry.if_none_match.clone(),
            if_none_match_any: entry.must_create,
            if_modified_since: entry.if_modified_since.as_deref().and_then(time_of),
        },
        // One key is for one write.
        idempotency_key: batch.idempotency_key.as_ref().map(|key| format!("{key}/{}", entry.index).into()),
        target: Target {
            method: method(entry.method),
            path_and_query: format!("{place}/{}", entry.url.trim_start_matches('/')).into(),
        },
        trace: batch.trace.clone(),
        arrived: batch.arrived,
    })
}

const fn method(method: bundle::Method) -> Method {
    match method {
        bundle::Method::Get => Method::GET,
        bundle::Method::Head => Method::HEAD,
        bundle::Method::Post => Method::POST,
        bundle::Method::Put => Method::PUT,
        bundle::Method::Patch => Method::PATCH,
        bundle::Method::Delete => Method::DELETE,
    }
}

/// What is passed over when it is no instant: the answer is then whole (RFC 9110 13.1.3).
fn time_of(instant: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(instant, &Rfc3339).ok().map(SystemTime::from)
}

/// The failure of an entry that cannot be read.
fn unread(fault: Fault) -> Failure {
    use fhir::IssueType as Code;
    let status = match fault.issues.first().map(|issue| issue.code) {
        Some(Code::NotFound) => StatusCode::NOT_FOUND,
        Some(Code::NotSupported) => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::BAD_REQUEST,
    };
    Failure::from_issues(status, fault.issues)
}
