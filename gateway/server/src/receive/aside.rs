//! Work on large payloads, aside from the threads that answer everybody: a worker that reads ten megabytes answers nobody else
//! of its connections meanwhile.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use fhir::IssueType;
use http::{StatusCode, header};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::failure::Failure;

/// Bytes of a payload that are worked on where they are: less than a millisecond, which a change of threads is not worth.
pub const SMALL: usize = 64 * 1024;

/// How much is worked on aside at a time: as many payloads as there are cores. Cheap to clone.
#[derive(Clone)]
pub struct Aside {
    places: Arc<Semaphore>,
}

impl Default for Aside {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))) }
    }
}

impl Aside {
    /// Does work on so many bytes: here when they are few, else on a thread of its own when there is a place. What was begun is
    /// done to its end, whoever waits for it.
    ///
    /// # Errors
    /// 503 when there was no place until the deadline, 500 when the work panicked.
    pub async fn work<T: Send + 'static>(
        &self,
        bytes: usize,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        if bytes <= SMALL {
            return Ok(work());
        }
        let place = timeout_at(deadline.into(), Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| Failure::panicked())
    }
}

fn busy() -> Failure {
    let text = "too many large payloads are being read; try again";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::Throttled, text).with_header(header::RETRY_AFTER, "1")
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn small_work_is_done_here_and_large_work_elsewhere() {
        let (aside, soon) = (Aside::default(), Instant::now() + Duration::from_secs(10));
        let here = thread::current().id();
        assert_eq!(aside.work(SMALL, soon, || thread::current().id()).await.unwrap(), here);
        assert_ne!(aside.work(SMALL + 1, soon, || thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn without_a_place_in_time_it_is_503_and_a_panic_is_500_and_gives_its_place_back() {
        let (aside, soon) = (Aside { places: Arc::new(Semaphore::new(1)) }, Instant::now() + Duration::from_secs(10));
        let broken: Result<(), Failure> = aside.work(SMALL + 1, soon, || panic!("scripted")).await;
        assert_eq!(broken.unwrap_err().status, StatusCode::INTERNAL_SERVER_ERROR);
        let taken = Arc::clone(&aside.places).acquire_owned().await.unwrap();
        let late = Instant::now() + Duration::from_millis(5);
        let refused = aside.work(SMALL + 1, late, || ()).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(taken);
        assert!(aside.work(SMALL + 1, soon, || ()).await.is_ok());
    }
}
