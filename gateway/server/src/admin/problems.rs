//! What is wrong, and what somebody in the office can do about it.

use std::time::{Duration, SystemTime};

use adapter::Health;
use serde_json::{Value, json};

use super::frame::Tone;
use super::pages::back_ends::{self, BackEnd};
use super::{Console, disk, words};
use crate::dispatch::BreakerState;

/// A certificate that ends sooner is worth a word; much sooner, an alarm.
const SOON: Duration = Duration::from_hours(21 * 24);
const VERY_SOON: Duration = Duration::from_hours(3 * 24);

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// How bad.
    pub(super) tone: Tone,
    /// What is wrong.
    pub(super) what: String,
    /// Since when, where that is known.
    pub(super) since: Option<SystemTime>,
    /// What to do.
    pub(super) remedy: String,
}

impl Problem {
    fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, what: what.into(), since: None, remedy: remedy.into() }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, ..Self::bad(what, remedy) }
    }

    fn since(self, since: Option<SystemTime>) -> Self {
        Self { since, ..self }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "tone": self.tone.class(), "what": self.what, "since": self.since.map(words::instant), "remedy": self.remedy,
        })
    }
}

/// Everything that needs attention, the worst first.
pub(super) fn all(console: &Console) -> Vec<Problem> {
    let now = console.pipeline.clock.now();
    let mut problems = Vec::new();
    problems.extend(back_ends::all(console).iter().filter_map(of_back_end));
    problems.extend(of_audit(&console.pipeline.audit.health()));
    problems.extend(disk::room(&console.config.gateway.data).filter(|room| room.is_short()).map(of_disk));
    problems.extend(console.terms().iter().filter_map(|term| of_certificate(&term.subject, term.ends, now)));
    problems.extend(console.certificates.as_ref().and_then(|certificates| certificates.trouble()).map(of_reload));
    problems.extend(console.pipeline.authority.unavailable_keys().into_iter().map(of_keys));
    problems.extend(console.packages_trouble().map(of_packages));
    problems.sort_by_key(|problem| problem.tone != Tone::Bad);
    problems
}

fn of_back_end(back_end: &BackEnd) -> Option<Problem> {
    let name = &back_end.name;
    let text = match &back_end.health {
        Some(Health::Down(text) | Health::Degraded(text)) if !text.is_empty() => format!(" It says: {text}."),
        _ => String::new(),
    };
    let problem = match (&back_end.health, back_end.breaker) {
        (Some(Health::Down(_)), _) => Problem::bad(
            format!("{name} is down"),
            format!(
                "Requests for its data cannot be answered.{text} Check that it runs and that this machine reaches it over the \
                 network; it is used again by itself as soon as it answers."
            ),
        ),
        (_, BreakerState::Open { left }) => Problem::bad(
            format!("{name} failed again and again and is left alone"),
            format!(
                "It is tried again in {}. When this lasts, ask whoever looks after it what happened at that time.",
                words::span(left)
            ),
        ),
        (_, BreakerState::HalfOpen) => Problem::warning(
            format!("{name} failed and is being tried again"),
            "Nothing to do for now: when the next requests succeed it is used as before.",
        ),
        (Some(Health::Degraded(_)), _) => {
            Problem::warning(format!("{name} works, but not as it should"), degraded(&text))
        }
        _ => return None,
    };
    Some(problem.since(back_end.since.filter(|_| back_end.health != Some(Health::Up))))
}

fn degraded(text: &str) -> String {
    if text.contains("disk is full") {
        return format!("{} Make room on its disk: until then nothing new can be saved.", text.trim_start());
    }
    if text.contains("/metadata") {
        return format!(
            "{} It does not say what it offers, so the gateway goes by what it knew before or by its configuration. Ask \
             whoever looks after it.",
            text.trim_start()
        );
    }
    format!("{} Ask whoever looks after it.", text.trim_start())
}

fn of_audit(health: &Health) -> Option<Problem> {
    match health {
        Health::Up => None,
        Health::Degraded(text) => Some(Problem::bad(
            "Not everything that happens is written down",
            format!("The audit log has gaps ({text}). Make room on the disk and see that it can be written."),
        )),
        Health::Down(text) => Some(Problem::bad(
            "Nothing is answered, because nothing can be written down",
            format!(
                "Make room on the disk and see that it can be written ({text}); requests go on by themselves then."
            ),
        )),
    }
}

fn of_disk(room: disk::Room) -> Problem {
    let what = format!("The disk is nearly full: {} of {} are free", words::size(room.free), words::size(room.all));
    Problem::warning(what, "Make room, or move the data to a larger disk. When it is full, requests are refused.")
}

fn of_certificate(subject: &str, ends: SystemTime, now: SystemTime) -> Option<Problem> {
    let remedy = "Get a new certificate and put it in place of the file; it is used at once, without a restart.";
    match ends.duration_since(now) {
        Ok(left) if left > SOON => None,
        Ok(left) => {
            let what = format!("The certificate {subject} ends in {}", words::span(left));
            let problem = if left > VERY_SOON { Problem::warning(what, remedy) } else { Problem::bad(what, remedy) };
            Some(problem)
        }
        Err(_) => {
            let problem =
                Problem::bad(format!("The certificate {subject} is no longer valid, so nobody can connect"), remedy);
            Some(problem.since(Some(ends)))
        }
    }
}

fn of_reload((text, at): (String, SystemTime)) -> Problem {
    let what = "The new certificate cannot be used; the one before it is still in use";
    Problem::warning(what, format!("Put the certificate and its key in place again ({text}).")).since(Some(at))
}

fn of_keys((whose, text): (String, String)) -> Problem {
    Problem::bad(
        format!("The keys at {whose} cannot be fetched, so who signs in with them is refused"),
        format!("Check that this machine reaches that address, or ask whoever runs it ({text})."),
    )
}

fn of_packages((text, at): (String, SystemTime)) -> Problem {
    let what = "The packages could not be loaded again; those from before are still in use";
    Problem::warning(what, format!("Put right what is named here and load them again: {text}.")).since(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_no_problem_until_it_ends_soon() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 1_000);
        let tone =
            |days: u64| of_certificate("gw.example", now + Duration::from_hours(24 * days), now).map(|of| of.tone);
        assert_eq!([90, 20, 2].map(tone), [None, Some(Tone::Warning), Some(Tone::Bad)]);
        let ended = of_certificate("gw.example", now - Duration::from_secs(1), now).unwrap();
        assert_eq!((ended.tone, ended.since), (Tone::Bad, Some(now - Duration::from_secs(1))));
    }

    #[test]
    fn a_full_audit_log_says_what_to_do() {
        assert_eq!(of_audit(&Health::Up), None);
        let down = of_audit(&Health::Down("the audit log cannot be written".into())).unwrap();
        assert!(down.tone == Tone::Bad && down.remedy.contains("Make room"), "{down:?}");
    }
}
