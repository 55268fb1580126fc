//! Who works on jobs: a few at a time, the oldest first, and none of a client before those who have none running.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::job::Job;
use super::jobs::JobError;
use super::kick_off::millis;
use super::{Exports, Running, run};
use crate::pipeline::Pipeline;

/// How often the table is looked at although nobody said that there is a job.
const LOOK: Duration = Duration::from_secs(10);
/// How often what has expired is removed.
const SWEEP: Duration = Duration::from_secs(30);

/// The workers of a gateway.
pub struct Workers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Workers {
    /// Starts them: they go on with what a process before left, and remove what has expired.
    #[must_use]
    pub fn start(pipeline: &Arc<Pipeline>) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        for _ in 0..pipeline.exports.settings.workers {
            tasks.spawn(work(Arc::clone(pipeline), stop.clone()));
        }
        tasks.spawn(sweep(Arc::clone(pipeline), stop.clone()));
        tasks.close();
        Self { stop, tasks }
    }

    /// Stops them between two steps. What they were doing is done at the next start.
    pub async fn shutdown(self, most: Duration) {
        self.stop.cancel();
        let _ = tokio::time::timeout(most, self.tasks.wait()).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn work(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    let exports = &pipeline.exports;
    while !stop.is_cancelled() {
        match claim(exports, &stop).await {
            Ok(Some((job, token))) => {
                let running = Claimed { exports, job: &job };
                metrics::gauge!("frontdesk_exports_running").increment(1.0);
                run::run(&pipeline, job.clone(), &token).await;
                metrics::gauge!("frontdesk_exports_running").decrement(1.0);
                drop(running);
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "exports cannot be worked on"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = exports.wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// A job that nobody else works on until this is dropped.
struct Claimed<'a> {
    exports: &'a Exports,
    job: &'a Job,
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        self.exports.running.lock().remove(&self.job.id);
    }
}

/// The job that is next.
async fn claim(exports: &Arc<Exports>, stop: &CancellationToken) -> Result<Option<(Job, CancellationToken)>, JobError> {
    let jobs = exports.at(|exports| exports.jobs.open_jobs()).await?;
    let mut running = exports.running.lock();
    let waiting = jobs.into_iter().filter(|job| !running.contains_key(&job.id));
    let of = |job: &Job| (job.asker.practice.clone(), job.asker.client.clone());
    let next = waiting.min_by_key(|job| running.values().filter(|other| other.of == of(job)).count());
    Ok(next.map(|job| {
        let token = stop.child_token();
        running.insert(job.id.clone(), Running { of: of(&job), stop: token.clone() });
        (job, token)
    }))
}

async fn sweep(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    let exports = &pipeline.exports;
    loop {
        let now = millis(pipeline.clock.now());
        match exports.at(move |exports| exports.jobs.expired(now)).await {
            Ok(expired) => {
                for id in expired {
                    if let Err(error) = exports.remove(&id).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "an expired export stays");
                    }
                }
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "expired exports cannot be found"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}
