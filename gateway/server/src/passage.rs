//! What a request leaves behind on its way: how long each stage took, and the labels of its metrics. Lives on the stack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fhir::InteractionCode;

use crate::authorize::grant::Grant;
use crate::authorize::limits::RateLimitFields;
use crate::receive::Format;
use crate::respond::cors::Readers;
use crate::telemetry::traffic::Way;

/// The stages whose time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after their modules; translation is part of dispatch")]
pub enum Stage {
    Receive,
    Authorize,
    Route,
    Validate,
    Dispatch,
    Respond,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 6] =
        [Self::Receive, Self::Authorize, Self::Route, Self::Validate, Self::Dispatch, Self::Respond];

    /// Its name in metrics and spans.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Authorize => "authorize",
            Self::Route => "route",
            Self::Validate => "validate",
            Self::Dispatch => "dispatch",
            Self::Respond => "respond",
        }
    }
}

/// One request's way through the stages.
#[derive(Clone, Debug)]
pub struct Passage {
    /// When it began.
    pub began: Instant,
    last: Instant,
    spent: [Option<Duration>; Stage::ALL.len()],
    /// The route it took; `none` before there is one.
    pub route: Option<Arc<str>>,
    /// Who asks, when that is known.
    pub grant: Option<Arc<Grant>>,
    /// What it was.
    pub interaction: Option<InteractionCode>,
    /// What its answer is written in.
    pub format: Format,
    /// What the client is told about its rate.
    pub rate: Option<RateLimitFields>,
    /// Who may read its answer from another origin.
    pub readers: Readers,
}

impl Passage {
    /// Begins.
    #[must_use]
    pub const fn new(began: Instant) -> Self {
        Self {
            began,
            last: began,
            spent: [None; Stage::ALL.len()],
            route: None,
            grant: None,
            interaction: None,
            format: Format { media: crate::receive::negotiate::Media::FhirJson, version: None },
            rate: None,
            readers: Readers::Nobody,
        }
    }

    /// A stage ended; the time since the last one was its.
    pub fn mark(&mut self, stage: Stage) {
        let now = Instant::now();
        if let Some(spent) = self.spent.get_mut(stage as usize) {
            *spent = Some(spent.unwrap_or_default() + now.duration_since(self.last));
        }
        self.last = now;
    }

    /// Who asked, and where it went.
    #[must_use]
    pub fn way(&self) -> Way {
        let grant = self.grant.as_ref();
        Way {
            practice: grant.map(|grant| grant.practice.clone()),
            client: grant.map(|grant| Arc::clone(&grant.caller.client)),
            route: self.route.clone(),
        }
    }

    /// The stages that it went through, with their time.
    pub fn stages(&self) -> impl Iterator<Item = (Stage, Duration)> {
        Stage::ALL.into_iter().zip(self.spent).filter_map(|(stage, spent)| Some((stage, spent?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_the_time_since_the_one_before() {
        let mut passage = Passage::new(Instant::now() - Duration::from_secs(3));
        passage.mark(Stage::Receive);
        passage.mark(Stage::Dispatch);
        let spent: Vec<(Stage, bool)> =
            passage.stages().map(|(stage, spent)| (stage, spent >= Duration::from_secs(3))).collect();
        assert_eq!(spent, [(Stage::Receive, true), (Stage::Dispatch, false)]);
    }
}
