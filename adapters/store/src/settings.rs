//! Settings of the kind `store`.

use std::path::PathBuf;

use adapter::setting::Size;
use fhir::Version;
use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of an embedded store. Every one has a default.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The database file. A relative path is below the adapter's own folder.
    pub file: PathBuf,
    /// The FHIR release that it holds: `R4`, `R4B` or `R5`. Cannot change while there is data.
    #[schemars(with = "String")]
    pub fhir_version: Version,
    /// Entries on a page when the client does not say.
    pub page_size: u32,
    /// Most entries on a page.
    pub largest_page: u32,
    /// Threads that search.
    pub search_threads: usize,
    /// Largest size of the database, its log not counted: `10GiB`. Beyond it writes are refused as if the disk were full.
    pub max_size: Option<Size>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: "store.sqlite".into(),
            fhir_version: Version::R4,
            page_size: 50,
            largest_page: 1_000,
            search_threads: 2,
            max_size: None,
        }
    }
}
