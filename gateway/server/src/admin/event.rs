//! An AuditEvent in plain words: "portal read Appointment/12".

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::frame::{Tone, badge};
use super::words;

/// A request that is longer is shown in part.
const LONGEST_REQUEST: usize = 300;

/// What an operator reads of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    at: SystemTime,
    client: String,
    person: Option<String>,
    deed: &'static str,
    what: String,
    request: Option<String>,
    outcome: String,
    reason: String,
    address: String,
}

impl Event {
    /// Reads what the audit log gives; none for another resource.
    pub(super) fn read(event: &Value) -> Option<Self> {
        if event["resourceType"] != "AuditEvent" {
            return None;
        }
        let at = OffsetDateTime::parse(event["recorded"].as_str()?, &Rfc3339).ok()?;
        let agents = event["agent"].as_array()?;
        let program = agents.first()?;
        let client = program["who"]["display"].as_str().unwrap_or("unknown").to_owned();
        let reference = data(event).and_then(|entity| entity["what"]["reference"].as_str());
        let request = request(event);
        Some(Self {
            at: at.into(),
            // Client and server come first; behind them the person, where there is one.
            person: agents.iter().skip(2).find_map(|agent| person(&agent["who"])).filter(|person| *person != client),
            client,
            deed: words::deed(event["subtype"][0]["code"].as_str().unwrap_or_default()),
            what: what(reference, request.as_deref()),
            request,
            outcome: event["outcome"].as_str().unwrap_or_default().to_owned(),
            reason: event["outcomeDesc"].as_str().unwrap_or_default().to_owned(),
            address: program["network"]["address"].as_str().unwrap_or_default().to_owned(),
        })
    }

    pub(super) fn row(&self) -> [Markup; 5] {
        [
            words::when(self.at),
            html! { (self.client) @if let Some(person) = &self.person { small { (person) } } },
            html! {
                (self.deed) " " (self.what)
                @if let Some(request) = &self.request { small { (request) } }
            },
            html! { (badge(self.tone(), self.ending())) @if !self.reason.is_empty() { small { (self.reason) } } },
            html! { (self.address) },
        ]
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "at": words::instant(self.at), "client": self.client, "person": self.person,
            "text": format!("{} {} {}", self.client, self.deed, self.what), "request": self.request,
            "ended": self.ending(), "reason": self.reason, "address": self.address,
        })
    }

    fn ending(&self) -> &'static str {
        match self.outcome.as_str() {
            "0" => "done",
            "4" => "refused",
            _ => "failed",
        }
    }

    fn tone(&self) -> Tone {
        match self.outcome.as_str() {
            "0" => Tone::Good,
            "4" => Tone::Warning,
            _ => Tone::Bad,
        }
    }
}

/// The entity that was read or written: role 4, "Domain Resource".
fn data(event: &Value) -> Option<&Value> {
    event["entity"].as_array()?.iter().find(|entity| entity["role"]["code"] == "4")
}

/// The request itself, where the log has it: of a search, or of what is no plain read or write.
fn request(event: &Value) -> Option<String> {
    let query = event["entity"].as_array()?.iter().find_map(|entity| entity["query"].as_str())?;
    let bytes = STANDARD.decode(query).ok()?;
    let text: String = String::from_utf8_lossy(&bytes).chars().take(LONGEST_REQUEST).collect();
    Some(text)
}

/// `Appointment/12`, or what a search names: `Appointment` of `GET /fhir/r4/Appointment?…`.
fn what(reference: Option<&str>, request: Option<&str>) -> String {
    if let Some(reference) = reference {
        let (reference, version) = reference.split_once("/_history/").unwrap_or((reference, ""));
        return if version.is_empty() { reference.to_owned() } else { format!("{reference} (version {version})") };
    }
    let path = request.and_then(|request| request.split([' ', '?']).nth(1)).unwrap_or_default();
    if path.starts_with("/admin/") {
        return "this patient's audit".to_owned();
    }
    path.split_once("/fhir/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, rest)| rest.to_owned())
        .unwrap_or_default()
}

fn person(who: &Value) -> Option<String> {
    who["reference"].as_str().or_else(|| who["identifier"]["value"].as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subtype: &str, entity: &Value) -> Value {
        json!({
            "resourceType": "AuditEvent", "recorded": "2026-11-24T10:02:03.000Z", "outcome": "4", "outcomeDesc": "404 not-found",
            "subtype": [{ "code": subtype }],
            "agent": [
                { "who": { "display": "portal" }, "network": { "address": "192.0.2.1" } },
                { "who": { "display": "Frontdesk" } },
                { "who": { "reference": "Practitioner/7" } },
            ],
            "entity": [{ "what": { "reference": "Patient/1" }, "role": { "code": "1" } }, entity],
        })
    }

    #[test]
    fn an_event_is_told_in_plain_words() {
        let read =
            event("vread", &json!({ "what": { "reference": "Appointment/12/_history/3" }, "role": { "code": "4" } }));
        let told = Event::read(&read).unwrap().json();
        assert_eq!(told["text"], "portal read an earlier version of Appointment/12 (version 3)");
        assert_eq!((&told["ended"], &told["person"]), (&json!("refused"), &json!("Practitioner/7")));
        let query = STANDARD.encode("GET /north/fhir/r4/Appointment?patient=1");
        let told =
            Event::read(&event("search-type", &json!({ "query": query, "role": { "code": "24" } }))).unwrap().json();
        assert_eq!(told["text"], "portal searched for Appointment");
        assert_eq!(told["request"], "GET /north/fhir/r4/Appointment?patient=1");
    }

    #[test]
    fn something_else_is_no_event() {
        assert_eq!(Event::read(&json!({ "resourceType": "OperationOutcome" })), None);
        assert_eq!(Event::read(&json!({ "resourceType": "AuditEvent" })), None);
    }
}
