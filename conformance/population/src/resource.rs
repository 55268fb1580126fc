//! Resources.

use serde_json::{Map, Value, json};

use crate::reference::to;
use crate::{Choices, Names};

/// The types that resources are made of: what a patient books with, what is known of patients, what lists several of them.
pub const KINDS: [&str; 28] = [
    "Patient",
    "Appointment",
    "Practitioner",
    "Observation",
    "Organization",
    "Coverage",
    "Claim",
    "Encounter",
    "Location",
    "Slot",
    "Schedule",
    "PractitionerRole",
    "HealthcareService",
    "RelatedPerson",
    "Condition",
    "Provenance",
    "Group",
    "List",
    "Person",
    "Account",
    "Task",
    "DocumentReference",
    "AppointmentResponse",
    "CareTeam",
    "Basic",
    "Communication",
    "EpisodeOfCare",
    "ServiceRequest",
];

/// A resource of one of the types that there are, with an id.
#[must_use]
pub fn any(names: &Names, choices: &mut Choices<'_>) -> Value {
    let kind = choices.of(names.kinds());
    let id = names.id(kind, choices);
    of(kind, Some(id), names, choices)
}

/// A resource of that type; without an id it is one to be created.
#[must_use]
pub fn of(kind: &str, id: Option<&str>, names: &Names, choices: &mut Choices<'_>) -> Value {
    let mut resource = Map::new();
    resource.insert("resourceType".into(), kind.into());
    if let Some(id) = id {
        resource.insert("id".into(), id.into());
    }
    if let Value::Object(body) = body(kind, names, choices) {
        resource.extend(body);
    }
    adorn(&mut resource, names, choices);
    Value::Object(resource)
}

/// What any resource can have.
fn adorn(resource: &mut Map<String, Value>, names: &Names, choices: &mut Choices<'_>) {
    let has_identifier = choices.below(3) == 0;
    if has_identifier && !resource.contains_key("identifier") {
        let value = choices.of(&["x", "y", "z"]);
        resource.insert("identifier".into(), json!([{ "system": "urn:s", "value": value }]));
    }
    if resource.values().any(has_inside) || choices.is_one_in(12) {
        let kind = choices.of(&["Organization", "Patient", "Practitioner", "RelatedPerson"]);
        let patient = (kind == "RelatedPerson").then(|| to(&["Patient"], names, choices));
        let inside = json!({ "resourceType": kind, "id": "inside", "name": name(kind, choices), "patient": patient });
        resource.insert("contained".into(), json!([without_nulls(inside)]));
    }
    if choices.is_one_in(8) {
        let value = to(&["Patient", "Practitioner", "RelatedPerson"], names, choices);
        resource.insert("extension".into(), json!([{ "url": "https://example.org/about", "valueReference": value }]));
    }
    if choices.is_one_in(6) {
        let code = choices.of(&["a", "b"]);
        resource.insert("meta".into(), json!({ "tag": [{ "system": "urn:t", "code": code }] }));
    }
}

/// Whether a value refers to what the resource contains.
fn has_inside(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.get("reference").is_some_and(|text| text == "#inside") || members.values().any(has_inside)
        }
        Value::Array(items) => items.iter().any(has_inside),
        _ => false,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

fn name(kind: &str, choices: &mut Choices<'_>) -> Value {
    let name = choices.of(&["Smith", "Jones", "Miller"]);
    if matches!(kind, "Organization" | "Location" | "HealthcareService") {
        json!(name)
    } else {
        json!([{ "family": name, "given": [choices.of(&["Eve", "Bob"])] }])
    }
}

fn code(choices: &mut Choices<'_>) -> Value {
    let code = choices.of(&["a", "b", "c"]);
    json!({ "coding": [{ "system": "urn:c", "code": code }], "text": code })
}

fn date(choices: &mut Choices<'_>) -> &'static str {
    choices.of(&["2024-01-01", "2024-02-01", "2024-03-01"])
}

fn moment(choices: &mut Choices<'_>) -> String {
    format!("{}T10:00:00Z", date(choices))
}

/// What is of its type alone.
fn body(kind: &str, names: &Names, choices: &mut Choices<'_>) -> Value {
    let patient = |choices: &mut Choices<'_>| to(&["Patient"], names, choices);
    let several = |targets: &[&'static str], choices: &mut Choices<'_>| {
        let count = 1 + choices.below(3);
        (0..count).map(|_| to(targets, names, choices)).collect::<Vec<Value>>()
    };
    match kind {
        "Patient" => json!({
            "name": name("Patient", choices), "gender": choices.of(&["female", "male"]), "birthDate": date(choices),
            "managingOrganization": to(&["Organization"], names, choices),
            "generalPractitioner": several(&["Practitioner", "Organization", "PractitionerRole"], choices),
            "link": if choices.is_one_in(4) { json!([{ "other": patient(choices), "type": "seealso" }]) } else { json!(null) },
        }),
        "Practitioner" | "Person" => person(kind, names, choices),
        "Organization" | "Location" | "HealthcareService" => place(kind, names, choices),
        "PractitionerRole" => json!({
            "practitioner": to(&["Practitioner"], names, choices), "organization": to(&["Organization"], names, choices),
            "code": [code(choices)],
        }),
        "Schedule" => json!({ "actor": several(&["Practitioner", "Location", "Patient"], choices) }),
        "Slot" => json!({
            "schedule": to(&["Schedule"], names, choices), "status": choices.of(&["free", "busy"]),
            "start": moment(choices), "end": "2024-03-01T11:00:00Z",
        }),
        "Appointment" => {
            let actors = several(&["Patient", "Patient", "Practitioner", "Location", "RelatedPerson"], choices);
            let participant: Vec<Value> = actors
                .into_iter()
                .map(|actor| json!({ "actor": actor, "status": choices.of(&["accepted", "declined"]) }))
                .collect();
            json!({
                "status": choices.of(&["booked", "proposed"]), "participant": participant, "start": moment(choices),
                "slot": several(&["Slot"], choices), "comment": choices.of(&["Smith", "Jones"]),
                "reasonCode": [code(choices)], "reasonReference": several(&["Condition"], choices),
            })
        }
        "RelatedPerson" => json!({ "patient": patient(choices), "name": name("RelatedPerson", choices) }),
        "Group" => {
            let members = several(&["Patient", "Practitioner"], choices);
            let members: Vec<Value> = members.into_iter().map(|entity| json!({ "entity": entity })).collect();
            json!({ "type": "person", "actual": true, "member": members, "name": choices.of(&["Smith", "Jones"]) })
        }
        "List" | "Account" | "Provenance" | "Task" | "CareTeam" | "Communication" => list(kind, names, choices),
        _ => record(kind, names, choices),
    }
}

fn person(kind: &str, names: &Names, choices: &mut Choices<'_>) -> Value {
    let mut person = json!({ "name": name("Person", choices), "gender": choices.of(&["female", "male"]) });
    if kind == "Person" {
        let target = to(&["Patient", "Patient", "Practitioner"], names, choices);
        person["link"] = json!([{ "target": target }, { "target": to(&["Patient"], names, choices) }]);
    }
    person
}

fn place(kind: &str, names: &Names, choices: &mut Choices<'_>) -> Value {
    let mut place = json!({ "name": name("Organization", choices) });
    let member = match kind {
        "Organization" => "partOf",
        "Location" => "managingOrganization",
        _ => "providedBy",
    };
    place[member] = to(&["Organization"], names, choices);
    place
}

/// What names several things beside each other.
fn list(kind: &str, names: &Names, choices: &mut Choices<'_>) -> Value {
    let things = ["Patient", "Observation", "Appointment", "Claim"];
    let (thing, other) = (to(&things, names, choices), to(&things, names, choices));
    let (patient, agent) =
        (to(&["Patient"], names, choices), to(&["Practitioner", "Patient", "RelatedPerson"], names, choices));
    let status = choices.of(&["active", "completed"]);
    match kind {
        "List" => json!({
            "status": "current", "mode": "working", "subject": patient, "source": agent,
            "entry": [{ "item": thing }, { "item": other }],
        }),
        "Account" => json!({ "status": status, "subject": [patient, thing], "name": choices.of(&["Smith", "Jones"]) }),
        "Provenance" => json!({ "target": [thing, other], "recorded": moment(choices), "agent": [{ "who": agent }] }),
        "Task" => json!({ "status": status, "intent": "order", "for": patient, "focus": thing, "owner": agent }),
        "CareTeam" => json!({ "status": status, "subject": patient, "participant": [{ "member": agent }] }),
        _ => json!({ "status": status, "subject": patient, "sender": agent, "recipient": [other], "about": [thing] }),
    }
}

/// A record of one patient.
fn record(kind: &str, names: &Names, choices: &mut Choices<'_>) -> Value {
    let patient = to(&["Patient"], names, choices);
    let doctor = to(&["Practitioner", "Organization"], names, choices);
    let encounter = to(&["Encounter"], names, choices);
    let about = to(&["Observation", "Condition", "ServiceRequest"], names, choices);
    match kind {
        "Observation" => json!({
            "status": choices.of(&["final", "amended"]), "code": code(choices), "category": [code(choices)],
            "subject": patient, "performer": [doctor], "encounter": encounter, "effectiveDateTime": moment(choices),
            "valueQuantity": { "value": choices.below(4), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg" },
            "hasMember": [to(&["Observation"], names, choices)],
        }),
        "Coverage" => json!({
            "status": "active", "beneficiary": patient, "payor": [to(&["Organization", "Patient"], names, choices)],
            "subscriber": to(&["Patient", "RelatedPerson"], names, choices),
        }),
        "Claim" => json!({
            "status": "active", "use": "claim", "patient": patient, "provider": doctor, "created": date(choices),
            "insurance": [{ "sequence": 1, "focal": true, "coverage": to(&["Coverage"], names, choices) }],
            "item": [{ "sequence": 1, "productOrService": code(choices), "encounter": [encounter] }],
        }),
        "Encounter" => json!({
            "status": choices.of(&["planned", "finished"]), "class": { "code": "AMB" }, "subject": patient,
            "appointment": [to(&["Appointment"], names, choices)], "serviceProvider": to(&["Organization"], names, choices),
            "diagnosis": [{ "condition": about }], "partOf": encounter,
        }),
        "AppointmentResponse" => json!({
            "appointment": to(&["Appointment"], names, choices), "participantStatus": "accepted",
            "actor": to(&["Patient", "Practitioner"], names, choices),
        }),
        "DocumentReference" => json!({
            "status": "current", "subject": patient, "author": [doctor], "type": code(choices),
            "content": [{ "attachment": { "title": choices.of(&["Smith", "Jones"]) } }],
            "context": { "related": [about], "encounter": [encounter] },
        }),
        "EpisodeOfCare" => json!({ "status": "active", "patient": patient, "managingOrganization": doctor }),
        "ServiceRequest" => json!({
            "status": "active", "intent": "order", "code": code(choices), "subject": patient, "requester": doctor,
            "basedOn": [about], "encounter": encounter,
        }),
        "Condition" => json!({ "code": code(choices), "subject": patient, "asserter": doctor, "encounter": encounter }),
        _ => json!({ "code": code(choices), "subject": patient, "author": doctor }),
    }
}
