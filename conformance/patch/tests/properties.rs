//! JSON Patch against a second implementation over values, on documents and patches that nobody thought of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

use patch::{Limits, apply_json};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Few names and small arrays, so that most pointers lead somewhere.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..5_i64).prop_map(Value::from),
        "[a~/\"\u{e9}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "0", "1", "~", "/", "", "a/b", "\u{e9}", "-"]).prop_map(str::to_owned)
}

fn pointer() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 0..4).prop_map(|tokens| {
        let escaped = |token: String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
        tokens.into_iter().map(escaped).collect()
    })
}

fn operation() -> impl Strategy<Value = Value> {
    (0..6_usize, pointer(), pointer(), document()).prop_map(|(kind, path, from, value)| match kind {
        0 => json!({ "op": "add", "path": path, "value": value }),
        1 => json!({ "op": "remove", "path": path }),
        2 => json!({ "op": "replace", "path": path, "value": value }),
        3 => json!({ "op": "move", "path": path, "from": from }),
        4 => json!({ "op": "copy", "path": path, "from": from }),
        _ => json!({ "op": "test", "path": path, "value": value }),
    })
}

/// RFC 6902 over values, as plainly as it can be said.
fn judged(mut document: Value, patch: &[Value]) -> Option<Value> {
    for operation in patch {
        let text = |name: &str| operation[name].as_str().unwrap_or_default();
        let (path, from) = (text("path"), text("from"));
        match text("op") {
            "add" => add(&mut document, path, operation["value"].clone())?,
            "remove" => drop(remove(&mut document, path)?),
            "replace" => *document.pointer_mut(path)? = operation["value"].clone(),
            "move" if path.starts_with(&format!("{from}/")) => return None,
            "move" if path == from => drop(document.pointer(from)?),
            "move" => {
                let value = remove(&mut document, from)?;
                add(&mut document, path, value)?;
            }
            "copy" => {
                let value = document.pointer(from)?.clone();
                add(&mut document, path, value)?;
            }
            _ if *document.pointer(path)? == operation["value"] => {}
            _ => return None,
        }
    }
    Some(document)
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, token) = path.rsplit_once('/')?;
    Some((parent, token.replace("~1", "/").replace("~0", "~")))
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let Some((parent, token)) = split(path) else {
        *document = value;
        return Some(());
    };
    match document.pointer_mut(parent)? {
        Value::Object(members) => drop(members.insert(token, value)),
        Value::Array(items) => {
            let index = if token == "-" { items.len() } else { token.parse().ok()? };
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (parent, token) = split(path)?;
    match document.pointer_mut(parent)? {
        Value::Object(members) => members.shift_remove(&token),
        Value::Array(items) => {
            let index = token.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_does_what_it_does_over_values(document in document(), patch in prop::collection::vec(operation(), 0..5)) {
        for written in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let patch_text = Value::from(patch.clone()).to_string();
            let made = apply_json(written.as_bytes(), patch_text.as_bytes(), &Limits::default());
            let made = made.ok().map(|made| serde_json::from_slice::<Value>(&made).unwrap());
            prop_assert_eq!(made, judged(document.clone(), &patch));
        }
    }
}
