//! A back end for the tests of the wrappers: answers from a script, with a pause, on tokio's clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use adapter::contract::alone;
use adapter::{Adapter, Body, Call, Clock, Error, ErrorKind, Health, Reply, Status};
use fhir::{Capability, Interaction, Resource, ResourceType, Version};
use futures_util::stream;
use parking_lot::Mutex;

/// What the stub does with one call.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Answer,
    Fail(ErrorKind),
    FailAndComeBack(ErrorKind, Duration),
    Panic,
    /// Streams two pieces with a pause between them; then ends well, or with an error.
    Stream(Duration, Option<ErrorKind>),
}

#[derive(Default)]
pub(super) struct Stub {
    script: Mutex<VecDeque<Act>>,
    /// What is done when the script has ended.
    then: Mutex<Option<Act>>,
    pause: Mutex<Duration>,
    calls: AtomicUsize,
}

impl Stub {
    pub(super) fn new(script: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() })
    }

    pub(super) fn always(act: Act) -> Arc<Self> {
        let stub = Self::new([]);
        stub.then(act);
        stub
    }

    pub(super) fn then(&self, act: Act) {
        *self.then.lock() = Some(act);
    }

    pub(super) fn slow(self: Arc<Self>, pause: Duration) -> Arc<Self> {
        *self.pause.lock() = pause;
        self
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn act(&self) -> Act {
        self.script.lock().pop_front().or(*self.then.lock()).unwrap_or(Act::Answer)
    }
}

#[async_trait::async_trait]
impl Adapter for Stub {
    fn capability(&self) -> Arc<Capability> {
        Arc::new(Capability::empty(Version::R4))
    }

    async fn perform(&self, _: Call) -> Result<Reply, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let pause = *self.pause.lock();
        tokio::time::sleep(pause).await;
        match self.act() {
            Act::Answer => Ok(Reply::new(Status::Ok)),
            Act::Fail(kind) => Err(Error::new(kind, "scripted")),
            Act::FailAndComeBack(kind, after) => Err(Error::new(kind, "scripted").after(after)),
            Act::Panic => panic!("scripted"),
            Act::Stream(pause, end) => Ok(Reply { body: pieces(pause, end), ..Reply::new(Status::Ok) }),
        }
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

fn pieces(pause: Duration, end: Option<ErrorKind>) -> Body {
    let pieces = stream::unfold(0, move |step| async move {
        match (step, end) {
            (0, _) => Some((Ok("{".into()), 1)),
            (1, _) => {
                tokio::time::sleep(pause).await;
                Some((Ok("}".into()), 2))
            }
            (2, Some(kind)) => Some((Err(Error::new(kind, "scripted")), 3)),
            _ => None,
        }
    });
    Body::Stream(None, Box::pin(pieces))
}

/// Tokio's clock, which a paused test moves.
pub(super) struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

pub(super) fn read() -> Call {
    call(Interaction::Read { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() })
}

pub(super) fn create() -> Call {
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, "{}");
    call(Interaction::Create { resource, if_none_exist: None })
}

pub(super) fn update_of_version() -> Call {
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, "{}");
    call(Interaction::Update { id: "1".parse().unwrap(), resource, if_match: Some("1".parse().unwrap()) })
}

fn call(interaction: Interaction) -> Call {
    Call { deadline: TokioClock.instant() + Duration::from_secs(60), ..alone::call(interaction) }
}
