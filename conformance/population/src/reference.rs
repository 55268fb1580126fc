//! What resources refer to, in every way that FHIR has (references.html).

use serde_json::{Value, json};

use crate::{BASE, Choices, Names};

/// A Reference to something of one of these types.
pub(crate) fn to(targets: &[&'static str], names: &Names, choices: &mut Choices<'_>) -> Value {
    let kind = choices.of(&names.known(targets));
    let id = names.id(kind, choices);
    match choices.below(16) {
        0..=8 => json!({ "reference": format!("{kind}/{id}") }),
        9 => json!({ "reference": format!("{BASE}/{kind}/{id}") }),
        10 => json!({ "reference": format!("{kind}/{id}/_history/1") }),
        11 => json!({ "reference": format!("{BASE}/{kind}/{id}/_history/1") }),
        12 => json!({ "type": kind, "identifier": { "system": "urn:s", "value": "x" } }),
        13 => json!({ "reference": format!("https://other.example/fhir/{kind}/{id}"), "display": "Jones" }),
        14 => json!({ "reference": "#inside" }),
        _ => json!({ "reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "display": "Smith" }),
    }
}
