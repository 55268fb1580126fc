//! `frontdesk.toml` starts as it is, shows every setting, and shows the defaults that the code has.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use config::OUT_OF_THE_BOX;

#[test]
fn the_configuration_out_of_the_box_has_no_fault() {
    config::parse("frontdesk.toml", OUT_OF_THE_BOX).unwrap_or_else(|report| panic!("{report}"));
}

/// The file with every setting in force.
fn uncommented() -> String {
    let setting = |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).map(str::to_owned);
    OUT_OF_THE_BOX
        .lines()
        .filter(|line| *line != "#")
        .map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n")
        .collect()
}

#[test]
fn every_line_can_be_uncommented() {
    config::shape("frontdesk.toml", &uncommented()).unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn the_defaults_that_are_shown_are_the_defaults() {
    let shown = config::shape("x", &uncommented()).unwrap();
    let default = config::parse("x", OUT_OF_THE_BOX).unwrap();
    assert_eq!(json(&shown.limits), json(&default.limits));
    assert_eq!(json(&shown.rate_limits), json(&default.rate_limits));
    assert_eq!(json(&shown.authorization), json(&default.authorization));
    let mut adapter = shown.adapters["store"].clone();
    adapter.prefix = None;
    assert_eq!(json(&adapter), json(&default.adapters["store"]));
    let mut audit = shown.audit.clone();
    audit.retention_size = None;
    assert_eq!(json(&audit), json(&default.audit));
    assert_eq!(json(&shown.bulk), json(&default.bulk));
    let mut telemetry = shown.telemetry.clone();
    (telemetry.otlp_endpoint, telemetry.otlp_authorities) = (None, None);
    assert_eq!(json(&telemetry), json(&default.telemetry));
    let mut terminology = shown.terminology.clone();
    (terminology.server, terminology.token, terminology.user, terminology.password) = (None, None, None, None);
    assert_eq!(json(&terminology), json(&default.terminology));
    let mut gateway = shown.gateway.clone();
    (gateway.public_url, gateway.workers, gateway.tls) = (None, None, None);
    assert_eq!(json(&gateway), json(&default.gateway));
}

#[test]
fn every_setting_is_shown() {
    let schema = config::schema(&[]);
    let mut missing = Vec::new();
    names(&schema, &mut |name| {
        let shown = [format!("{name} = "), format!("[{name}]"), format!("[{name}."), format!(".{name}]")];
        if !shown.iter().any(|form| OUT_OF_THE_BOX.contains(form.as_str())) {
            missing.push(name.to_owned());
        }
    });
    assert!(missing.is_empty(), "not in frontdesk.toml: {missing:?}");
}

fn json(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap()
}

/// Every name of a property, anywhere in a schema.
fn names(schema: &serde_json::Value, sink: &mut dyn FnMut(&str)) {
    if let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) {
        properties.keys().for_each(|name| sink(name));
    }
    match schema {
        serde_json::Value::Object(members) => members.values().for_each(|member| names(member, sink)),
        serde_json::Value::Array(entries) => entries.iter().for_each(|entry| names(entry, sink)),
        _ => {}
    }
}
