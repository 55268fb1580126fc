//! An adapter without a gateway around it, as tests and benches of adapters have it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fhir::{Handling, Interaction, Version};
use search::Additions;

use crate::host::{Submit, SystemClock};
use crate::seal::Seal;
use crate::{Call, Error, ErrorKind, Host, Practice, PracticeAdditions, Reply, Trace};

/// The gateway's base in calls of [`call`].
pub const BASE: &str = "https://gateway.example/fhir/r4";

/// How long such a call may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct NoPipeline;

#[async_trait::async_trait]
impl Submit for NoPipeline {
    async fn submit(&self, _: Call) -> Result<Reply, Error> {
        Err(Error::new(ErrorKind::NotSupported, "there is no pipeline here"))
    }
}

/// What a gateway would offer an adapter, with its storage in that folder.
#[must_use]
pub fn host(folder: &Path) -> Host {
    Host {
        name: "adapter".into(),
        practice: Practice::default(),
        storage: folder.to_owned(),
        clock: Arc::new(SystemClock),
        submit: Arc::new(NoPipeline),
        additions: PracticeAdditions::default(),
        seal: Arc::new(Seal::new(&[7; 32])),
    }
}

/// A call of the default practice in R4, confined to nothing.
#[must_use]
pub fn call(interaction: Interaction) -> Call {
    Call {
        practice: Practice::default(),
        interaction,
        version: Version::R4,
        base: BASE.into(),
        confined_to: None,
        directory: Arc::default(),
        brings: None,
        must_create: false,
        must_be_complete: false,
        additions: Additions::default(),
        handling: Handling::Strict,
        deadline: Instant::now() + PATIENCE,
        idempotency_key: None,
        trace: Trace::default(),
    }
}
