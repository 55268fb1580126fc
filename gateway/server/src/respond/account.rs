//! What is written down of a request: one record, drafted when it is received and closed before the
//! answer goes out.

use std::sync::Arc;
use std::time::SystemTime;

use adapter::{Body, Clock, Reply};
use audit::{Agent, Outcome, Record, Subject};
use fhir::json::{Document, Kind, Limits, scan};
use fhir::{Id, Interaction, InteractionCode, Query, ResourceType};

use crate::authorize::{Caller, Permitted};
use crate::failure::Failure;
use crate::receive::{Request, Target};

/// Patients that one record names at most; a page of a search has fewer.
const MOST_PATIENTS: usize = 2_000;

/// A record that is being kept. Dropped before it is closed (its client went away, or something panicked), it is written
/// down as it is then: "unknown".
pub struct Entry<'a> {
    /// What is known so far.
    pub record: Record,
    log: &'a audit::Log,
    clock: &'a dyn Clock,
    is_closed: bool,
}

impl<'a> Entry<'a> {
    /// Begins.
    #[must_use]
    pub fn open(record: Record, log: &'a audit::Log, clock: &'a dyn Clock) -> Self {
        Self { record, log, clock, is_closed: false }
    }

    /// Hands it to the log.
    ///
    /// # Errors
    /// When the log cannot take it.
    pub fn close(mut self) -> Result<(), audit::Full> {
        self.is_closed = true;
        self.log.record(&self.record)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.is_closed {
            self.record.recorded = self.clock.now();
            // Nobody is left to be told that the log is full; it says so itself.
            let _ = self.log.record(&self.record);
        }
    }
}

/// Drafts the record of a request, before it is known who asks.
#[must_use]
pub fn draft(request: &Request) -> Record {
    let interaction = &request.interaction;
    let subject = interaction.resource_type().zip(interaction.id());
    let own = subject.filter(|(resource_type, _)| *resource_type == ResourceType::PATIENT);
    Record {
        practice: request.practice.clone(),
        recorded: SystemTime::UNIX_EPOCH,
        interaction: interaction.code(),
        outcome: Outcome::Serious,
        reason: Arc::from("unknown"),
        agent: Agent { client: None, user: None, address: request.address, token: None, scopes: Arc::from("") },
        base: Arc::clone(&request.base),
        patients: own.map(|(_, id)| id.clone()).into_iter().collect(),
        subject: subject.map(|(resource_type, id)| Subject { resource_type, id: id.clone(), version_id: None }),
        query: query(request),
        request_id: Arc::clone(&request.trace.request_id),
    }
}

/// Adds who asks, and the patient that their token is confined to.
pub fn identify(record: &mut Record, permitted: &Permitted) {
    name(record, permitted.caller());
    if let Some(owner) = permitted.confined_to() {
        add(&mut record.patients, owner.id.clone());
    }
}

/// Adds who asks.
pub fn name(record: &mut Record, caller: &Caller) {
    record.agent = Agent {
        client: Some(Arc::clone(&caller.client)),
        user: caller.user.clone(),
        address: record.agent.address,
        token: caller.token.clone(),
        scopes: Arc::clone(&caller.scopes),
    };
}

/// Adds the patients that a payload is about.
pub fn payload(record: &mut Record, interaction: &Interaction) {
    if let Some(document) = interaction.resource().and_then(fhir::Resource::document) {
        let base = Arc::clone(&record.base);
        patients_of(document, &base, &mut record.patients);
    }
}

/// Closes the record of a request that was answered.
pub fn succeeded(record: &mut Record, reply: &Reply, now: SystemTime) {
    record.recorded = now;
    record.outcome = Outcome::Success;
    record.reason = Arc::from("");
    if let Some(subject) = &reply.subject {
        if subject.resource_type == ResourceType::PATIENT {
            add(&mut record.patients, subject.id.clone());
        }
        record.subject = Some(Subject {
            resource_type: subject.resource_type,
            id: subject.id.clone(),
            version_id: subject.version_id.clone(),
        });
    }
    if let (Body::Bytes(bytes), true) = (&reply.body, is_told_by_body(record)) {
        let mut nodes = Vec::new();
        if scan(bytes, &mut nodes, Limits::default()).is_ok() {
            let base = Arc::clone(&record.base);
            patients_of(Document::new(bytes, &nodes), &base, &mut record.patients);
        }
    }
}

/// What was read, and whatever an operation found, is named by the body alone; a write was looked into before it was sent, and a Patient names itself.
fn is_told_by_body(record: &Record) -> bool {
    let is_write =
        matches!(record.interaction, InteractionCode::Create | InteractionCode::Update | InteractionCode::Delete);
    let is_patient = record.subject.as_ref().is_some_and(|subject| subject.resource_type == ResourceType::PATIENT);
    let brings_more = matches!(record.interaction, InteractionCode::HistoryInstance | InteractionCode::Operation);
    !is_write && (!is_patient || brings_more)
}

/// Closes the record of a request that failed.
pub fn failed(record: &mut Record, failure: &Failure, now: SystemTime) {
    record.recorded = now;
    record.outcome = Outcome::of_status(failure.status.as_u16());
    let code = failure.issues.first().map_or("exception", |issue| issue.code.code());
    record.reason = format!("{} {code}", failure.status.as_u16()).into();
}

/// The raw request, where the interaction and its subject do not say it all. A form stands as the query that it is, the
/// condition of a create as its field.
fn query(request: &Request) -> Option<Arc<str>> {
    let by_form = |query: &Query| {
        let path = request.target.path_and_query.split('?').next().unwrap_or_default();
        Some(format!("{} {path}?{}", request.target.method, query.encode()).into())
    };
    match &request.interaction {
        Interaction::SearchType { query, .. } | Interaction::SearchSystem { query, .. }
            if request.target.method == http::Method::POST =>
        {
            by_form(query)
        }
        Interaction::Create { if_none_exist: Some(condition), .. } => {
            let Target { method, path_and_query } = &request.target;
            Some(format!("{method} {path_and_query}\r\nIf-None-Exist: {}", condition.encode()).into())
        }
        other if is_told_by_subject(other) => None,
        _ => Some(format!("{} {}", request.target.method, request.target.path_and_query).into()),
    }
}

fn is_told_by_subject(interaction: &Interaction) -> bool {
    interaction.id().is_some()
        && matches!(
            interaction.code(),
            InteractionCode::Read
                | InteractionCode::Vread
                | InteractionCode::Update
                | InteractionCode::Patch
                | InteractionCode::Delete
                | InteractionCode::HistoryInstance
        )
}

/// Every patient that a document is about: Patient resources in it, and literal references to patients at any depth. More
/// than the compartments hold rather than less.
fn patients_of(document: Document<'_>, base: &str, patients: &mut Vec<Id>) {
    let mut index = 0;
    while let Some(value) = document.at(index) {
        index += 1;
        match (value.kind(), value.name()) {
            (Kind::String, "reference") => {
                let text = value.text();
                if let Some(id) = text.as_deref().and_then(|text| patient_in(text, base)) {
                    add(patients, id);
                }
            }
            (Kind::Object, "" | "resource") => {
                let is_patient = value
                    .member("resourceType")
                    .and_then(fhir::json::Value::text)
                    .is_some_and(|name| name == "Patient");
                let id = is_patient.then(|| value.member("id")).flatten().and_then(fhir::json::Value::text);
                if let Some(id) = id.and_then(|id| id.parse().ok()) {
                    add(patients, id);
                }
            }
            _ => {}
        }
    }
}

/// `Patient/1`, `[base]/Patient/1`, with or without a version.
fn patient_in(reference: &str, base: &str) -> Option<Id> {
    let relative = reference.strip_prefix(base).map_or(reference, |rest| rest.trim_start_matches('/'));
    relative.strip_prefix("Patient/")?.split('/').next()?.parse().ok()
}

fn add(patients: &mut Vec<Id>, id: Id) {
    if patients.len() < MOST_PATIENTS && !patients.contains(&id) {
        patients.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_a_bounded_number_of_patients() {
        let entry = |id: usize| format!(r#"{{"resource":{{"resourceType":"Patient","id":"p{id}"}}}}"#);
        let entries: Vec<String> = (0..MOST_PATIENTS + 5).map(entry).collect();
        let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entries.join(","));
        let mut nodes = Vec::new();
        scan(bundle.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let mut patients = Vec::new();
        patients_of(Document::new(bundle.as_bytes(), &nodes), "http://gw/fhir/r4", &mut patients);
        assert_eq!(patients.len(), MOST_PATIENTS);
    }

    #[test]
    fn patients_are_found_wherever_they_stand_and_named_once() {
        let bundle = br#"{"resourceType":"Bundle","entry":[
            {"resource":{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"Patient/b"}}]}},
            {"resource":{"resourceType":"Appointment","participant":[
                {"actor":{"reference":"http://gw/fhir/r4/Patient/c/_history/2"}},
                {"actor":{"reference":"Practitioner/x"}}, {"actor":{"reference":"http://else/Patient/d"}},
                {"actor":{"reference":"Patient/a"}}]}}]}"#;
        let mut nodes = Vec::new();
        scan(bundle, &mut nodes, Limits::default()).unwrap();
        let mut patients = Vec::new();
        patients_of(Document::new(bundle, &nodes), "http://gw/fhir/r4", &mut patients);
        let names: Vec<&str> = patients.iter().map(Id::as_str).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
