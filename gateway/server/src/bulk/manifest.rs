//! What a client reads of a finished export (Bulk Data Access 2.0.0, 2.6.5).

use serde_json::{Value, json};

use super::job::{Closed, Job, Kind};
use super::kick_off::instant;

/// The URL of a job.
pub(super) fn address(job: &Job) -> String {
    format!("{}/$export/{}", job.wish.base, job.id.as_str())
}

/// The manifest.
pub(super) fn manifest(job: &Job, files: &[Closed]) -> Value {
    let of = |kind: Kind| -> Vec<Value> {
        files.iter().filter(|file| file.kind == kind).map(|file| entry(job, file)).collect()
    };
    json!({
        "transactionTime": instant(job.began),
        "request": job.wish.request,
        "requiresAccessToken": true,
        "output": of(Kind::Output),
        "deleted": of(Kind::Deleted),
        "error": of(Kind::Error),
    })
}

fn entry(job: &Job, file: &Closed) -> Value {
    let of = match file.kind {
        // 2.6.5: each line of `deleted` is a Bundle.
        Kind::Deleted => "Bundle",
        Kind::Output | Kind::Error => &file.resource_type,
    };
    json!({ "type": of, "url": format!("{}/{}", address(job), file.name), "count": file.lines })
}
