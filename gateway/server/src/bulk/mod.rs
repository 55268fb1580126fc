//! Bulk Data Access 2.0.0: exports, as jobs that outlive their requests and the process. `BULK.md` beside the crate says how they
//! behave; read here in this order:
//!
//! - [`kick_off`]: `$export`, a line of the table of operations, makes a job
//! - [`jobs`], [`folder`]: the durable table and the files, [`job`] is what stands in them
//! - [`worker`]: takes jobs in turn; [`run`] is one job, [`listing`] one page of it, [`page`] what becomes of it
//! - [`door`]: `[base]/$export/[job]`, status and files

mod account;
mod choice;
mod door;
mod download;
pub mod folder;
pub mod job;
pub mod jobs;
pub mod kick_off;
mod listing;
mod manifest;
mod page;
mod run;
mod table;
pub mod wanted;
pub mod worker;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use fhir::IssueType;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::authorize::DatabaseError;
use crate::failure::Failure;
use job::JobId;
use jobs::{JobError, Jobs};

/// The exports of a gateway.
pub struct Exports {
    /// The table and the files.
    pub(crate) jobs: Jobs,
    /// `[bulk]`
    pub(crate) settings: config::Bulk,
    /// A job was made.
    pub(crate) wake: Notify,
    /// What runs, with what stops it.
    pub(crate) running: Mutex<HashMap<JobId, Running>>,
}

/// A job that is being worked on.
pub(crate) struct Running {
    /// Practice and client, so that none takes all workers.
    pub(crate) of: (String, String),
    /// Stops it.
    pub(crate) stop: CancellationToken,
}

impl Exports {
    /// Opens the folder; what no job knows goes.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(folder: &Path, settings: &config::Bulk) -> Result<Self, DatabaseError> {
        Ok(Self {
            jobs: Jobs::open(folder, settings.max_size.bytes())?,
            settings: settings.clone(),
            wake: Notify::new(),
            running: Mutex::default(),
        })
    }

    /// Works on table and files where it may wait for the disk.
    pub(crate) async fn at<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, JobError> {
        let exports = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&exports)).await;
        // A panic in there has been logged where it was; the job's next step finds the table as it was.
        done.unwrap_or_else(|_| Err(JobError::Removed))
    }

    /// Removes a job; what works on it stops. Says whether it was there.
    pub(crate) async fn remove(self: &Arc<Self>, id: &JobId) -> Result<bool, JobError> {
        if let Some(running) = self.running.lock().get(id) {
            running.stop.cancel();
        }
        let id = id.clone();
        self.at(move |exports| exports.jobs.remove(&id)).await
    }
}

/// What a client reads when table or files cannot be used.
pub(crate) fn broken(error: JobError) -> Failure {
    let text = "the exports cannot be read or written now";
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, IssueType::Exception, text).because(error)
}
