//! Requests by practice, client and route, with how fast they come.

use std::collections::HashMap;
use std::sync::Arc;

use adapter::Practice;
use http::StatusCode;
use parking_lot::Mutex;

use super::counts::{Counts, Rates};

/// Rows that are told apart; what comes beyond them is counted together.
const MOST_ROWS: usize = 1024;

/// Who asked where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// Whose data; none before it is known who asks.
    pub practice: Option<Practice>,
    /// `client_id`; none before it is known.
    pub client: Option<Arc<str>>,
    /// The route; none before it is known.
    pub route: Option<Arc<str>>,
}

/// How requests ended: answered, refused (4xx), failed (5xx).
pub type Endings = Counts<3>;

/// Counters for each way.
#[derive(Default)]
pub struct Traffic {
    rows: Mutex<HashMap<Way, Arc<Endings>>>,
    others: Arc<Endings>,
}

/// Requests of one way.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Which way; none is all others together.
    pub way: Option<Way>,
    /// How they ended.
    pub rates: Rates<3>,
}

impl Traffic {
    /// The counters of a way, to be kept by the caller: looking them up is for the first request only.
    #[must_use]
    pub fn endings(&self, way: Way) -> Arc<Endings> {
        let mut rows = self.rows.lock();
        if rows.len() >= MOST_ROWS && !rows.contains_key(&way) {
            return Arc::clone(&self.others);
        }
        Arc::clone(rows.entry(way).or_default())
    }

    /// Lets time pass. To be called every five seconds.
    pub fn sample(&self) {
        let rows: Vec<_> = self.rows.lock().values().cloned().collect();
        rows.iter().chain([&self.others]).for_each(|endings| endings.sample());
    }

    /// Every way, the busiest first; all others at the end.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let rows: Vec<_> = self.rows.lock().iter().map(|(way, endings)| (way.clone(), Arc::clone(endings))).collect();
        let flow = |(way, endings): (Way, Arc<Endings>)| Flow { way: Some(way), rates: endings.rates() };
        let mut flows: Vec<Flow> = rows.into_iter().map(flow).collect();
        let weight = |flow: &Flow| [flow.rates.hour, flow.rates.ever].map(|counts| counts.iter().sum::<u64>());
        flows.sort_by(|one, other| weight(other).cmp(&weight(one)).then_with(|| one.way.cmp(&other.way)));
        let others = self.others.rates();
        if others.ever.iter().any(|count| *count > 0) {
            flows.push(Flow { way: None, rates: others });
        }
        flows
    }
}

/// Which of [`Endings`] a status is.
#[must_use]
pub fn ending(status: StatusCode) -> usize {
    match status.as_u16() {
        0..400 => 0,
        400..500 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(client: &str) -> Way {
        Way { practice: Some(Practice::default()), client: Some(client.into()), route: Some("store".into()) }
    }

    #[test]
    fn the_busiest_way_comes_first_and_endings_are_told_apart() {
        let traffic = Traffic::default();
        traffic.endings(way("a")).add(ending(StatusCode::OK));
        for status in [StatusCode::CREATED, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY] {
            traffic.endings(way("b")).add(ending(status));
        }
        let flows = traffic.flows();
        assert_eq!(flows.iter().map(|flow| flow.way.clone()).collect::<Vec<_>>(), [Some(way("b")), Some(way("a"))]);
        assert_eq!((flows[0].rates.minute, flows[1].rates.ever), ([1, 1, 1], [1, 0, 0]));
    }

    #[test]
    fn clients_beyond_number_are_counted_together() {
        let traffic = Traffic::default();
        for number in 0..MOST_ROWS + 7 {
            traffic.endings(way(&number.to_string())).add(0);
        }
        let flows = traffic.flows();
        assert_eq!(flows.len(), MOST_ROWS + 1);
        assert_eq!(flows.last().map(|flow| (flow.way.clone(), flow.rates.ever)), Some((None, [7, 0, 0])));
    }
}
