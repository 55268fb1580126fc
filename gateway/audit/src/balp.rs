//! A record as AuditEvents, by IHE's Basic Audit Log Patterns 1.1.4 (R4). Profiles say in `meta.profile` only what holds:
//! all of them want outcome 0, so a failed interaction has the same shape and claims none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fhir::InteractionCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::codec::View;
use crate::record::Outcome;
use crate::search::EventId;

const PROFILE: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const TOKEN_PROFILE: &str =
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.OAUTHaccessTokenUse.Minimal";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const BALP_ENTITY_TYPE: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const BALP_AGENT_TYPE: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// The pattern that an interaction follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Create,
    Read,
    Update,
    Delete,
    Query,
    /// History, batch, transaction, operation: BALP has none; written like a query, without a profile.
    Other,
}

impl Pattern {
    const fn of(interaction: InteractionCode) -> Self {
        match interaction {
            InteractionCode::Create => Self::Create,
            InteractionCode::Read | InteractionCode::Vread => Self::Read,
            InteractionCode::Update | InteractionCode::Patch => Self::Update,
            InteractionCode::Delete => Self::Delete,
            // BALP AllSearchVS holds no history.
            InteractionCode::SearchType | InteractionCode::SearchSystem => Self::Query,
            InteractionCode::HistoryInstance
            | InteractionCode::HistoryType
            | InteractionCode::HistorySystem
            | InteractionCode::Capabilities
            | InteractionCode::Transaction
            | InteractionCode::Batch
            | InteractionCode::Operation => Self::Other,
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Create => Some("Create"),
            Self::Read => Some("Read"),
            Self::Update => Some("Update"),
            Self::Delete => Some("Delete"),
            Self::Query => Some("Query"),
            Self::Other => None,
        }
    }

    /// Types of client and server, by `agent[client].type` and `agent[server].type` of each profile. A read flows from the server to the client; a query's parameters, like a write,
    /// flow from the client to the server.
    fn roles(self) -> (Value, Value) {
        let source = || concept(DICOM, "110153", "Source Role ID");
        let destination = || concept(DICOM, "110152", "Destination Role ID");
        match self {
            Self::Read => (destination(), source()),
            Self::Create | Self::Update | Self::Query | Self::Other => (source(), destination()),
            Self::Delete => (
                concept(DICOM, "110150", "Application"),
                concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian"),
            ),
        }
    }

    /// Who a person is in it: who reads receives information, who writes is its author.
    fn user_role(self) -> Value {
        match self {
            Self::Read | Self::Query | Self::Other => concept(PARTICIPATION, "IRCP", "information recipient"),
            Self::Create | Self::Update => concept(PARTICIPATION, "AUT", "author (originator)"),
            Self::Delete => concept(PARTICIPATION, "CST", "custodian"),
        }
    }
}

/// `AuditEvent.action`.
pub(crate) const fn action(interaction: InteractionCode) -> &'static str {
    match Pattern::of(interaction) {
        Pattern::Create => "C",
        Pattern::Read => "R",
        Pattern::Update => "U",
        Pattern::Delete => "D",
        Pattern::Query | Pattern::Other => "E",
    }
}

/// One event of a record.
pub(crate) fn audit_event(view: &View<'_>, id: EventId) -> Value {
    let pattern = Pattern::of(view.interaction);
    let patient = view.patient(id.event);
    let recorded = instant(view.recorded);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": id.to_string(),
        "meta": { "versionId": "1", "lastUpdated": recorded },
        "type": coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"),
        "subtype": [coding("http://hl7.org/fhir/restful-interaction", view.interaction.code(), view.interaction.code())],
        "action": action(view.interaction),
        "recorded": recorded,
        "outcome": view.outcome.code(),
    });
    let profiles = profiles(view, pattern, patient);
    if !profiles.is_empty() {
        event["meta"]["profile"] = profiles.into();
    }
    if !view.reason.is_empty() {
        event["outcomeDesc"] = view.reason.into();
    }
    event["agent"] = agents(view, pattern).into();
    event["source"] = json!({
        "site": view.base,
        "observer": server(view),
        "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
    });
    event["entity"] = entities(view, pattern, patient).into();
    event
}

fn profiles(view: &View<'_>, pattern: Pattern, patient: Option<&str>) -> Vec<String> {
    let mut profiles = Vec::new();
    let has_entity = if pattern == Pattern::Query { view.query.is_some() } else { view.subject.is_some() };
    let is_whole = view.outcome == Outcome::Success && has_entity;
    if let Some(name) = pattern.name().filter(|_| is_whole) {
        profiles.push(format!("{PROFILE}{}{name}", if patient.is_some() { "Patient" } else { "" }));
    }
    if view.token.is_some() {
        profiles.push(TOKEN_PROFILE.to_owned());
    }
    profiles
}

fn agents(view: &View<'_>, pattern: Pattern) -> Vec<Value> {
    let (client_role, server_role) = pattern.roles();
    let mut agents = vec![
        json!({
            "type": client_role,
            "who": client(view),
            // Who has no token has only itself to speak for.
            "requestor": view.token.is_none() && view.user.is_none(),
            "network": { "address": view.address.to_string(), "type": "2" },
        }),
        json!({
            "type": server_role,
            "who": server(view),
            "requestor": false,
            "network": { "address": view.base, "type": "5" },
        }),
    ];
    if let Some(user) = view.user {
        agents.push(json!({ "type": pattern.user_role(), "who": person(user), "requestor": true }));
    }
    if let Some(token) = view.token {
        let mut agent = json!({
            "type": concept(BALP_AGENT_TYPE, "UserOauthAgent", "User OAuth Agent participant"),
            "who": view.user.map_or_else(|| client(view), person),
            "requestor": true,
            "policy": [token],
        });
        if !view.scopes.is_empty() {
            agent["role"] = json!([{ "text": view.scopes }]);
        }
        agents.push(agent);
    }
    agents
}

fn entities(view: &View<'_>, pattern: Pattern, patient: Option<&str>) -> Vec<Value> {
    let mut entities = Vec::new();
    if let Some(patient) = patient {
        entities.push(json!({
            "what": { "reference": format!("Patient/{patient}") },
            "type": coding(ENTITY_TYPE, "1", "Person"),
            "role": coding(ENTITY_ROLE, "1", "Patient"),
        }));
    }
    let request = view.query.filter(|query| !query.is_empty()).map(|query| STANDARD.encode(query));
    // Read, Create, Update and Delete have exactly one System Object: the request of a conditional write is a detail of it.
    let is_detail = view.subject.is_some() && !matches!(pattern, Pattern::Query | Pattern::Other);
    if let Some((kind, id, version)) = view.subject {
        let reference = match version {
            Some(version) => format!("{kind}/{id}/_history/{version}"),
            None => format!("{kind}/{id}"),
        };
        let mut data = json!({
            "what": { "reference": reference },
            "type": coding(ENTITY_TYPE, "2", "System Object"),
            "role": coding(ENTITY_ROLE, "4", "Domain Resource"),
        });
        if let Some(request) = request.as_ref().filter(|_| is_detail) {
            data["detail"] = json!([{ "type": "request", "valueBase64Binary": request }]);
        }
        entities.push(data);
    }
    if let Some(request) = request.filter(|_| !is_detail) {
        entities.push(json!({
            "type": coding(ENTITY_TYPE, "2", "System Object"),
            "role": coding(ENTITY_ROLE, "24", "Query"),
            "query": request,
        }));
    }
    if !view.request_id.is_empty() {
        entities.push(json!({
            "what": { "identifier": { "value": view.request_id } },
            "type": coding(BALP_ENTITY_TYPE, "XrequestId", "X-Request-Id"),
        }));
    }
    entities
}

fn client(view: &View<'_>) -> Value {
    match view.client {
        Some(client) => json!({ "identifier": { "value": client }, "display": client }),
        None => json!({ "display": "unknown client" }),
    }
}

fn server(view: &View<'_>) -> Value {
    json!({ "identifier": { "system": "urn:ietf:rfc:3986", "value": view.base }, "display": "Frontdesk" })
}

/// `fhirUser` is a URL or `Type/id`; any other subject is a name that its issuer gave.
fn person(user: &str) -> Value {
    let is_reference = user.starts_with("http")
        || user.split_once('/').is_some_and(|(kind, _)| kind.parse::<fhir::ResourceType>().is_ok());
    if is_reference { json!({ "reference": user }) } else { json!({ "identifier": { "value": user } }) }
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)] })
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

/// An instant with milliseconds, in UTC.
fn instant(micros: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros / 1000) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}
