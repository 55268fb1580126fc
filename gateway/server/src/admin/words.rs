//! Numbers, times and failures as people read them.

use std::time::{Duration, SystemTime};

use adapter::ErrorKind;
use fhir::InteractionCode;
use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A moment; in the reader's own time where scripts run, else in UTC.
pub(super) fn when(at: SystemTime) -> Markup {
    let at = OffsetDateTime::from(at);
    let shown = at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default();
    html! { time datetime=(instant(at.into())) { (shown) } }
}

/// A moment for programs.
pub(super) fn instant(at: SystemTime) -> String {
    let whole = OffsetDateTime::from(at).replace_nanosecond(0);
    whole.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// About how long: its largest unit.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How long something took.
pub(super) fn took(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if amount < 1_000.0 {
            break;
        }
        (amount, unit) = (amount / 1_000.0, next);
    }
    if unit == UNITS[0] || amount >= 100.0 { format!("{amount:.0} {unit}") } else { format!("{amount:.1} {unit}") }
}

/// What a failure of a back end means.
pub(super) const fn failure(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unreachable => "it could not be reached",
        ErrorKind::Shed => "too many requests at once, or it was left alone while unwell",
        ErrorKind::Unavailable => "it said that it cannot answer now",
        ErrorKind::Timeout => "it did not answer in time",
        ErrorKind::Broken => "the connection broke off",
        ErrorKind::BadReply => "it answered with something that is no answer",
        ErrorKind::Credentials => "it did not accept the gateway's credentials",
        ErrorKind::BackEndFault => "it failed on the request",
        ErrorKind::Internal => "the gateway failed on the request",
        ErrorKind::Storage => "its storage is full or broken",
        other => other.code(),
    }
}

/// What an interaction does to what it names.
pub(super) fn deed(interaction: &str) -> &'static str {
    let known = InteractionCode::ALL.iter().find(|code| code.code() == interaction);
    match known {
        Some(InteractionCode::Read) => "read",
        Some(InteractionCode::Vread) => "read an earlier version of",
        Some(InteractionCode::Create) => "created",
        Some(InteractionCode::Update) => "changed",
        Some(InteractionCode::Patch) => "changed part of",
        Some(InteractionCode::Delete) => "deleted",
        Some(InteractionCode::SearchType | InteractionCode::SearchSystem) => "searched for",
        Some(InteractionCode::HistoryInstance | InteractionCode::HistoryType | InteractionCode::HistorySystem) => {
            "read the history of"
        }
        Some(InteractionCode::Batch | InteractionCode::Transaction) => "sent several requests at once",
        Some(InteractionCode::Operation) => "ran an operation on",
        Some(InteractionCode::Capabilities) => "read what is offered",
        None => "did something with",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_a_unit() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 999, 1_500, 123_456_789].map(size), ["0 bytes", "999 bytes", "1.5 kB", "123 MB"]);
        assert_eq!(
            [1, 59, 90, 7_200, 259_200].map(|s| span(Duration::from_secs(s))),
            ["1 second", "59 seconds", "1 minute", "2 hours", "3 days"]
        );
        assert_eq!(
            [7, 1_250, 250_000, 2_500_000].map(|us| took(Duration::from_micros(us))),
            ["7 µs", "1.2 ms", "250 ms", "2.5 s"]
        );
    }

    #[test]
    fn a_moment_is_shown_to_the_minute_and_told_exactly() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_514_523);
        let shown = r#"<time datetime="2026-11-24T10:02:03Z">2026-11-24 10:02 UTC</time>"#;
        assert_eq!(when(at).into_string(), shown);
    }
}
