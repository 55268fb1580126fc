//! The protocol's documents as types: `PROTOCOL.md` describes them in words, `protocol.schema.json` is made of them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the protocol. Members may be added within a version; both sides pass over what they do not know.
pub const PROTOCOL: u32 = 1;

/// Names and values of a query, decoded, in order, repeats kept.
pub type Pairs = Vec<(String, String)>;

/// The body of `POST /perform`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call<'a> {
    /// The version of the protocol.
    pub protocol: u32,
    /// Whose data: the name of a practice.
    pub practice: &'a str,
    /// The FHIR release of the call and of its answer: `4.0.1`.
    pub fhir_version: &'static str,
    /// Absolute FHIR base of the gateway, without a slash at the end: what URLs in an answer are built on.
    pub base: &'a str,
    /// The compartment that the client is confined to: nothing outside of it may be found, counted or named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confined_to: Option<Compartment<'a>>,
    /// Types that a confined client reads and searches outside of its compartment too; writes and their conditions stay confined.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub directory: Vec<&'static str>,
    /// The write must make something new: an update whose id is in use is refused with `version-mismatch`.
    pub must_create: bool,
    /// `strict`: refuse a search parameter that is not known. `lenient`: search without it, and say so in an issue.
    #[schemars(with = "String")]
    pub handling: &'static str,
    /// Milliseconds until the answer is of no use any more.
    pub deadline: u64,
    /// Writes with the same key are the same write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<&'a str>,
    /// The cursor that the process gave as `next`, when a client follows a page link; the interaction's query is that of the
    /// first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// What to do.
    pub interaction: Interaction<'a>,
}

/// A compartment: `Patient/123`.
#[derive(Serialize, JsonSchema)]
pub struct Compartment<'a> {
    /// The owner's type.
    pub r#type: &'static str,
    /// The owner's id.
    pub id: &'a str,
}

/// What to do: one of FHIR's interactions, told apart by `code`.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "PROTOCOL.md has a table of them, with the HTTP request that each comes from")]
pub enum Interaction<'a> {
    Read {
        r#type: &'static str,
        id: &'a str,
    },
    Vread {
        r#type: &'static str,
        id: &'a str,
        version_id: &'a str,
    },
    Create {
        r#type: &'static str,
        #[schemars(with = "serde_json::Value")]
        resource: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_none_exist: Option<Pairs>,
    },
    Update {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        criteria: Option<Pairs>,
        #[schemars(with = "serde_json::Value")]
        resource: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_match: Option<&'a str>,
    },
    Patch {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        criteria: Option<Pairs>,
        #[schemars(with = "String")]
        format: &'static str,
        #[schemars(with = "serde_json::Value")]
        patch: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_match: Option<&'a str>,
    },
    Delete {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        criteria: Option<Pairs>,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_match: Option<&'a str>,
    },
    HistoryInstance {
        r#type: &'static str,
        id: &'a str,
        query: Pairs,
    },
    HistoryType {
        r#type: &'static str,
        query: Pairs,
    },
    HistorySystem {
        query: Pairs,
    },
    SearchType {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        compartment: Option<Compartment<'a>>,
        query: Pairs,
    },
    SearchSystem {
        #[serde(skip_serializing_if = "Option::is_none")]
        compartment: Option<Compartment<'a>>,
        query: Pairs,
    },
    Batch {
        #[schemars(with = "serde_json::Value")]
        bundle: &'a RawValue,
    },
    Transaction {
        #[schemars(with = "serde_json::Value")]
        bundle: &'a RawValue,
    },
    Operation {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#type: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        query: Option<Pairs>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<serde_json::Value>")]
        parameters: Option<&'a RawValue>,
    },
}

/// The answer to `POST /perform`, with HTTP status 200: either `status` or `error`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    /// How it ended well.
    #[serde(default)]
    pub status: Option<Status>,
    /// The resource that was read or written.
    #[serde(default)]
    #[schemars(with = "Option<Subject>")]
    pub subject: Option<Subject>,
    /// When that version was made: an RFC 3339 instant.
    #[serde(default)]
    pub last_modified: Option<String>,
    /// The resource, or the Bundle of a batch or an operation. A write may leave it out.
    #[serde(borrow, default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub resource: Option<&'a RawValue>,
    /// The page of a search or a history; the gateway makes the Bundle of it.
    #[serde(borrow, default)]
    pub page: Option<Page<'a>>,
    /// What the client should know beside the answer.
    #[serde(default)]
    pub issues: Vec<Issue>,
    /// How it ended badly.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// How an interaction ended well: 200, 201, 202, 204.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// 200
    Ok,
    /// 201
    Created,
    /// 202
    Accepted,
    /// 204
    NoContent,
}

/// The resource that an answer speaks of.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Its type; that of the call when left out.
    #[serde(default)]
    pub r#type: Option<String>,
    /// Its id.
    pub id: String,
    /// Its version, when the process has versions.
    #[serde(default)]
    pub version_id: Option<String>,
}

/// A page of a search or a history.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<'a> {
    /// In the order of the search.
    #[serde(borrow)]
    pub entries: Vec<Entry<'a>>,
    /// The number of matches in all, where it is known.
    #[serde(default)]
    pub total: Option<u64>,
    /// What leads to the next page, in the process's own words, up to 2,000 characters; the client sees it sealed.
    #[serde(borrow, default)]
    pub next: Option<Cow<'a, str>>,
}

/// One entry of a page.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    /// The resource, with its id.
    #[serde(borrow, default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub resource: Option<&'a RawValue>,
    /// Of a search: `match` without it.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Its URL, where it is not `base/type/id`.
    #[serde(borrow, default)]
    pub full_url: Option<Cow<'a, str>>,
    /// `Bundle.entry.request` of a history.
    #[serde(borrow, default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub request: Option<&'a RawValue>,
    /// `Bundle.entry.response` of a history.
    #[serde(borrow, default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub response: Option<&'a RawValue>,
}

/// Why an entry is on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It matches.
    Match,
    /// Another one refers to it, or the other way round.
    Include,
    /// It says something of the search.
    Outcome,
}

/// How an interaction ended badly.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The kind: `not-found`, `version-mismatch`; the table in `PROTOCOL.md` has them all.
    pub kind: String,
    /// What the client may read.
    #[serde(default)]
    pub issues: Vec<Issue>,
    /// Seconds until it is worth another try.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

/// One issue of an OperationOutcome.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// `information`, `warning`, `error` or `fatal`; `error` without it.
    #[serde(default)]
    pub severity: Option<String>,
    /// A code of http://hl7.org/fhir/ValueSet/issue-type; that of the kind without it.
    #[serde(default)]
    pub code: Option<String>,
    /// What was expected; lowercase, no full stop, at most 500 characters.
    pub text: String,
    /// FHIRPath of the element: `Claim.item[0].quantity`.
    #[serde(default)]
    pub expression: Option<String>,
}

/// The answer to `GET /health`, with HTTP status 200.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// How the back end is.
    pub status: HealthStatus,
    /// What an operator should read.
    #[serde(default)]
    pub text: String,
}

/// How a back end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// All is well.
    Up,
    /// It works, but something needs attention.
    Degraded,
    /// It does not work.
    Down,
}

/// The answer to `GET /capability`, with HTTP status 200: the part of a CapabilityStatement that says what is offered.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// The version of the protocol that the process speaks.
    pub protocol: u32,
    /// The FHIR release: `4.0.1`.
    pub fhir_version: String,
    /// `CapabilityStatement.rest`, one of it.
    pub rest: Vec<serde_json::Value>,
}

/// The JSON Schema of the protocol: every document, by its place.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let documents = [
        ("POST /perform", generator.subschema_for::<Call<'_>>()),
        ("POST /perform 200", generator.subschema_for::<Answer<'_>>()),
        ("GET /capability 200", generator.subschema_for::<Capability>()),
        ("GET /health 200", generator.subschema_for::<Health>()),
    ];
    let documents: serde_json::Map<String, serde_json::Value> =
        documents.into_iter().map(|(place, schema)| (place.to_owned(), schema.into())).collect();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Frontdesk adapter protocol {PROTOCOL}"),
        "properties": documents,
        "$defs": generator.take_definitions(true),
    })
}
