//! `[bulk]`: what exports (Bulk Data Access) may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Size};

/// `[bulk]`; jobs and files lie in the folder `exports` of `gateway.data`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Bulk {
    /// All files of all exports together; an export that would go beyond it ends, and a new one is answered 503.
    pub max_size: Size,
    /// A file is closed at this size, and another one begun.
    pub file_size: Size,
    /// Exports of one client that are not finished; beyond it the answer is 429.
    pub jobs_per_client: u32,
    /// Exports that run at a time; others wait.
    pub workers: u32,
    /// How long the files of a finished export are kept.
    pub keep: Duration,
    /// Resources that are asked for at a time; a back end may give fewer.
    pub page: u32,
    /// How long a back end that does not answer is asked again before what it has is reported as missing.
    pub patience: Duration,
}

impl Default for Bulk {
    fn default() -> Self {
        Self {
            max_size: Size::from_mib(20 * 1024),
            file_size: Size::from_mib(128),
            jobs_per_client: 2,
            workers: 2,
            keep: Duration::from_secs(86_400),
            page: 500,
            patience: Duration::from_secs(120),
        }
    }
}
