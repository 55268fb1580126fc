//! A transaction: one call to one back end, which does all of it or nothing.

use std::sync::Arc;

use adapter::reply::Subject;
use adapter::{Body, Call, Reply, Status};
use bytes::Bytes;
use fhir::bundle::{Answer, Answers, Method, Part, compose};
use fhir::{Interaction, Issue, IssueType, Outcome, Resource};
use http::StatusCode;

use super::answer::{failed, is_write};
use super::prepare::{Prepared, confinement};
use super::{Entries, Pipeline};
use crate::authorize::{Permitted, confine};
use crate::dispatch;
use crate::failure::Failure;
use crate::passage::{Passage, Stage};
use crate::receive::Returns;
use crate::respond::account;

impl Pipeline {
    /// The Bundle that answers.
    pub(super) async fn transact(
        self: &Arc<Self>,
        batch: &Permitted,
        bundle: &Resource,
        entries: Entries,
        passage: &mut Passage,
    ) -> Result<Bytes, Failure> {
        let markup = batch.request().markup.as_deref();
        let prepared = self.prepare(batch, entries).await.map_err(|failure| failure.in_markup(markup))?;
        passage.mark(Stage::Validate);
        let mut answers = Answers::new(true);
        let Some(first) = prepared.first() else { return Ok(answers.into_bytes()) };
        let call = whole(batch, bundle, &prepared, &first.call)?;
        let mut records: Vec<account::Entry<'_>> = prepared.iter().map(|of| self.opened(of)).collect();
        let performed = self.performed(first, call, prepared.len()).await;
        let replies = match performed {
            Ok(replies) => replies,
            Err(failure) => {
                records.iter_mut().for_each(|of| account::failed(&mut of.record, &failure, self.clock.now()));
                self.closed(records)?;
                return Err(failure.in_markup(markup));
            }
        };
        for ((of, answer), entry) in prepared.iter().zip(replies).zip(&mut records) {
            answers.push(&self.told(of, answer, &mut entry.record).await);
        }
        self.closed(records)?;
        Ok(answers.into_bytes())
    }

    /// The record of an entry: it says what came of it also when nothing more is heard.
    fn opened(&self, prepared: &Prepared) -> account::Entry<'_> {
        let permitted = prepared.validated.permitted();
        let mut record = account::draft(permitted.request());
        account::identify(&mut record, permitted);
        account::payload(&mut record, &permitted.request().interaction);
        account::Entry::open(record, &self.audit, &*self.clock)
    }

    fn closed(&self, records: Vec<account::Entry<'_>>) -> Result<(), Failure> {
        for record in records {
            record.close().map_err(|full| {
                super::super::unaudited(full, "what was done cannot be written down, so the answer is withheld")
            })?;
        }
        Ok(())
    }

    /// Sends the call; an answer for each entry.
    async fn performed(&self, first: &Prepared, call: Call, entries: usize) -> Result<Vec<Answer>, Failure> {
        let reply = dispatch::perform(&first.plan, call)
            .await
            .map_err(|error| confine::error(first.validated.permitted(), error))?;
        let answers = match self.gather(reply.body).await? {
            Body::Bytes(bytes) => Answer::read_all(&bytes),
            _ => None,
        };
        answers.filter(|answers| answers.len() == entries).ok_or_else(|| {
            let text = "the back end did not say what it did with each entry: the transaction may have been performed";
            Failure::new(StatusCode::BAD_GATEWAY, IssueType::Incomplete, text)
        })
    }

    /// What the client is told of an entry that was performed: what its token reaches, and what it prefers.
    async fn told(&self, prepared: &Prepared, mut answer: Answer, record: &mut audit::Record) -> Answer {
        let permitted = prepared.validated.permitted();
        let request = permitted.request();
        let mut reply = Reply::new(status(answer.status));
        reply.subject =
            answer.subject().map(|(resource_type, id, version_id)| Subject { resource_type, id, version_id });
        reply.body = answer.resource.take().map_or(Body::Empty, Body::Bytes);
        let reply = match confine::reply(permitted, reply, self.reply).await {
            Ok(reply) => reply,
            Err(failure) => {
                account::failed(record, &failure, self.clock.now());
                return failed(failure);
            }
        };
        account::succeeded(record, &reply, self.clock.now());
        if let Body::Bytes(bytes) = reply.body {
            answer.resource = Some(bytes);
        }
        match request.preferences.returns {
            Some(Returns::Minimal) if is_write(&request.interaction) => answer.resource = None,
            Some(Returns::OperationOutcome) if is_write(&request.interaction) => {
                answer.resource = None;
                let warnings = prepared.validated.warnings().to_vec();
                answer.outcome = Some(Outcome(warnings.into_iter().map(unplaced).collect()).to_json().into());
            }
            _ if prepared.entry.method == Method::Head => answer.resource = None,
            _ if is_current(&prepared.entry, &answer) => {
                answer.status = StatusCode::NOT_MODIFIED.as_u16();
                answer.resource = None;
            }
            _ => {}
        }
        answer
    }
}

/// The one call. The Bundle goes as it came unless entries were tied to versions.
fn whole(batch: &Permitted, bundle: &Resource, prepared: &[Prepared], first: &Call) -> Result<Call, Failure> {
    let entries = prepared.iter().map(|of| (of.entry.index, of.validated.permitted()));
    let confined_to = confinement(entries)?;
    let is_changed = |of: &Prepared| of.call.must_create || !is_same(&of.call.interaction, &of.entry.interaction);
    let bytes = if prepared.iter().any(is_changed) {
        compose(&prepared.iter().map(part).collect::<Vec<_>>()).into()
    } else {
        bundle.bytes.clone()
    };
    let bundle = Resource::new(bundle.resource_type, first.version, bytes);
    Ok(Call {
        interaction: Interaction::Batch { bundle, transaction: true },
        confined_to,
        must_create: false,
        idempotency_key: batch.request().idempotency_key.clone(),
        ..first.clone()
    })
}

fn part(prepared: &Prepared) -> Part<'_> {
    let Prepared { entry, call, .. } = prepared;
    Part { entry, interaction: &call.interaction, must_create: call.must_create }
}

/// Whether an interaction is the one that came; that its resource is of another release by now is no difference.
fn is_same(now: &Interaction, came: &Interaction) -> bool {
    let mut now = now.clone();
    if let (Some(own), Some(other)) = (now.resource_mut(), came.resource()) {
        own.version = other.version;
    }
    now == *came
}

/// http.html#cread, of an entry.
fn is_current(entry: &fhir::bundle::Entry, answer: &Answer) -> bool {
    entry.if_none_match.is_some() && entry.if_none_match == answer.version_id
}

/// A line of the entry is none of the Bundle.
fn unplaced(issue: Issue) -> Issue {
    Issue { position: None, ..issue }
}

const fn status(code: u16) -> Status {
    match code {
        201 => Status::Created,
        202 => Status::Accepted,
        204 => Status::NoContent,
        _ => Status::Ok,
    }
}
