//! `[adapters.NAME]` with `kind = "http"`.

use std::collections::BTreeMap;

use adapter::setting::{Duration, Size};
use exchange::Connection;
use exchange::settings::{Basic, Header, OAuth};
use fhir::Version;
use schemars::JsonSchema;
use serde::Deserialize;

use super::pointer::Pointer;

/// The settings of the kind `http`: a JSON API of the practice's own, described by tables.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// What every path follows: `https://crm.example/api/v2`.
    pub base: String,
    /// The release that the tables are written for.
    #[serde(default = "default_version")]
    #[schemars(with = "String")]
    pub fhir_version: Version,
    /// A header field that authorizes the gateway.
    #[serde(default)]
    pub header: Option<Header>,
    /// A user and a password.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// OAuth client credentials.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// A path that answers 2xx to GET while the API is well; without it, any answer at the base says so.
    #[serde(default)]
    pub health: Option<String>,
    /// How the API says what is wrong.
    #[serde(default)]
    pub errors: Errors,
    /// The largest answer that is taken.
    #[serde(default = "default_max_reply")]
    pub max_reply: Size,
    /// How long the link to a page can be followed.
    #[serde(default = "default_page_lifetime")]
    pub page_lifetime: Duration,
    /// How connections are made and kept.
    #[serde(default)]
    pub connection: Connection,
    /// The tables, by resource type.
    pub resources: BTreeMap<String, Resource>,
}

/// `[adapters.NAME.errors]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Errors {
    /// Where an error's text stands, for the client to read.
    pub message: Option<Pointer>,
    /// What a status means where it is not the usual: `{ 418 = "conflict" }`, by the kinds of errors of adapters.
    pub kinds: BTreeMap<String, String>,
}

/// `[adapters.NAME.resources.TYPE]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Resource {
    /// Where a record's id stands.
    pub id: Pointer,
    /// Where its version stands in the record; without `etag`, an update with `If-Match` sends it there, and a delete with
    /// `If-Match` is refused.
    #[serde(default)]
    pub version: Option<Pointer>,
    /// The API honours `If-Match`; its version is the ETag of an answer where `version` does not say it.
    #[serde(default)]
    pub etag: bool,
    /// Where the time of its last change stands, in RFC 3339.
    #[serde(default)]
    pub last_modified: Option<Pointer>,
    /// A text of theirs that may hold the whole resource, so that what no field maps is kept as well.
    #[serde(default)]
    pub keep: Option<Pointer>,
    /// GET one.
    #[serde(default)]
    pub read: Option<Call>,
    /// POST one.
    #[serde(default)]
    pub create: Option<Call>,
    /// PUT one.
    #[serde(default)]
    pub update: Option<Call>,
    /// DELETE one.
    #[serde(default)]
    pub delete: Option<Call>,
    /// GET many.
    #[serde(default)]
    pub search: Option<Search>,
    /// The table.
    pub fields: Vec<Field>,
}

/// How one record is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Call {
    /// The method, where it is not the usual one.
    #[serde(default)]
    pub method: Option<String>,
    /// The path behind the base; `{id}` is the id: `/patients/{id}`.
    pub path: String,
    /// Where the record stands in the answer; the whole answer without it.
    #[serde(default)]
    pub record: Pointer,
}

/// How records are searched.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Search {
    /// The path behind the base.
    pub path: String,
    /// Where the array of records stands; the whole answer without it.
    #[serde(default)]
    pub items: Pointer,
    /// Where the number of all matches stands.
    #[serde(default)]
    pub total: Option<Pointer>,
    /// What is sent with every search.
    #[serde(default)]
    pub always: BTreeMap<String, String>,
    /// FHIR's search parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// How pages follow each other; without it, one answer has all.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// `parameters.CODE`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parameter {
    /// The API's own name of it.
    pub name: String,
    /// FHIR's type: `token`, `string`, `date`, `reference`.
    pub r#type: ParameterType,
    /// Of a token: the system that its values have. Another one matches nothing.
    #[serde(default)]
    pub system: Option<String>,
    /// Of a reference: what stands before the API's value: `Patient/`.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Ours to theirs.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Theirs of a date, as in a field.
    #[serde(default)]
    pub format: Option<String>,
    /// The API's names for comparisons: `{ ge = "from", le = "to" }`.
    #[serde(default)]
    pub comparisons: BTreeMap<String, String>,
}

/// The types of search parameters that a table can map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterType {
    /// A code, an identifier, a boolean.
    Token,
    /// A text.
    String,
    /// A date or a time.
    Date,
    /// Another resource.
    Reference,
}

/// `paging`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Paging {
    /// In which way.
    pub style: Style,
    /// The query's name for the page, the offset or the cursor; not of a Link header field.
    #[serde(default)]
    pub parameter: Option<String>,
    /// The query's name for the size of a page.
    #[serde(default)]
    pub size: Option<String>,
    /// Entries of a page when the client does not say; the most that it may have.
    #[serde(default = "default_most")]
    pub most: u32,
    /// The number of the first page.
    #[serde(default = "default_first")]
    pub first: u64,
    /// Where the next cursor stands.
    #[serde(default)]
    pub next: Option<Pointer>,
}

/// How pages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// By number.
    Page,
    /// By the number of entries before.
    Offset,
    /// By a text in the answer.
    Cursor,
    /// By `Link: <…>; rel="next"` (RFC 8288), below the base.
    Link,
}

/// One line of a table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Field {
    /// Ours: the path of an element in JSON names, `name[0].family`, `deceasedBoolean`; without a number, the first.
    pub fhir: Option<String>,
    /// Theirs.
    pub json: Option<Pointer>,
    /// How ours is found when it is sent, where that is not `fhir` itself: FHIRPath.
    pub expression: Option<String>,
    /// What always stands there: ours with `fhir`, theirs with `json`. Ours inside of an element only when another field fills
    /// that element.
    pub constant: Option<serde_json::Value>,
    /// Ours, when theirs says nothing that can be mapped.
    pub default: Option<serde_json::Value>,
    /// Theirs, when ours says nothing that can be mapped.
    pub default_json: Option<serde_json::Value>,
    /// Ours to theirs, and back.
    pub values: BTreeMap<String, String>,
    /// What ours has before theirs: `Patient/` of a reference.
    pub prefix: Option<String>,
    /// How theirs writes a date or time: `%d.%m.%Y`, `unix`, `unix-ms`.
    pub format: Option<String>,
    /// The zone of theirs, when it does not say: `Europe/Berlin`.
    pub zone: Option<String>,
    /// The JSON type of theirs, where it is not that of ours.
    pub r#type: Option<JsonType>,
    /// Which way it goes.
    pub direction: Direction,
    /// The fields of each item, when both are arrays of objects; their paths, pointers and expressions begin at the item.
    pub each: Vec<Self>,
}

/// A type of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonType {
    /// `"1"`
    String,
    /// `1`
    Number,
    /// `true`
    Boolean,
}

/// Which way a field goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Only from theirs to ours.
    Read,
    /// Only from ours to theirs.
    Write,
}

fn default_version() -> Version {
    Version::R4
}

fn default_max_reply() -> Size {
    Size::from_mib(4)
}

fn default_page_lifetime() -> Duration {
    Duration::from_secs(3600)
}

const fn default_most() -> u32 {
    100
}

const fn default_first() -> u64 {
    1
}
