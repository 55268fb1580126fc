//! What is written down of an export: each page that it reads like the search that it is, how it ended, and who fetched which file.

use std::sync::Arc;
use std::time::SystemTime;

use audit::{Agent, Outcome, Record};
use fhir::InteractionCode;
use http::request::Parts;

use super::job::{Asker, Job};
use crate::authorize::Caller;
use crate::receive::Envelope;
use crate::receive::site::Site;
use crate::respond::account;

/// The record of something that a job does in its client's name.
pub(super) fn of_job(job: &Job, interaction: InteractionCode, request: String) -> Record {
    let Asker { client, user, token, scopes, address, request_id, .. } = &*job.asker;
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    Record {
        practice: job.asker.practice(),
        recorded: SystemTime::UNIX_EPOCH,
        interaction,
        outcome: Outcome::Serious,
        reason: Arc::from("unknown"),
        agent: Agent {
            client: Some(client.as_str().into()),
            user: text(user),
            address: *address,
            token: text(token),
            scopes: scopes.as_str().into(),
        },
        base: job.wish.base.as_str().into(),
        subject: None,
        patients: Vec::new(),
        query: Some(request.into()),
        request_id: request_id.as_str().into(),
    }
}

/// The record of a look at a job, a download or a removal.
pub(super) fn of_visit(head: &Parts, site: &Site, envelope: &Envelope, caller: &Caller) -> Record {
    let mut record = Record {
        practice: site.practice.clone(),
        recorded: SystemTime::UNIX_EPOCH,
        interaction: InteractionCode::Operation,
        outcome: Outcome::Serious,
        reason: Arc::from("unknown"),
        agent: Agent { client: None, user: None, address: envelope.address, token: None, scopes: Arc::from("") },
        base: Arc::clone(&site.base),
        subject: None,
        patients: Vec::new(),
        query: Some(format!("{} {}", head.method, head.uri.path()).into()),
        request_id: Arc::clone(&envelope.trace.request_id),
    };
    account::name(&mut record, caller);
    record
}

/// The path of a base, as requests have it.
pub(super) fn path(base: &str) -> &str {
    let behind = base.split_once("://").map_or(base, |(_, rest)| rest);
    behind.find('/').and_then(|at| behind.get(at..)).unwrap_or_default()
}

/// Ends a record of ours.
pub(super) fn ended(record: &mut Record, outcome: Outcome, reason: &str, now: SystemTime) {
    record.recorded = now;
    record.outcome = outcome;
    record.reason = reason.into();
}
