//! The rules that payloads broke, the latest first: what a vendor has to put right.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::Console;
use super::super::frame::{Tone, badge, table};
use super::super::words;
use super::{Page, Shown};
use crate::telemetry::breaches::{Breach, Seen};

pub(super) const PAGE: Page =
    Page { path: "validation", title: "Validation", show: |console, _| Box::pin(async { Ok(show(console)) }) };

/// Rows that are shown.
const MOST: usize = 200;

fn show(console: &Console) -> Shown {
    let (rows, others) = console.pipeline.meters.breaches.rows();
    let columns = ["Rule", "Element", "Sent by", "Practice", "What happened", "Times", "Last"];
    let body = html! {
        p .lead {
            "What programs sent that breaks a rule of FHIR or of a profile, the latest first, since the start. The program that \
             sent it has to be corrected: give its vendor the rule and the element. Nothing of what was sent is kept here."
        }
        @if rows.is_empty() {
            p .nothing { "Everything that was sent since the start follows its rules." }
        } @else {
            (table("Broken rules", columns, rows.iter().take(MOST).map(row).collect()))
        }
        @if others > 0 {
            p .more { (words::count(others)) " more, each seen rarely, are counted and no longer told apart." }
        }
    };
    let data = rows.iter().map(to_json).collect::<Vec<_>>();
    Shown::new(body, json!({ "rules": data, "others": others }))
}

fn row((breach, seen): &(Breach, Seen)) -> [Markup; 7] {
    [
        html! {
            @if breach.rule.name.is_empty() { (breach.rule.kind) } @else { (breach.rule.name) small { (breach.rule.kind) } }
            @if !breach.rule.profile.is_empty() { small { "profile " (breach.rule.profile) } }
        },
        html! { span .path { @if breach.path.is_empty() { (breach.of) } @else { (breach.path) } } },
        html! { (breach.client) },
        html! { (breach.practice) },
        if breach.passed { badge(Tone::Warning, "let through") } else { badge(Tone::Bad, "refused") },
        html! { (words::count(seen.times)) },
        words::when(seen.last),
    ]
}

fn to_json((breach, seen): &(Breach, Seen)) -> Value {
    json!({
        "kind": breach.rule.kind, "rule": breach.rule.name, "profile": breach.rule.profile,
        "type": breach.of.as_str(), "element": breach.path,
        "client": breach.client, "practice": breach.practice.as_str(), "let-through": breach.passed,
        "times": seen.times, "last": words::instant(seen.last),
    })
}
