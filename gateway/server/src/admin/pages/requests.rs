//! Requests by client and route.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::Console;
use super::super::frame::{Tone, badge, table};
use super::super::words;
use super::{Page, Shown};
use crate::telemetry::traffic::{Flow, Way};

pub(super) const PAGE: Page =
    Page { path: "requests", title: "Requests", show: |console, _| Box::pin(async { Ok(show(console)) }) };

/// Rows that are shown; the rest is counted together below them.
const MOST: usize = 200;

fn show(console: &Console) -> Shown {
    let mut flows = console.pipeline.meters.traffic.flows();
    let left_out = flows.split_off(flows.len().min(MOST));
    let columns = [
        "Client",
        "Practice",
        "Route",
        "Last minute",
        "Last hour",
        "Since start",
        "Refused, last hour",
        "Failed, last hour",
    ];
    let body = html! {
        p .lead {
            "Who asks how much. Refused requests were not allowed or not correct: their sender has to change something. Failed \
             ones were correct, and a back end or the gateway could not answer them."
        }
        @if flows.is_empty() {
            p .nothing { "Nobody has asked for anything since the start." }
        } @else {
            (table("Requests by client and route", columns, flows.iter().map(row).collect()))
        }
        @if !left_out.is_empty() {
            p .more { (words::count(left_out.len() as u64)) " more rows with fewer requests are in the JSON data of this page." }
        }
    };
    let data = flows.iter().chain(&left_out).map(to_json).collect::<Vec<_>>();
    Shown::new(body, json!({ "requests": data }))
}

fn row(flow: &Flow) -> [Markup; 8] {
    let names = Names::of(flow.way.as_ref());
    let all = |counts: [u64; 3]| html! { (words::count(counts.iter().sum())) };
    [
        html! { (names.client) },
        html! { (names.practice) },
        html! { (names.route) },
        all(flow.rates.minute),
        all(flow.rates.hour),
        all(flow.rates.ever),
        marked(flow.rates.hour[1], Tone::Warning),
        marked(flow.rates.hour[2], Tone::Bad),
    ]
}

fn marked(count: u64, tone: Tone) -> Markup {
    html! { @if count == 0 { "0" } @else { (badge(tone, &words::count(count))) } }
}

fn to_json(flow: &Flow) -> Value {
    let counts =
        |[answered, refused, failed]: [u64; 3]| json!({ "answered": answered, "refused": refused, "failed": failed });
    let way = flow.way.as_ref();
    json!({
        "client": way.and_then(|way| way.client.as_deref()),
        "practice": way.and_then(|way| way.practice.as_ref()).map(adapter::Practice::as_str),
        "route": way.and_then(|way| way.route.as_deref()),
        "all-others": way.is_none(),
        "minute": counts(flow.rates.minute), "hour": counts(flow.rates.hour), "since-start": counts(flow.rates.ever),
    })
}

struct Names<'a> {
    client: &'a str,
    practice: &'a str,
    route: &'a str,
}

impl<'a> Names<'a> {
    fn of(way: Option<&'a Way>) -> Self {
        let Some(way) = way else { return Self { client: "all others", practice: "–", route: "–" } };
        Self {
            client: way.client.as_deref().unwrap_or("not signed in"),
            practice: way.practice.as_ref().map_or("–", |practice| practice.as_str()),
            route: way.route.as_deref().unwrap_or("none"),
        }
    }
}
