//! Along the types of a compartment: some at a time, page by page, until this page is full.

use std::collections::HashSet;

use fhir::ResourceType;
use futures_util::future::join_all;
use http::StatusCode;

use super::asked::Asked;
use super::notes::Notes;
use super::page::{Page, mark_of};
use super::position::{At, Mark};
use super::station::{self, Station};
use crate::failure::Failure;
use crate::operations::{Ask, Running, ask};

/// Types that are searched at a time.
const AT_A_TIME: usize = 8;
/// Matches that are asked of one search.
const EACH: usize = 100;
/// Marks that a link carries: a page of a back end that has more is given whole.
const MARKS: usize = 200;
/// Searches for one page. What they do not find is on the next.
const SEARCHES: usize = 200;

struct Walk<'w> {
    ask: Ask<'w>,
    asked: &'w Asked,
    is_confined: bool,
    searches: usize,
}

/// Fills the page; where the next one begins, when there may be more.
pub(super) async fn along(running: &Running<'_>, asked: &Asked, page: &mut Page, notes: &mut Notes) -> Option<At> {
    let stations = station::all(running, asked, notes);
    let from = asked.position.as_ref().map(|position| &position.at);
    let first = from.map_or(0, |at| reached(&stations, &at.of));
    let is_confined = running.permitted.reach().patient().is_some();
    let mut walk = Walk { ask: running.ask(), asked, is_confined, searches: 0 };
    let mut resumed = from.cloned();
    for window in stations.get(first..).unwrap_or_default().chunks(AT_A_TIME) {
        let begin = |station: &Station| match &resumed {
            Some(at) if at.of == station.of.as_str() => at.clone(),
            _ => At::first(station.of, 0),
        };
        let places: Vec<At> = window.iter().map(begin).collect();
        resumed = None;
        let count = page.left().clamp(1, EACH);
        let asks = window.iter().zip(&places).map(|(station, at)| {
            let alive = !notes.has_failed(&station.back_end);
            let walk = &walk;
            async move { if alive { Some(walk.fetch(station, at, count).await) } else { None } }
        });
        let answers = join_all(asks).await;
        walk.searches += answers.len();
        for ((station, at), answer) in window.iter().zip(places).zip(answers) {
            let Some(answer) = answer else {
                notes.failed(&station.back_end, station.of);
                continue;
            };
            if let Some(at) = walk.take(station, at, answer, page, notes).await {
                return Some(at);
            }
        }
    }
    None
}

/// The station of a type, or the first behind where it was: a type may have gone since.
fn reached(stations: &[Station], of: &str) -> usize {
    let Ok(of) = of.parse::<ResourceType>() else { return stations.len() };
    stations.iter().position(|station| station.of.index() >= of.index()).unwrap_or(stations.len())
}

impl Walk<'_> {
    async fn fetch(&self, station: &Station, at: &At, count: usize) -> Result<ask::Page, Failure> {
        let search = match &at.page {
            Some(page) => station.page(self.asked, at, page),
            None => station.search(self.asked, at.way, count),
        };
        self.ask.search(search).await
    }

    /// Takes what a station has; where it stood when the page was full.
    async fn take(
        &mut self,
        station: &Station,
        mut at: At,
        first: Result<ask::Page, Failure>,
        page: &mut Page,
        notes: &mut Notes,
    ) -> Option<At> {
        let mut answer = first;
        loop {
            at = match answer {
                Ok(found) => match self.taken(station, &at, found, page, notes) {
                    Taken::Full(at) => return Some(at),
                    Taken::Next(next) => next,
                    // Behind the compartment there is nothing; behind one parameter there are the others.
                    Taken::All if at.way == 0 => return None,
                    Taken::All => station.behind(at.way)?,
                },
                Err(failure) => self.refused(station, &at, &failure, notes)?,
            };
            if page.is_full() || self.searches >= SEARCHES {
                return Some(at);
            }
            self.searches += 1;
            answer = self.fetch(station, &at, page.left().clamp(1, EACH)).await;
        }
    }

    fn taken(&self, station: &Station, at: &At, found: ask::Page, page: &mut Page, notes: &mut Notes) -> Taken {
        notes.said(found.outcomes);
        let mut seen: HashSet<Mark> = at.seen();
        for resource in &found.matches {
            let Some(mark) = mark_of(resource) else { continue };
            if seen.contains(&mark) || !station.gives(self.asked, at.way, resource) || !self.asked.is_recent(resource) {
                continue;
            }
            if page.is_full() && seen.len() <= MARKS {
                return Taken::Full(at.behind(&seen));
            }
            seen.insert(mark);
            page.push(resource);
        }
        found.next.map_or(Taken::All, |next| Taken::Next(at.next(&next)))
    }

    /// Where to go on when a search was not made.
    fn refused(&self, station: &Station, at: &At, failure: &Failure, notes: &mut Notes) -> Option<At> {
        if failure.status.is_server_error() || failure.status == StatusCode::TOO_MANY_REQUESTS {
            notes.failed(&station.back_end, station.of);
            return None;
        }
        if at.way > 0 {
            notes.in_part(station.of);
            return station.behind(at.way);
        }
        // What a confined token reaches is for its back end to keep.
        let next = station.behind(0).filter(|_| !self.is_confined && at.page.is_none());
        match &next {
            Some(_) if station.is_partial => notes.in_part(station.of),
            Some(_) => {}
            None => notes.unsearched(station.of),
        }
        next
    }
}

enum Taken {
    Full(At),
    Next(At),
    All,
}
