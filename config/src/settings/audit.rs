//! `[audit]`: the segmented log of who did what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Size};

/// `[audit]`; the log lies in the folder `audit` of `gateway.data`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Audit {
    /// How long records are kept; whole segments are removed.
    pub retention: Duration,
    /// How much is kept at most; the oldest segments go first. Without it, only `retention` counts.
    pub retention_size: Option<Size>,
    /// A segment is closed at this size.
    pub segment_size: Size,
    /// A segment is closed at this age.
    pub segment_age: Duration,
    /// How long records are gathered before they are written and synced: the loss window.
    pub group: Duration,
    /// Records that may wait for the disk.
    pub queue: u32,
    /// What happens when the disk is full, or the queue.
    pub on_full: OnFull,
}

/// What happens when a record cannot be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFull {
    /// Requests are refused: what cannot be audited does not happen.
    #[default]
    Stop,
    /// Requests go on; the loss is counted, logged and shown by `/health`.
    Continue,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(6 * 366 * 86_400),
            retention_size: None,
            segment_size: Size::from_mib(64),
            segment_age: Duration::from_secs(86_400),
            group: Duration::from_millis(5),
            queue: 16_384,
            on_full: OnFull::default(),
        }
    }
}
