//! The longest that a call may take.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Adapter, Body, Call, Error, ErrorKind, Health, Reply};
use fhir::Capability;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// Ends a call, and the body that it streams, at the caller's deadline or after the adapter's own limit, whichever
/// comes first.
pub struct Deadline {
    adapter: Arc<dyn Adapter>,
    limit: Duration,
}

impl Deadline {
    /// Around an adapter.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, limit: Duration) -> Self {
        Self { adapter, limit }
    }
}

#[async_trait::async_trait]
impl Adapter for Deadline {
    fn capability(&self) -> Arc<Capability> {
        self.adapter.capability()
    }

    async fn perform(&self, mut call: Call) -> Result<Reply, Error> {
        let deadline = Instant::from_std(call.deadline).min(Instant::now() + self.limit);
        call.deadline = deadline.into_std();
        let safe = call.interaction.is_safe();
        let mut reply =
            timeout_at(deadline, self.adapter.perform(call)).await.unwrap_or_else(|_| Err(too_late(safe)))?;
        reply.body = until(reply.body, deadline);
        Ok(reply)
    }

    async fn health(&self) -> Health {
        timeout_at(Instant::now() + self.limit, self.adapter.health())
            .await
            .unwrap_or_else(|_| Health::Down("no answer in time".to_owned()))
    }
}

fn until(body: Body, deadline: Instant) -> Body {
    let Body::Stream(length, pieces) = body else { return body };
    let timed = stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        match timeout_at(deadline, pieces.next()).await {
            Ok(Some(piece)) => Some((piece, Some(pieces))),
            Ok(None) => None,
            Err(_) => Some((Err(too_late(true)), None)),
        }
    });
    Body::Stream(length, Box::pin(timed))
}

fn too_late(safe: bool) -> Error {
    // A write may have happened: the client has to look before it tries again.
    let text = if safe {
        "no answer from the back end in time"
    } else {
        "no answer from the back end in time; whether the change was made is unknown: read before you try again"
    };
    Error::new(ErrorKind::Timeout, text)
}
