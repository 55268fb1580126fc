//! Every back end: how it is, how busy, how fast, what went wrong last.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::Health;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::Console;
use super::super::frame::{Tone, badge, table};
use super::super::words;
use super::{Page, Shown};
use crate::dispatch::{BreakerState, Failed, Load, Vitals};
use crate::telemetry::counts::Rates;

pub(super) const PAGE: Page =
    Page { path: "back-ends", title: "Back ends", show: |console, _| Box::pin(async { Ok(show(console)) }) };

/// One back end, as it is now.
pub(in super::super) struct BackEnd {
    /// Its name in the configuration.
    pub(in super::super) name: Arc<str>,
    /// The kind of its adapter.
    pub(in super::super) kind: String,
    /// How it said that it is; none before it was asked.
    pub(in super::super) health: Option<Health>,
    /// Since when it is so.
    pub(in super::super) since: Option<SystemTime>,
    /// How its breaker is.
    pub(in super::super) breaker: BreakerState,
    /// Calls, and those that failed.
    pub(in super::super) calls: Rates<2>,
    /// The failure that was last.
    pub(in super::super) last_failure: Option<Failed>,
    load: Load,
    /// Half of the calls, and 99 of 100, were faster.
    latency: Option<[Duration; 2]>,
}

/// Every back end, in the order of the configuration.
pub(in super::super) fn all(console: &Console) -> Vec<BackEnd> {
    console.pipeline.vitals.iter().map(|vitals| BackEnd::of(console, vitals)).collect()
}

impl BackEnd {
    fn of(console: &Console, vitals: &Vitals) -> Self {
        let seen = console.watch.of(&vitals.name);
        let recent = vitals.recent();
        Self {
            name: Arc::clone(&vitals.name),
            kind: console.config.adapters.get(&*vitals.name).map(|of| of.kind.clone()).unwrap_or_default(),
            since: seen.as_ref().map(|seen| seen.since),
            health: seen.map(|seen| seen.health),
            breaker: vitals.breaker(),
            load: vitals.load(),
            calls: recent.calls.rates(),
            latency: recent.latency.quantiles([0.5, 0.99]),
            last_failure: recent.last_failure(),
        }
    }

    /// How it is, in a word or two.
    pub(super) fn state(&self) -> &'static str {
        match (&self.health, self.breaker) {
            (Some(Health::Down(_)), _) => "Down",
            (_, BreakerState::Open { .. }) => "Left alone",
            (_, BreakerState::HalfOpen) => "Being tried again",
            (Some(Health::Degraded(_)), _) => "Needs attention",
            (Some(Health::Up), _) => "Works",
            (None, _) => "Not asked yet",
        }
    }

    /// How good or bad that is.
    pub(super) fn tone(&self) -> Tone {
        match (&self.health, self.breaker) {
            (Some(Health::Down(_)), _) | (_, BreakerState::Open { .. }) => Tone::Bad,
            (Some(Health::Up), BreakerState::Closed) => Tone::Good,
            _ => Tone::Warning,
        }
    }

    pub(super) fn json(&self) -> Value {
        let failure = self.last_failure.map(|failed| {
            json!({ "at": words::instant(failed.at), "kind": failed.kind.code(), "text": words::failure(failed.kind) })
        });
        let (breaker, left) = match self.breaker {
            BreakerState::Closed => ("closed", None),
            BreakerState::Open { left } => ("open", Some(left.as_secs_f64())),
            BreakerState::HalfOpen => ("half-open", None),
        };
        json!({
            "name": self.name, "kind": self.kind, "state": self.state(), "tone": self.tone().class(),
            "health": self.health.as_ref().map(Health::code), "text": self.text(),
            "since": self.since.map(words::instant),
            "breaker": { "state": breaker, "seconds-left": left },
            "calls": {
                "in-flight": self.load.running, "places": self.load.places,
                "waiting": self.load.waiting, "seats": self.load.seats,
                "minute": self.calls.minute[0], "hour": self.calls.hour[0], "since-start": self.calls.ever[0],
            },
            "failed": { "minute": self.calls.minute[1], "hour": self.calls.hour[1], "since-start": self.calls.ever[1] },
            "seconds": self.latency.map(|[half, most]| json!({ "p50": half.as_secs_f64(), "p99": most.as_secs_f64() })),
            "last-failure": failure,
        })
    }

    /// What it said itself.
    fn text(&self) -> Option<&str> {
        match self.health.as_ref()? {
            Health::Up => None,
            Health::Degraded(text) | Health::Down(text) => Some(text),
        }
    }

    fn row(&self) -> [Markup; 8] {
        [
            html! { (self.name) small { (self.kind) } },
            html! {
                (badge(self.tone(), self.state()))
                @if let Some(since) = self.since { small { "since " (words::when(since)) } }
                @if let Some(text) = self.text() { small { (text) } }
            },
            self.breaker_cell(),
            html! {
                (self.load.running) " of " (self.load.places)
                @if self.load.waiting > 0 { small { (self.load.waiting) " of " (self.load.seats) " wait" } }
            },
            counted(&self.calls, 0),
            counted(&self.calls, 1),
            self.latency_cell(),
            self.failure_cell(),
        ]
    }

    fn breaker_cell(&self) -> Markup {
        match self.breaker {
            BreakerState::Closed => html! { "Closed" small { "requests go through" } },
            BreakerState::Open { left } => html! { "Open" small { "tried again in " (words::span(left)) } },
            BreakerState::HalfOpen => html! { "Half open" small { "the next requests try it" } },
        }
    }

    fn latency_cell(&self) -> Markup {
        html! {
            @match self.latency {
                Some([half, most]) => {
                    (words::took(half)) small { "99 of 100 within " (words::took(most)) }
                },
                None => "–",
            }
        }
    }

    fn failure_cell(&self) -> Markup {
        html! {
            @match self.last_failure {
                Some(failed) => { (words::failure(failed.kind)) small { (words::when(failed.at)) } },
                None => "None",
            }
        }
    }
}

fn counted(rates: &Rates<2>, which: usize) -> Markup {
    let number = |counts: [u64; 2]| words::count(counts.get(which).copied().unwrap_or_default());
    html! { (number(rates.hour)) small { (number(rates.minute)) " in the last minute" } small { (number(rates.ever)) " since start" } }
}

fn show(console: &Console) -> Shown {
    let back_ends = all(console);
    let columns = [
        "Name",
        "State",
        "Breaker",
        "Under way",
        "Calls, last hour",
        "Failed, last hour",
        "Time of a call",
        "Last failure",
    ];
    let body = html! {
        p .lead {
            "Where the data is. A back end that fails again and again is left alone for a moment (its breaker is open) so that \
             it can recover. Times are of the last five to ten minutes."
        }
        (table("How they are now", columns, back_ends.iter().map(BackEnd::row).collect()))
    };
    Shown::new(body, json!({ "back-ends": back_ends.iter().map(BackEnd::json).collect::<Vec<_>>() }))
}
