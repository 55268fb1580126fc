//! Who is signed in. Sessions live in memory: a restart ends them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::Clock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::secret::Digest;

/// A session that nobody uses ends after this.
const IDLE: Duration = Duration::from_mins(30);
/// Any session ends after this.
const LONGEST: Duration = Duration::from_hours(12);
/// When there are more, the one that was used longest ago ends.
const MOST: usize = 32;

/// The sessions of one gateway. What a cookie holds is not kept: a dump of the memory signs nobody in.
pub(super) struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
    clock: Arc<dyn Clock>,
}

struct Session {
    /// Its name in the audit log.
    name: Arc<str>,
    /// What its forms carry, so that no other page can send them.
    form: Arc<str>,
    /// Of the token that opened it.
    secret: Digest,
    begun: Instant,
    used: Instant,
}

/// A session that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// Its name in the audit log.
    pub(super) name: Arc<str>,
    /// What its forms carry.
    pub(super) form: Arc<str>,
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { open: Mutex::default(), clock }
    }

    /// Begins a session for who knew the token; gives what its cookie holds.
    pub(super) fn begin(&self, secret: Digest) -> String {
        let now = self.clock.instant();
        let cookie = random();
        let name: String = random().chars().take(8).collect();
        let session = Session { name: name.into(), form: random().into(), secret, begun: now, used: now };
        let mut open = self.open.lock();
        open.retain(|_, session| session.is_on(now));
        if open.len() >= MOST {
            let idlest = open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            idlest.and_then(|key| open.remove(&key));
        }
        open.insert(key(&cookie), session);
        cookie
    }

    /// The session of a cookie, when it is going on and the token that opened it is still the one. `is_use` says that somebody
    /// did something: a page that refreshes itself keeps no session alive.
    pub(super) fn find(&self, cookie: &str, secret: Digest, is_use: bool) -> Option<Signed> {
        let now = self.clock.instant();
        let mut open = self.open.lock();
        let session = open.get_mut(&key(cookie))?;
        if !session.is_on(now) || session.secret != secret {
            open.remove(&key(cookie));
            return None;
        }
        if is_use {
            session.used = now;
        }
        Some(Signed { name: Arc::clone(&session.name), form: Arc::clone(&session.form) })
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &str) {
        self.open.lock().remove(&key(cookie));
    }
}

impl Session {
    fn is_on(&self, now: Instant) -> bool {
        now < self.used + IDLE && now < self.begun + LONGEST
    }
}

/// Looked up by hash: how long a lookup takes tells nothing of the cookies that there are.
fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    struct Watch(Mutex<Instant>);

    impl Watch {
        fn pass(&self, time: Duration) {
            *self.0.lock() += time;
        }
    }

    impl Clock for Watch {
        fn now(&self) -> SystemTime {
            SystemTime::now()
        }

        fn instant(&self) -> Instant {
            *self.0.lock()
        }
    }

    fn sessions() -> (Arc<Watch>, Sessions, Digest) {
        let watch = Arc::new(Watch(Mutex::new(Instant::now())));
        (Arc::clone(&watch), Sessions::new(watch), Digest::of("token"))
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_a_refresh_is_no_use() {
        let (watch, sessions, secret) = sessions();
        let cookie = sessions.begin(secret);
        for _ in 0..3 {
            watch.pass(IDLE - Duration::from_secs(1));
            assert!(sessions.find(&cookie, secret, true).is_some());
        }
        watch.pass(Duration::from_mins(20));
        assert!(sessions.find(&cookie, secret, false).is_some());
        watch.pass(Duration::from_mins(20));
        assert_eq!(sessions.find(&cookie, secret, false), None);
    }

    #[test]
    fn a_session_ends_after_half_a_day_however_busy_it_is() {
        let (watch, sessions, secret) = sessions();
        let cookie = sessions.begin(secret);
        let uses = (0..40).filter(|_| {
            watch.pass(Duration::from_mins(20));
            sessions.find(&cookie, secret, true).is_some()
        });
        assert_eq!(uses.count(), 35);
    }

    #[test]
    fn signing_out_and_another_token_end_it() {
        let (_, sessions, secret) = sessions();
        let (first, second) = (sessions.begin(secret), sessions.begin(secret));
        assert_ne!(sessions.find(&first, secret, true), sessions.find(&second, secret, true));
        sessions.end(&first);
        assert_eq!(sessions.find(&first, secret, true), None);
        assert_eq!(sessions.find(&second, Digest::of("another"), true), None);
        assert_eq!(sessions.find(&second, secret, true), None, "it does not come back with the old token");
        assert_eq!(sessions.find("", secret, true), None);
    }

    #[test]
    fn there_are_a_bounded_number_of_sessions() {
        let (watch, sessions, secret) = sessions();
        let cookies: Vec<String> = (0..=MOST)
            .map(|_| {
                watch.pass(Duration::from_secs(1));
                sessions.begin(secret)
            })
            .collect();
        assert_eq!(sessions.open.lock().len(), MOST);
        assert_eq!(sessions.find(&cookies[0], secret, true), None, "the idlest made place");
        assert!(sessions.find(&cookies[MOST], secret, true).is_some());
    }
}
