//! Whether two JSON texts say the same: values, order of repeats, spelling of numbers. Not: white space, order of members,
//! spelling of escapes, white space around a `div`, nulls at the end of a list.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use fhir::json::{Document, Kind, Limits, Node, Value, scan};

/// Where the first difference is.
pub(crate) fn difference(left: &[u8], right: &[u8]) -> Option<String> {
    let (left_nodes, right_nodes) = (nodes(left), nodes(right));
    let left = Document::new(left, &left_nodes).root().unwrap();
    let right = Document::new(right, &right_nodes).root().unwrap();
    between(left, right, "$")
}

fn nodes(json: &[u8]) -> Vec<Node> {
    let mut nodes = Vec::new();
    scan(json, &mut nodes, Limits { depth: 200, nodes: u32::MAX }).unwrap();
    nodes
}

fn between(left: Value<'_>, right: Value<'_>, path: &str) -> Option<String> {
    match (left.kind(), right.kind()) {
        (Kind::Object, Kind::Object) => members(left, right, path),
        (Kind::Array, Kind::Array) => items(left, right, path),
        _ if text(left) == text(right) => None,
        _ => Some(path.to_owned()),
    }
}

fn members(left: Value<'_>, right: Value<'_>, path: &str) -> Option<String> {
    if left.children().count() != right.children().count() {
        return Some(format!("{path}, the number of members"));
    }
    left.children().find_map(|member| {
        let path = format!("{path}.{}", member.name());
        match right.member(member.name()) {
            Some(other) => between(member, other, &path),
            None => Some(path),
        }
    })
}

fn items(left: Value<'_>, right: Value<'_>, path: &str) -> Option<String> {
    let (left, right) = (without_nulls(left), without_nulls(right));
    if left.len() != right.len() {
        return Some(format!("{path}, the number of items"));
    }
    let pairs = left.iter().zip(&right).enumerate();
    pairs.into_iter().find_map(|(index, (left, right))| between(*left, *right, &format!("{path}[{index}]")))
}

fn without_nulls(array: Value<'_>) -> Vec<Value<'_>> {
    let mut items: Vec<_> = array.children().collect();
    while items.last().is_some_and(|last| last.kind() == Kind::Null) {
        items.pop();
    }
    items
}

fn text(value: Value<'_>) -> String {
    match value.text() {
        Some(text) if value.is_named("div") => format!("\"{}", text.trim()),
        Some(text) => format!("\"{text}"),
        None => String::from_utf8_lossy(value.raw()).into_owned(),
    }
}
