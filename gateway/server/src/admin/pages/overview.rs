//! What is wrong and how to put it right; how much there is to do.

use maud::{Markup, html};
use serde_json::json;

use super::super::Console;
use super::super::frame::{Tone, badge, table};
use super::super::problems::{self, Problem};
use super::super::words;
use super::back_ends::{self, BackEnd};
use super::{Page, Shown};

pub(super) const PAGE: Page =
    Page { path: "", title: "Overview", show: |console, _| Box::pin(async { Ok(show(console)) }) };

fn show(console: &Console) -> Shown {
    let problems = problems::all(console);
    let back_ends = back_ends::all(console);
    let traffic = Traffic::of(console);
    let data = json!({
        "status": verdict(&problems).0.class(),
        "problems": problems.iter().map(Problem::json).collect::<Vec<_>>(),
        "requests": { "minute": traffic.minute, "hour": traffic.hour, "failed-in-hour": traffic.failed },
        "back-ends": back_ends.iter().map(BackEnd::json).collect::<Vec<_>>(),
    });
    let body = html! {
        (verdict_of(&problems))
        (listed(&problems))
        (tiles(&back_ends, &traffic))
        (short(&back_ends))
    };
    Shown::new(body, data)
}

fn verdict(problems: &[Problem]) -> (Tone, String) {
    let bad = problems.iter().filter(|problem| problem.tone == Tone::Bad).count();
    match (bad, problems.len()) {
        (0, 0) => (Tone::Good, "Everything works".to_owned()),
        (0, 1) => (Tone::Warning, "Everything works, and one thing needs attention".to_owned()),
        (0, all) => (Tone::Warning, format!("Everything works, and {all} things need attention")),
        (_, 1) => (Tone::Bad, "One thing does not work as it should".to_owned()),
        (_, all) => (Tone::Bad, format!("{all} things do not work as they should")),
    }
}

fn verdict_of(problems: &[Problem]) -> Markup {
    let (tone, text) = verdict(problems);
    html! { p class={ "verdict " (tone.class()) } role="status" { (text) } }
}

fn listed(problems: &[Problem]) -> Markup {
    html! {
        @if !problems.is_empty() {
            ul .problems aria-label="What needs attention" {
                @for problem in problems {
                    li class=(problem.tone.class()) {
                        h3 { (problem.what) }
                        @if let Some(since) = problem.since {
                            p .since { "Since " (words::when(since)) }
                        }
                        p { (problem.remedy) }
                    }
                }
            }
        }
    }
}

struct Traffic {
    minute: u64,
    hour: u64,
    failed: u64,
}

impl Traffic {
    fn of(console: &Console) -> Self {
        let flows = console.pipeline.meters.traffic.flows();
        let sum = |of: fn(&crate::telemetry::traffic::Flow) -> u64| flows.iter().map(of).sum();
        Self {
            minute: sum(|flow| flow.rates.minute.iter().sum()),
            hour: sum(|flow| flow.rates.hour.iter().sum()),
            failed: sum(|flow| flow.rates.hour[2]),
        }
    }
}

fn tiles(back_ends: &[BackEnd], traffic: &Traffic) -> Markup {
    let well = back_ends.iter().filter(|back_end| back_end.tone() == Tone::Good).count();
    html! {
        dl .tiles {
            div { dt { "Back ends that work" } dd { (well) " of " (back_ends.len()) } }
            div { dt { "Requests in the last minute" } dd { (words::count(traffic.minute)) } }
            div { dt { "Requests in the last hour" } dd { (words::count(traffic.hour)) } }
            div { dt { "Failed in the last hour" } dd { (words::count(traffic.failed)) small { "by a fault of a back end or of the gateway" } } }
        }
    }
}

fn short(back_ends: &[BackEnd]) -> Markup {
    let row = |back_end: &BackEnd| {
        [
            html! { (back_end.name) },
            html! { (badge(back_end.tone(), back_end.state())) },
            html! { @if let Some(since) = back_end.since { (words::when(since)) } @else { "–" } },
        ]
    };
    table("Back ends", ["Name", "State", "Since"], back_ends.iter().map(row).collect())
}
