//! Settings of the kind `store`.

use std::path::PathBuf;
use std::str::FromStr;

use adapter::setting::{Secret, Size};
use fhir::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::sql::{SourceError, check_url};

/// Settings of a store. Every one has a default: without any it is a file of the adapter's own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The database file. A relative path is below the adapter's own folder.
    pub file: PathBuf,
    /// A PostgreSQL database instead of the file: `postgres://user@host:5432/name`, without a password. Several gateways of one release
    /// may share it.
    pub database: Option<DatabaseUrl>,
    /// Its password.
    pub password: Option<Secret>,
    /// PEM file of the authorities that are trusted to vouch for its server, instead of the public ones.
    pub ca: Option<PathBuf>,
    /// The FHIR release that it holds: `R4`, `R4B` or `R5`. Cannot change while there is data.
    #[schemars(with = "String")]
    pub fhir_version: Version,
    /// Entries on a page when the client does not say.
    pub page_size: u32,
    /// Most entries on a page.
    pub largest_page: u32,
    /// Threads that search, each with a connection: 2 with a file, 8 with a database, whose reads by key they do as well.
    pub search_threads: Option<usize>,
    /// What a delete with criteria that several resources match does: `single` refuses it, `multiple` deletes them all, a thousand at
    /// most.
    pub conditional_delete: ConditionalDelete,
    /// Largest size of the database, its log not counted: `10GiB`. Beyond it writes are refused as if the disk were full.
    pub max_size: Option<Size>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: "store.sqlite".into(),
            database: None,
            password: None,
            ca: None,
            fhir_version: Version::R4,
            page_size: 50,
            largest_page: 1_000,
            search_threads: None,
            conditional_delete: ConditionalDelete::Single,
            max_size: None,
        }
    }
}

impl Settings {
    /// Threads that search.
    pub(crate) fn threads(&self) -> usize {
        self.search_threads.unwrap_or(if self.database.is_some() { 8 } else { 2 }).max(1)
    }
}

/// How much a delete with criteria may take (http://hl7.org/fhir/conditional-delete-status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionalDelete {
    /// One resource.
    Single,
    /// All that match.
    Multiple,
}

impl ConditionalDelete {
    /// Its code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Multiple => "multiple",
        }
    }
}

/// The URL of a PostgreSQL database, without a password: it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        check_url(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
