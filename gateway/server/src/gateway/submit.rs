//! The way from an adapter back into the pipeline.

use adapter::{Call, Error, ErrorKind, Reply, Submit};

/// What adapters are given before there is a pipeline.
#[derive(Default)]
pub(super) struct Backdoor;

#[async_trait::async_trait]
impl Submit for Backdoor {
    async fn submit(&self, _: Call) -> Result<Reply, Error> {
        Err(Error::new(ErrorKind::NotSupported, "no adapter kind submits calls in this version"))
    }
}
