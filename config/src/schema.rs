//! The JSON Schema of the configuration, for editors.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::settings::{
    Adapter, Audit, Authorization, Bulk, Client, Gateway, Issuer, Limits, Packages, Practice, RateLimits, Route,
    Telemetry, Terminology,
};

/// The sections; only its schema is used.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code, reason = "it is its own schema")]
struct Document {
    gateway: Option<Gateway>,
    limits: Option<Limits>,
    rate_limits: Option<RateLimits>,
    authorization: Option<Authorization>,
    issuers: Option<BTreeMap<String, Issuer>>,
    clients: Option<BTreeMap<String, Client>>,
    adapters: Option<BTreeMap<String, Adapter>>,
    routes: Vec<Route>,
    practices: Option<BTreeMap<String, Practice>>,
    packages: Option<Packages>,
    terminology: Option<Terminology>,
    audit: Option<Audit>,
    bulk: Option<Bulk>,
    telemetry: Option<Telemetry>,
}

/// The schema of a configuration whose adapters are of these kinds: name and schema of the kind's settings.
#[must_use]
pub fn schema(kinds: &[(&str, Schema)]) -> Value {
    let mut root = Value::from(schemars::schema_for!(Document));
    root["title"] = json!("Frontdesk configuration");
    if let Some(adapter) = root.pointer("/$defs/Adapter").cloned() {
        for (kind, settings) in kinds {
            lift_definitions(&mut root, settings);
            root["$defs"][format!("Adapter-{kind}")] = of_kind(&adapter, kind, settings);
        }
        if !kinds.is_empty() {
            let references = kinds.iter().map(|(kind, _)| json!({ "$ref": format!("#/$defs/Adapter-{kind}") }));
            root["$defs"]["Adapter"] = json!({ "oneOf": references.collect::<Vec<_>>() });
        }
    }
    root
}

/// What every adapter has together with what its kind has: one closed object.
fn of_kind(adapter: &Value, kind: &str, settings: &Schema) -> Value {
    let mut merged = adapter.clone();
    if let Some(properties) = merged["properties"].as_object_mut() {
        extend(properties, settings.get("properties"));
        properties.insert("kind".into(), json!({ "const": kind }));
    }
    if let (Some(required), Some(more)) = (merged["required"].as_array_mut(), settings.get("required")) {
        required.extend(more.as_array().into_iter().flatten().cloned());
    }
    if let Some(description) = settings.get("description") {
        merged["description"] = description.clone();
    }
    merged
}

fn lift_definitions(root: &mut Value, settings: &Schema) {
    if let Some(definitions) = root["$defs"].as_object_mut() {
        extend(definitions, settings.get("$defs"));
    }
}

fn extend(members: &mut Map<String, Value>, more: Option<&Value>) {
    for (name, member) in more.and_then(Value::as_object).into_iter().flatten() {
        members.entry(name.clone()).or_insert_with(|| member.clone());
    }
}
