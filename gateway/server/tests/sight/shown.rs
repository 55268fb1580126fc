//! What one of several patients is shown, said once more and in another way than the gateway does it.

use fhir::Compartment;
use population::BASE;
use serde_json::{Value, json};

use crate::ask::Ask;

/// What an appointment of several patients keeps.
const KEPT: [&str; 7] = ["resourceType", "id", "status", "start", "slot", "participant", "meta"];

/// Whether a list has somebody else on it, or somebody of whom it cannot be told.
pub(crate) fn lists_others(resource: &Value, patient: &Compartment) -> bool {
    let is_list = matches!(resource["resourceType"].as_str(), Some("Account" | "Group" | "Person"));
    is_list
        && (has_person(&resource["contained"])
            || references(resource).iter().any(|reference| is_other(reference, patient)))
}

fn has_person(contained: &Value) -> bool {
    let kinds = contained.as_array().into_iter().flatten().map(|inside| inside["resourceType"].as_str());
    kinds.into_iter().any(|kind| matches!(kind, Some("Patient" | "RelatedPerson")))
}

/// Every Reference in it.
fn references(value: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            let is_reference =
                members.contains_key("reference") || members.contains_key("identifier") && members.contains_key("type");
            found.extend(is_reference.then_some(value));
            members.values().for_each(|member| found.extend(references(member)));
        }
        Value::Array(items) => items.iter().for_each(|item| found.extend(references(item))),
        _ => {}
    }
    found
}

fn is_other(reference: &Value, patient: &Compartment) -> bool {
    let Some(text) = reference["reference"].as_str() else { return reference["type"] == "Patient" };
    let own = |text: &str| text == format!("Patient/{}", patient.id.as_str());
    let text = text.split("/_history/").next().unwrap_or_default();
    match text.strip_prefix(BASE).map(|rest| rest.trim_start_matches('/')) {
        Some(local) => local.starts_with("Patient/") && !own(local),
        None if text.starts_with("http") => text.contains("/Patient/"),
        None => text.starts_with("urn:") || text.starts_with("Patient/") && !own(text),
    }
}

/// The appointment as it is shown to one of its patients.
pub(crate) fn appointment(resource: &Value, patient: &Compartment) -> Value {
    let participants = resource["participant"].as_array().cloned().unwrap_or_default();
    let unclear = |actor: &Value| actor["reference"].as_str().is_some_and(|text| text.starts_with('#'));
    if !participants.iter().any(|of| is_other(&of["actor"], patient) || unclear(&of["actor"])) {
        return resource.clone();
    }
    let is_relative = |actor: &Value| {
        actor["type"] == "RelatedPerson"
            || actor["reference"].as_str().is_some_and(|text| text.contains("RelatedPerson/"))
    };
    let is_kept =
        |of: &&Value| !is_other(&of["actor"], patient) && !unclear(&of["actor"]) && !is_relative(&of["actor"]);
    let kept: Vec<Value> = participants.iter().filter(is_kept).cloned().collect();
    let mut shown = resource.clone();
    if let Some(members) = shown.as_object_mut() {
        members.retain(|name, _| KEPT.contains(&name.as_str()));
    }
    shown["participant"] = kept.into();
    let label = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED" });
    shown["meta"] = json!({ "security": [label] });
    shown
}

/// Whether an answer depends on all of what is shown: not on what is left of it, nor on what came along by what is not shown, and nothing
/// is written.
pub(crate) fn is_about_all_of_it(ask: &Ask) -> bool {
    let text = format!("{}{}", ask.path, ask.body);
    let is_search = ask.method == http::Method::POST && ask.path.ends_with("/_search");
    let is_read = ask.method == http::Method::GET || ask.method == http::Method::HEAD;
    let is_part = ["_summary=", "_elements=", "include", "_security", "_history", "identifier", "everything"];
    (is_read || is_search) && !is_part.iter().any(|part| text.contains(part))
}
