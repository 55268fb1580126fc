//! A terminology server outside, asked where nothing here can say: behind a cache, a deadline and a breaker. The transport is the
//! caller's; without one every such answer stays unknown.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answer::Coding;

/// What is asked outside (ValueSet and CodeSystem `$validate-code`).
#[derive(Clone, Copy)]
pub struct OutsideQuestion<'q> {
    /// The value set; none when the code system alone is asked.
    pub value_set: Option<&'q str>,
    /// The code, with its system where it has one.
    pub coding: Coding<'q>,
}

/// Why nobody outside answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It could not be reached, was too late, or answered with what is no answer. Counts for the breaker.
    #[error("expected an answer of the terminology server in time")]
    Unavailable,
    /// It answered that it does not know the value set or the code system.
    #[error("expected the terminology server to know the value set or the code system")]
    Unknown,
}

/// Somebody outside who knows more. Blocks the thread that asks, until `deadline` at most: not for the thread of a reactor.
pub trait Outside: Send + Sync {
    /// Whether the value set, or the code system, has the code.
    ///
    /// # Errors
    /// When there is no answer.
    fn has(&self, question: &OutsideQuestion<'_>, deadline: Instant) -> Result<bool, Unanswered>;

    /// What time it is; tests set their own.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// How patient one is with it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How long an answer holds.
    pub lifetime: Duration,
    /// Most answers that are kept.
    pub answers: usize,
    /// So many failures in a row open the breaker.
    pub failures: u32,
    /// How long it stays open before one question is let through.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(500),
            lifetime: Duration::from_secs(3600),
            answers: 20_000,
            failures: 5,
            pause: Duration::from_secs(30),
        }
    }
}

/// An outside source with what it said.
pub struct Consultation {
    outside: Box<dyn Outside>,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, (Instant, Option<bool>)>,
    failures: u32,
    open_until: Option<Instant>,
}

impl fmt::Debug for Consultation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consultation").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Consultation {
    /// Puts a cache and a breaker before a source.
    pub fn new(outside: impl Outside + 'static, patience: Patience) -> Self {
        Self { outside: Box::new(outside), patience, state: Mutex::default() }
    }

    /// Whether it has the code; none when it cannot say or is not to be asked now.
    pub fn has(&self, question: &OutsideQuestion<'_>) -> Option<bool> {
        let (key, now) = (key(question), self.outside.now());
        {
            let mut state = self.state();
            match state.answers.get(&key) {
                Some((until, answer)) if *until > now => return *answer,
                _ => {}
            }
            if state.open_until.is_some_and(|until| until > now) {
                return None;
            }
            // Half open: while this question is out, no other follows.
            if state.failures >= self.patience.failures {
                state.open_until = Some(now + self.patience.timeout.max(self.patience.pause));
            }
        }
        let answer = self.outside.has(question, now + self.patience.timeout);
        self.note(key, answer)
    }

    fn note(&self, key: String, answer: Result<bool, Unanswered>) -> Option<bool> {
        let now = self.outside.now();
        let mut state = self.state();
        let answer = match answer {
            Ok(has) => Some(has),
            Err(Unanswered::Unknown) => None,
            Err(Unanswered::Unavailable) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= self.patience.failures {
                    state.open_until = Some(now + self.patience.pause);
                }
                return None;
            }
        };
        (state.failures, state.open_until) = (0, None);
        if state.answers.len() >= self.patience.answers {
            state.answers.retain(|_, (until, _)| *until > now);
        }
        if state.answers.len() >= self.patience.answers {
            state.answers.clear();
        }
        state.answers.insert(key, (now + self.patience.lifetime, answer));
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parts that cannot run into each other: none has a control character that FHIR allows in it.
fn key(question: &OutsideQuestion<'_>) -> String {
    let coding = &question.coding;
    let parts = [question.value_set, coding.system, coding.version, Some(coding.code)];
    parts.map(Option::unwrap_or_default).join("\u{1}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    use super::*;

    struct Server {
        asked: Arc<AtomicU32>,
        seconds: Arc<AtomicU64>,
        start: Instant,
        answer: Result<bool, Unanswered>,
    }

    impl Outside for Server {
        fn has(&self, _: &OutsideQuestion<'_>, deadline: Instant) -> Result<bool, Unanswered> {
            assert!(deadline > self.now());
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.answer
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
        }
    }

    fn consultation(answer: Result<bool, Unanswered>) -> (Consultation, Arc<AtomicU32>, Arc<AtomicU64>) {
        let (asked, seconds) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU64::new(0)));
        let server = Server { asked: asked.clone(), seconds: seconds.clone(), start: Instant::now(), answer };
        (Consultation::new(server, Patience { failures: 2, ..Patience::default() }), asked, seconds)
    }

    const QUESTION: OutsideQuestion<'_> =
        OutsideQuestion { value_set: Some("http://x/vs"), coding: Coding::of("http://x/cs", "a") };

    #[test]
    fn an_answer_is_asked_for_once_until_it_is_old() {
        let (consultation, asked, seconds) = consultation(Ok(true));
        assert_eq!((consultation.has(&QUESTION), consultation.has(&QUESTION)), (Some(true), Some(true)));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        seconds.store(3601, Ordering::Relaxed);
        assert_eq!(consultation.has(&QUESTION), Some(true));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_server_that_is_down_is_left_alone_and_tried_again() {
        let (consultation, asked, seconds) = consultation(Err(Unanswered::Unavailable));
        for _ in 0..5 {
            assert_eq!(consultation.has(&QUESTION), None);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        seconds.store(31, Ordering::Relaxed);
        for _ in 0..5 {
            assert_eq!(consultation.has(&QUESTION), None);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_it_does_not_know_is_remembered_and_opens_nothing() {
        let (consultation, asked, _) = consultation(Err(Unanswered::Unknown));
        for _ in 0..5 {
            assert_eq!(consultation.has(&QUESTION), None);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
