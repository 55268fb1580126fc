//! `protocol.schema.json` is made of the types; `UPDATE_SCHEMA=1` writes it again.

use http_json::process::protocol;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol.schema.json");

#[test]
fn the_schema_of_the_protocol_is_that_of_the_types() {
    let mut text = serde_json::to_string_pretty(&protocol::schema()).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(PATH, &text).unwrap();
    }
    let stored = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        stored == text,
        "protocol.schema.json differs from the types: UPDATE_SCHEMA=1 cargo test -p http-json schema"
    );
}
