//! What a terminology server outside has said, where nothing here can say: a cache with a breaker before it. Nothing here waits.
//! [`gather`] runs a piece of work and collects what it could not be told; the caller asks that elsewhere, in its own time,
//! tells the [`Consultation`] what was answered, and runs the work again.

use std::cell::RefCell;
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

/// The same, to be kept while it is asked. Its `Debug` shows no code.
#[derive(Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The value set, with its version where one was asked for; none when the code system alone is asked.
    pub value_set: Option<String>,
    /// The canonical of the code system; none for an element of type `code`.
    pub system: Option<String>,
    /// The version of the code system, when the coding states one.
    pub version: Option<String>,
    /// The code.
    pub code: String,
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("value_set", &self.value_set).finish_non_exhaustive()
    }
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

/// How patient one is with it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long an answer holds.
    pub lifetime: Duration,
    /// Most answers that are kept.
    pub answers: usize,
    /// So many failures in a row open the breaker.
    pub failures: u32,
    /// How long it stays open before one question is let through, and until that one is answered.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(3600), answers: 20_000, failures: 5, pause: Duration::from_secs(30) }
    }
}

/// What somebody outside said, and whether to ask again now.
pub struct Consultation {
    patience: Patience,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
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

/// Most questions that one piece of work may leave.
const MOST_INQUIRIES: usize = 1000;
/// Longest canonical and longest code that are asked for.
const LONGEST: usize = 512;

thread_local! {
    /// What the work on this thread could not be told; none when nobody gathers.
    static OPEN: RefCell<Option<Vec<Inquiry>>> = const { RefCell::new(None) };
}

/// Runs a piece of work on this thread, and gives with its result what no [`Consultation`] could tell it yet, each once.
pub fn gather<T>(work: impl FnOnce() -> T) -> (T, Vec<Inquiry>) {
    let around = OPEN.replace(Some(Vec::new()));
    // Put back even when the work panics: the next one on this thread must not inherit it.
    let mut put_back = PutBack(around);
    let result = work();
    let open = OPEN.replace(put_back.0.take()).unwrap_or_default();
    std::mem::forget(put_back);
    (result, open)
}

struct PutBack(Option<Vec<Inquiry>>);

impl Drop for PutBack {
    fn drop(&mut self) {
        OPEN.set(self.0.take());
    }
}

impl Consultation {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, clock: Box::new(Instant::now), state: Mutex::default() }
    }

    /// Whether it has the code, as it was told; none when it was not asked, could not say, or that is too long ago. Then the
    /// question is for [`gather`].
    pub fn has(&self, question: &OutsideQuestion<'_>) -> Option<bool> {
        if !may_be_asked(question) {
            return None;
        }
        let inquiry = Inquiry::of(question);
        let told = self.state().answers.get(&inquiry.key()).copied();
        match told {
            Some((until, answer)) if until > (self.clock)() => answer,
            _ => {
                OPEN.with_borrow_mut(|open| {
                    if let Some(open) = open.as_mut().filter(|open| open.len() < MOST_INQUIRIES)
                        && !open.contains(&inquiry)
                    {
                        open.push(inquiry);
                    }
                });
                None
            }
        }
    }

    /// Of so many questions, how many may be asked now: none while the breaker is open, one to try whether it may close.
    pub fn admit(&self, questions: usize) -> usize {
        let now = (self.clock)();
        let mut state = self.state();
        if state.open_until.is_some_and(|until| until > now) {
            return 0;
        }
        if state.failures < self.patience.failures {
            return questions;
        }
        // While this one is out, no other follows.
        state.open_until = Some(now + self.patience.pause);
        questions.min(1)
    }

    /// Keeps what was answered. Whether it opened the breaker.
    pub fn tell(&self, inquiry: &Inquiry, answer: Result<bool, Unanswered>) -> bool {
        let now = (self.clock)();
        let mut state = self.state();
        let answer = match answer {
            Ok(has) => Some(has),
            Err(Unanswered::Unknown) => None,
            Err(Unanswered::Unavailable) => {
                state.failures = state.failures.saturating_add(1);
                let is_at_limit = state.failures >= self.patience.failures;
                let was_open = state.open_until.is_some_and(|until| until > now);
                if is_at_limit {
                    state.open_until = Some(now + self.patience.pause);
                }
                return is_at_limit && !was_open;
            }
        };
        (state.failures, state.open_until) = (0, None);
        if state.answers.len() >= self.patience.answers {
            state.answers.retain(|_, (until, _)| *until > now);
        }
        if state.answers.len() >= self.patience.answers {
            state.answers.clear();
        }
        state.answers.insert(inquiry.key(), (now + self.patience.lifetime, answer));
        false
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is no canonical of the world (`#contained`, a word) means nothing to anybody else; what is too long is no code.
fn may_be_asked(question: &OutsideQuestion<'_>) -> bool {
    let is_canonical = |url: &str| url.contains(':') && url.len() <= LONGEST && !url.contains(char::is_whitespace);
    let coding = &question.coding;
    let is_short = |text: &str| text.len() <= LONGEST;
    question.value_set.is_none_or(is_canonical)
        && coding.system.is_none_or(is_canonical)
        && (question.value_set.is_some() || coding.system.is_some())
        && is_short(coding.code)
        && coding.version.is_none_or(is_short)
}

impl Inquiry {
    fn of(question: &OutsideQuestion<'_>) -> Self {
        let coding = &question.coding;
        Self {
            value_set: question.value_set.map(str::to_owned),
            system: coding.system.map(str::to_owned),
            version: coding.version.map(str::to_owned),
            code: coding.code.to_owned(),
        }
    }

    /// Parts that cannot run into each other: none has a control character that FHIR allows in it.
    fn key(&self) -> String {
        let parts = [self.value_set.as_deref(), self.system.as_deref(), self.version.as_deref(), Some(&*self.code)];
        parts.map(Option::unwrap_or_default).join("\u{1}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const QUESTION: OutsideQuestion<'_> =
        OutsideQuestion { value_set: Some("http://x/vs"), coding: Coding::of("http://x/cs", "a") };

    fn consultation() -> (Consultation, Arc<AtomicU64>) {
        let (seconds, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let clock = Arc::clone(&seconds);
        let clock = move || start + Duration::from_secs(clock.load(Ordering::Relaxed));
        let patience = Patience { failures: 2, ..Patience::default() };
        (Consultation { clock: Box::new(clock), ..Consultation::new(patience) }, seconds)
    }

    /// What is left to be asked of a question.
    fn open(consultation: &Consultation) -> (Option<bool>, Vec<Inquiry>) {
        gather(|| consultation.has(&QUESTION).or_else(|| consultation.has(&QUESTION)))
    }

    #[test]
    fn an_answer_is_asked_for_once_until_it_is_old() {
        let (consultation, seconds) = consultation();
        let (told, inquiries) = open(&consultation);
        assert_eq!((told, inquiries.len()), (None, 1));
        assert!(!consultation.tell(&inquiries[0], Ok(true)));
        assert_eq!(open(&consultation), (Some(true), vec![]));
        seconds.store(3601, Ordering::Relaxed);
        assert_eq!(open(&consultation), (None, inquiries));
    }

    #[test]
    fn a_server_that_is_down_is_left_alone_and_tried_again() {
        let (consultation, seconds) = consultation();
        let (_, inquiries) = open(&consultation);
        assert_eq!(consultation.admit(7), 7);
        assert!(!consultation.tell(&inquiries[0], Err(Unanswered::Unavailable)));
        assert!(consultation.tell(&inquiries[0], Err(Unanswered::Unavailable)));
        assert_eq!(consultation.admit(7), 0);
        seconds.store(31, Ordering::Relaxed);
        assert_eq!((consultation.admit(7), consultation.admit(7)), (1, 0));
        consultation.tell(&inquiries[0], Ok(false));
        assert_eq!((consultation.admit(7), consultation.has(&QUESTION)), (7, Some(false)));
    }

    #[test]
    fn what_it_does_not_know_is_remembered_and_opens_nothing() {
        let (consultation, _) = consultation();
        let (_, inquiries) = open(&consultation);
        for _ in 0..5 {
            assert!(!consultation.tell(&inquiries[0], Err(Unanswered::Unknown)));
        }
        assert_eq!(open(&consultation), (None, vec![]));
        assert_eq!(consultation.admit(1), 1);
    }

    #[test]
    fn what_means_nothing_to_others_is_not_asked() {
        let (consultation, _) = consultation();
        let long = "a".repeat(600);
        let ((), inquiries) = gather(|| {
            for (value_set, system, code) in
                [("#vs", "http://x/cs", "a"), ("http://x/vs", "word", "a"), ("http://x/vs", "http://x/cs", &*long)]
            {
                let question = OutsideQuestion { value_set: Some(value_set), coding: Coding::of(system, code) };
                assert_eq!(consultation.has(&question), None);
            }
        });
        assert_eq!(inquiries, vec![]);
    }

    #[test]
    fn work_that_panics_leaves_nothing_for_the_next_one_on_its_thread() {
        let (consultation, _) = consultation();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            gather(|| {
                consultation.has(&QUESTION);
                assert!(consultation.has(&QUESTION).is_some(), "on purpose");
            })
        }));
        assert!(outcome.is_err());
        assert!(OPEN.with_borrow(Option::is_none));
    }
}
