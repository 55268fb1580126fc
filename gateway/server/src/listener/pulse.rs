//! The pulse of one connection: what it is doing and since when, and whether that has lasted too long.
//! Requests only store what happened; one timer per connection looks at it now and then, so a request arms no timer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a client may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two requests, and before the first.
    pub idle: Duration,
    /// For the head of an HTTP/1.1 request, from its first byte on.
    pub head: Duration,
    /// For a request in all, from its head to the last byte of its answer.
    pub total: Duration,
    /// For taking a single byte of what we write.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            total: Duration::from_secs(60),
            stall: Duration::from_secs(20),
        }
    }
}

impl Patience {
    /// How often a connection is looked at.
    fn look(&self) -> Duration {
        self.idle.min(self.head).min(self.total).min(self.stall) / 2 + Duration::from_millis(1)
    }
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing until then.
    Wait(Instant),
    /// It is idle for too long: close it in good order.
    Close,
    /// It holds what it does not use: cut it off.
    Cut(&'static str),
}

/// What one connection is doing.
pub struct Pulse {
    patience: Patience,
    state: Mutex<State>,
}

struct State {
    /// HTTP/2 speaks between requests too (PING, WINDOW_UPDATE): bytes alone do not begin a head there.
    http2: bool,
    idle_since: Instant,
    head_since: Option<Instant>,
    stalled_since: Option<Instant>,
    /// With when each began; none for one that may take its time.
    exchanges: VecDeque<(u64, Option<Instant>)>,
    next: u64,
}

/// One request and its answer on a connection; ends when dropped.
pub struct Exchange {
    pulse: Arc<Pulse>,
    number: u64,
}

impl Pulse {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(patience: Patience, http2: bool, now: Instant) -> Arc<Self> {
        let state = State {
            http2,
            idle_since: now,
            head_since: None,
            stalled_since: None,
            exchanges: VecDeque::new(),
            next: 0,
        };
        Arc::new(Self { patience, state: Mutex::new(state) })
    }

    /// Bytes came.
    pub(super) fn read(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if state.next == 0 && state.head_since.is_none() && bytes.starts_with(b"PRI") {
            state.http2 = true;
        }
        if state.exchanges.is_empty() && state.head_since.is_none() && !state.http2 && !bytes.is_empty() {
            state.head_since = Some(Instant::now());
        }
    }

    /// We could write, or could not.
    pub(super) fn written(&self, taken: bool) {
        let mut state = self.state.lock();
        if taken {
            state.stalled_since = None;
        } else if state.stalled_since.is_none() {
            state.stalled_since = Some(Instant::now());
        }
    }

    /// A head was understood: a request begins.
    pub(super) fn begin(self: &Arc<Self>, now: Instant) -> Exchange {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.head_since = None;
        state.exchanges.push_back((number, Some(now)));
        Exchange { pulse: Arc::clone(self), number }
    }

    /// Whether nothing was ever asked for over it.
    pub(super) fn is_unused(&self) -> bool {
        let state = self.state.lock();
        state.next == 0 && state.head_since.is_none()
    }

    /// What is to be done now.
    #[must_use]
    pub fn verdict(&self, now: Instant) -> Verdict {
        let state = self.state.lock();
        let oldest = state.exchanges.iter().find_map(|(_, since)| *since);
        let over = |since: Option<Instant>, most: Duration| since.is_some_and(|since| now >= since + most);
        if over(oldest, self.patience.total) {
            return Verdict::Cut("a request took too long in all");
        }
        if over(state.stalled_since, self.patience.stall) {
            return Verdict::Cut("the client does not take its answer");
        }
        if over(state.head_since, self.patience.head) {
            return Verdict::Cut("the head of a request took too long");
        }
        if state.exchanges.is_empty() && state.head_since.is_none() && now >= state.idle_since + self.patience.idle {
            return Verdict::Close;
        }
        Verdict::Wait(now + self.patience.look())
    }
}

impl Exchange {
    /// It may take longer than requests do in all: only a client that takes nothing is cut off.
    pub(super) fn unhurry(&self) {
        let mut state = self.pulse.state.lock();
        let own = state.exchanges.iter_mut().find(|(number, _)| *number == self.number);
        if let Some((_, since)) = own {
            *since = None;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.pulse.state.lock();
        if let Some(at) = state.exchanges.iter().position(|(number, _)| *number == self.number) {
            state.exchanges.remove(at);
        }
        if state.exchanges.is_empty() {
            state.idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse() -> (Arc<Pulse>, Instant, Patience) {
        let now = Instant::now();
        let patience = Patience::default();
        (Pulse::new(patience, false, now), now, patience)
    }

    #[test]
    fn a_connection_that_says_nothing_is_closed_in_good_order() {
        let (pulse, start, patience) = pulse();
        assert!(matches!(pulse.verdict(start), Verdict::Wait(_)));
        assert_eq!(pulse.verdict(start + patience.idle), Verdict::Close);
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_is_cut_off() {
        let (pulse, start, patience) = pulse();
        pulse.read(b"G");
        pulse.read(b"E");
        let late = start + patience.head + Duration::from_secs(1);
        assert!(matches!(pulse.verdict(late), Verdict::Cut(_)));
    }

    #[test]
    fn an_answer_that_is_never_taken_is_cut_off_however_much_else_happens() {
        let (pulse, start, patience) = pulse();
        let stuck = pulse.begin(start);
        drop(pulse.begin(start + patience.total / 2));
        assert!(matches!(pulse.verdict(start + patience.total), Verdict::Cut(_)));
        drop(stuck);
        assert!(matches!(pulse.verdict(start + patience.total), Verdict::Wait(_)));
        pulse.written(false);
        let late = start + patience.stall + Duration::from_secs(1);
        assert!(matches!(pulse.verdict(late), Verdict::Cut(_)));
        pulse.written(true);
        assert!(matches!(pulse.verdict(late), Verdict::Wait(_)));
    }

    #[test]
    fn a_file_may_take_its_time_while_its_client_takes_it() {
        let (pulse, start, patience) = pulse();
        let download = pulse.begin(start);
        download.unhurry();
        let late = start + patience.total.max(patience.idle) * 3;
        assert!(matches!(pulse.verdict(late), Verdict::Wait(_)));
        pulse.written(false);
        assert!(matches!(pulse.verdict(late + patience.stall), Verdict::Cut(_)));
        drop(download);
    }

    #[test]
    fn frames_between_requests_begin_no_head_on_http2() {
        let (pulse, start, patience) = pulse();
        pulse.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert!(matches!(pulse.verdict(start + patience.head * 2), Verdict::Wait(_)));
        assert_eq!(pulse.verdict(start + patience.idle), Verdict::Close);
    }
}
