//! Reading a body: bounded in size, in time, and in the memory of all bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use fhir::IssueType;
use http::{StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout_at;

use super::{Limits, bad};
use crate::failure::Failure;

/// Memory for all bodies in flight, in bytes.
pub struct Budget {
    free: AtomicUsize,
}

/// What one request holds of the budget; given back when dropped.
pub struct Lease {
    budget: Arc<Budget>,
    held: usize,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }

    /// A lease of nothing yet.
    #[must_use]
    pub fn lease(self: &Arc<Self>) -> Lease {
        Lease { budget: Arc::clone(self), held: 0 }
    }

    /// What is left.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }
}

impl Lease {
    /// Takes more, as bytes arrive: a client that announces much and sends nothing holds nothing.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        let taken = self.budget.free.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |free| free.checked_sub(bytes));
        if taken.is_err() {
            metrics::counter!("frontdesk_bodies_refused_total").increment(1);
            let text = "all memory for request bodies is in use; try again";
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::Throttled, text)
                .with_header(header::RETRY_AFTER, "1"));
        }
        self.held += bytes;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.held, Ordering::AcqRel);
    }
}

/// Reads a whole body.
///
/// # Errors
/// 413 when it is too large, 408 when it is too slow, 503 when the budget is used up, 400 when it breaks off.
pub async fn read<B>(
    body: B,
    most: usize,
    limits: &Limits,
    deadline: Instant,
    lease: &mut Lease,
) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let mut body = body;
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    let start = Instant::now();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let length = first.len() + rest.len();
        let patience = deadline.min(start + limits.grace + at_rate(length, limits.body_rate));
        let frame = timeout_at(patience.into(), body.frame()).await.map_err(|_| too_slow())?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| bad("expected the whole body, and it broke off").because(error))?;
        // Trailers are dropped.
        let Ok(data) = frame.into_data() else { continue };
        if length + data.len() > most {
            return Err(too_large(most));
        }
        lease.grow(data.len())?;
        if length == 0 {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn at_rate(bytes: usize, per_second: u64) -> Duration {
    Duration::from_millis((bytes as u64).saturating_mul(1000) / per_second.max(1))
}

fn too_large(most: usize) -> Failure {
    let text = format!("expected a body of at most {most} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, IssueType::TooLong, text)
}

fn too_slow() -> Failure {
    let text = "expected the body sooner";
    Failure::new(StatusCode::REQUEST_TIMEOUT, IssueType::Timeout, text).with_header(header::CONNECTION, "close")
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn limits(budget: usize) -> Limits {
        Limits {
            body: 100,
            budget: Budget::new(budget),
            body_rate: 10,
            grace: Duration::from_secs(5),
            total: Duration::from_secs(60),
            proxies: Arc::new([]),
            aside: Default::default(),
        }
    }

    async fn take<B>(body: B, limits: &Limits, lease: &mut Lease) -> Result<Bytes, StatusCode>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let deadline = Instant::now() + limits.total;
        read(body, limits.body, limits, deadline, lease).await.map_err(|failure| failure.status)
    }

    fn pieces(count: usize, wait: Duration) -> impl Body<Data = Bytes, Error = std::io::Error> + Unpin {
        StreamBody::new(Box::pin(futures_util::stream::unfold(0, move |at| async move {
            if at == count {
                return None;
            }
            tokio::time::sleep(wait).await;
            Some((Ok(Frame::data(Bytes::from_static(b"0123456789"))), at + 1))
        })))
    }

    #[tokio::test]
    async fn pieces_become_one_body_and_the_lease_is_what_it_holds() {
        let limits = limits(1000);
        let mut lease = limits.budget.lease();
        assert_eq!(take(pieces(3, Duration::ZERO), &limits, &mut lease).await.unwrap().len(), 30);
        assert_eq!(limits.budget.free(), 970);
        drop(lease);
        assert_eq!(limits.budget.free(), 1000);
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_413_and_beyond_the_budget_503() {
        let limits = limits(1000);
        let large = Full::new(Bytes::from(vec![0; 101]));
        assert_eq!(take(large, &limits, &mut limits.budget.lease()).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let chunked = pieces(11, Duration::ZERO);
        assert_eq!(take(chunked, &limits, &mut limits.budget.lease()).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let mut hog = limits.budget.lease();
        hog.grow(950).unwrap();
        let fits = Full::new(Bytes::from(vec![0; 60]));
        assert_eq!(take(fits, &limits, &mut limits.budget.lease()).await, Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(hog);
        assert_eq!(limits.budget.free(), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_408() {
        let limits = limits(1000);
        let slow = pieces(10, Duration::from_secs(3));
        assert_eq!(take(slow, &limits, &mut limits.budget.lease()).await, Err(StatusCode::REQUEST_TIMEOUT));
    }
}
