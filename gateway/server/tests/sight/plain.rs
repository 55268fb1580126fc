//! Answers without what may differ from gateway to gateway: bases, times, page links, ids that the server chose.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use population::BASE;
use regex::{Captures, Regex};
use serde_json::Value;

use crate::harness::Answer;

/// What a client learns from an answer beside its body.
const FIELDS: [&str; 8] = [
    "etag",
    "location",
    "content-location",
    "content-type",
    "www-authenticate",
    "x-frontdesk-warnings",
    "allow",
    "preference-applied",
];

static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"("(?:lastUpdated|lastModified|timestamp)":|<(?:lastUpdated|lastModified|timestamp) value=)"[^"]*""#)
        .unwrap()
});
static PAGES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"_page=[^"&\s]+"#).unwrap());
static IDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());

/// Members by name: their order says nothing.
fn sorted(json: Value) -> Value {
    match json {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().collect();
            members.into_iter().map(|(name, value)| (name, sorted(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// What one gateway's answers have in place of what differs; ids are numbered in the order in which they appear.
pub(crate) struct Plain<'a> {
    base: &'a str,
    ids: HashMap<String, usize>,
}

impl<'a> Plain<'a> {
    pub(crate) fn new(base: &'a str) -> Self {
        Self { base, ids: HashMap::new() }
    }

    /// The answer as text: status, fields, body.
    pub(crate) fn answer(&mut self, answer: &Answer) -> String {
        let fields: Vec<String> = FIELDS
            .iter()
            .filter(|name| answer.headers.contains_key(**name))
            .map(|name| format!("{name}: {}", answer.field(name)))
            .collect();
        let modified = answer.headers.contains_key("last-modified");
        let body = match serde_json::from_slice::<Value>(&answer.body) {
            Ok(json) => sorted(json).to_string(),
            Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        let text = format!("{} {modified}\n{}\n{body}", answer.status.as_u16(), fields.join("\n"));
        self.text(&text)
    }

    fn text(&mut self, text: &str) -> String {
        // As it is, and as a part of a query.
        let encoded = self.base.replace(':', "%3A").replace('/', "%2F");
        let text = text.replace(self.base, BASE).replace(&encoded, BASE);
        let text = TIMES.replace_all(&text, "$1\"TIME\"");
        let text = PAGES.replace_all(&text, "_page=PAGE");
        let ids = &mut self.ids;
        let numbered = |found: &Captures<'_>| {
            let next = ids.len();
            format!("#{}", ids.entry(found[0].to_owned()).or_insert(next))
        };
        IDS.replace_all(&text, numbered).into_owned()
    }
}
